#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "amdahl/core/invariant.hpp"
#include "amdahl/core/job.hpp"

// Whatever the bytes: a job that survives the way through JSON, or an error that names the place.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amdahl::core;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto job = parse_job_file(text, "job.toml", "/jobs");
  if (job.has_error()) {
    invariant(job.error().message.starts_with("job.toml:"), "an error names its place");
    return 0;
  }
  const auto back = job_from_json(to_json(*job));
  invariant(back.has_value() && *back == *job, "a job survives the way through JSON");
  (void)knob_hypotheses(*job);
  (void)baseline_configuration(*job);
  return 0;
}
