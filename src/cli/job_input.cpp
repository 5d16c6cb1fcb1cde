#include "job_input.hpp"

#include "amdahl/core/limits.hpp"
#include "config_file.hpp"

namespace amdahl::cli {

core::Result<core::JobSpec> read_job_file(const Environment& env, const std::string& file) {
  const auto path = (env.directory / file).lexically_normal();
  const auto text = read_text_file(path, core::limits::job_file_bytes);
  if (!text) return text.error();
  return core::parse_job_file(*text, file, path.parent_path().string());
}

}  // namespace amdahl::cli
