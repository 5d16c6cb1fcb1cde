#include "amdahl/core/failpoint.hpp"

#include <signal.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string>

namespace amdahl::core {
namespace {

// The one state of a process that nothing is handed: a crossing stands in functions that know
// nothing of each other (docs/decisions/0013).
struct Armed {
  std::string_view name;
  std::atomic<int> crossings_left{0};
  int signal = SIGKILL;
};

Armed& armed_one() {
  static Armed armed;
  return armed;
}

std::function<void(std::string_view)>& armed_handler() {
  static std::function<void(std::string_view)> handler;
  return handler;
}

Error bad_failpoint(std::string_view text, const std::string& why) {
  return {ErrorCode::invalid_input,
          std::string{failpoint_variable} + "=" + std::string{text} + ": " + why,
          "write NAME[@N][=kill|stop] with a name of failpoint_table.hpp, or unset it"};
}

}  // namespace

Result<void> arm_failpoint(std::string_view text) {
  if (text.empty()) return {};
  const auto equals = text.find('=');
  const auto action = equals == text.npos ? std::string_view{"kill"} : text.substr(equals + 1);
  if (action != "kill" && action != "stop")
    return bad_failpoint(text, "`" + std::string{action} + "` is no action");
  const auto place = text.substr(0, equals);
  const auto at = place.find('@');
  int crossing = 1;
  if (at != place.npos) {
    const auto digits = place.substr(at + 1);
    const auto* end = digits.data() + digits.size();
    const auto [stopped, problem] = std::from_chars(digits.data(), end, crossing);
    if (problem != std::errc{} || stopped != end || crossing < 1)
      return bad_failpoint(text, "`" + std::string{digits} + "` is no crossing: 1 is the first");
  }
  const auto name = place.substr(0, at);
  const auto* const known = std::find_if(failpoints.begin(), failpoints.end(),
                                         [&](const auto& point) { return point.name == name; });
  if (known == failpoints.end())
    return bad_failpoint(text, "no failpoint is called `" + std::string{name} + "`");
  auto& armed = armed_one();
  armed.name = known->name;
  armed.crossings_left = crossing;
  armed.signal = action == "stop" ? SIGSTOP : SIGKILL;
  failpoint_internal::armed = true;
  return {};
}

void on_failpoint(std::function<void(std::string_view)> handler) {
  armed_handler() = std::move(handler);
  failpoint_internal::armed = armed_handler() != nullptr || !armed_one().name.empty();
}

void failpoint_internal::cross(std::string_view name) {
  if (armed_handler()) armed_handler()(name);
  auto& armed = armed_one();
  if (name != armed.name || armed.crossings_left.fetch_sub(1) != 1) return;
  std::fprintf(stderr, "amdahl: at failpoint %.*s, as %s says\n", static_cast<int>(name.size()),
               name.data(), failpoint_variable);
  std::fflush(stderr);
  ::raise(armed.signal);
}

}  // namespace amdahl::core
