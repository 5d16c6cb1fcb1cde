#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/invariant.hpp"
#include "amdahl/core/run.hpp"
#include "amdahl/run_files/formats.hpp"

namespace {

// An error that says something, or a value that survives being written.
template <class Read>
void survives(const nlohmann::json& json, const Read& read) {
  using namespace amdahl;
  const auto value = read(json);
  if (value.has_error()) {
    core::invariant(!value.error().message.empty(), "an error says what is wrong");
    return;
  }
  const auto text = core::canonical_json(to_json(*value));
  core::invariant(read(core::parse_json(text, "again").value()) == *value,
                  "a file survives being written");
}

}  // namespace

// The files of a run directory other than its result, each read as every one of them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amdahl;
  const auto json = core::parse_json({reinterpret_cast<const char*>(data), size}, "file");
  if (json.has_error()) return 0;
  survives(*json, core::run_spec_from_json);
  survives(*json, run_files::local_settings_from_json);
  survives(*json, run_files::allocation_from_json);
  survives(*json, run_files::process_identity_from_json);
  return 0;
}
