#include <cstddef>
#include <cstdint>
#include <string>

#include "amdahl/core/invariant.hpp"
#include "config.hpp"
#include "connection_role.hpp"

// A configuration file (up to the first NUL) and a variable (behind it): values within bounds, or
// an error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amdahl;
  const std::string all{reinterpret_cast<const char*>(data), size};
  const auto split = all.find('\0');
  cli::ConfigSources sources;
  sources.files.push_back({"/etc/amdahl/amdahl.toml", all.substr(0, split)});
  if (split != std::string::npos) {
    const auto rest = all.substr(split + 1);
    const auto equals = rest.find('=');
    if (equals != std::string::npos) {
      sources.variables["AMDAHL__" + rest.substr(0, equals)] = rest.substr(equals + 1);
    }
  }
  sources.directory = "/";
  sources.state_dir = "/var/lib/amdahl";
  (void)cli::role_of_url(all);
  const auto config = cli::load_config(sources);
  if (config.has_error()) {
    core::invariant(!config.error().message.empty(), "an error says something");
    return 0;
  }
  core::invariant(config->checks % 2 == 1, "a majority cannot tie");
  core::invariant(config->concurrent_runs >= 1 && config->fleet_share > 0, "something may run");
  return 0;
}
