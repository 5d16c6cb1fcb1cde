#include "slurm_environment.hpp"

#include <cstdlib>
#include <initializer_list>

namespace amdahl::scheduler_adapters::slurm {

namespace {

std::map<std::string, std::string> inherited(std::initializer_list<const char*> names) {
  std::map<std::string, std::string> environment{
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, {"HOME", "/"}};
  for (const auto* name : names) {
    if (const char* value = std::getenv(name)) environment[name] = value;
  }
  return environment;
}

}  // namespace

std::map<std::string, std::string> environment_of_commands() {
  auto environment = inherited({"PATH", "HOME", "SLURM_CONF", "SLURM_JWT", "LD_LIBRARY_PATH"});
  environment["LC_ALL"] = "C";
  environment["SLURM_TIME_FORMAT"] = "%s";
  return environment;
}

std::map<std::string, std::string> environment_of_jobs() { return inherited({"PATH", "HOME"}); }

}  // namespace amdahl::scheduler_adapters::slurm
