#include "process.hpp"

#include <unistd.h>

#include <ctime>

extern char** environ;

namespace amdahl::cli {

namespace {

class SystemClock : public core::Clock {
 public:
  core::WallTime now() override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  }
  core::BootTime since_boot() override {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_nsec / 1000};
  }
};

}  // namespace

std::unique_ptr<core::Clock> make_system_clock() { return std::make_unique<SystemClock>(); }

std::map<std::string, std::string> process_variables() {
  std::map<std::string, std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text{*entry};
    const auto equals = text.find('=');
    if (equals != std::string::npos) all[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return all;
}

}  // namespace amdahl::cli
