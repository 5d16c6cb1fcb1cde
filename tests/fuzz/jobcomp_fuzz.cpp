#include <cstddef>
#include <cstdint>
#include <string_view>

#include "amdahl/core/invariant.hpp"
#include "amdahl/core/run.hpp"
#include "envelope.hpp"

// A record of Slurm's jobcomp/elasticsearch: whatever its bytes, no script, path or environment is
// kept, and the same bytes are the same delivery.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amdahl;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto content = http::hooks::read_jobcomp(text);
  if (content.has_error()) {
    core::invariant(!content.error().message.empty(), "an error says something");
    return 0;
  }
  core::invariant(content->kind.empty() || !content->native_id.empty(), "an end is of a job");
  core::invariant(content->run_key.empty() || core::is_run_key(content->run_key), "a key is one");
  core::invariant(content->id == http::hooks::read_jobcomp(text)->id, "an id is of its content");
  for (const auto* name : {"script", "work_dir", "std_in", "std_out", "std_err", "container"}) {
    core::invariant(!content->kept.contains(name), "scripts and paths are dropped");
  }
  for (const auto& [name, value] : content->kept.items()) {
    core::invariant(!value.is_structured(), "only plain members are kept");
  }
  (void)content->kept.dump();
  return 0;
}
