#include "notify.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>

namespace amdahl::cli {

namespace {

constexpr timeval manager_patience{1, 0};

std::int64_t whole_of(const std::string& text) {
  std::int64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc{} && rest == end ? value : 0;
}

// Zero where the watchdog is off, or meant for another process (sd_watchdog_enabled(3)).
std::chrono::microseconds watchdog_of(const Environment& env) {
  const auto pid = env.variable("WATCHDOG_PID");
  if (!pid.empty() && whole_of(pid) != ::getpid()) return {};
  return std::chrono::microseconds{
      std::max<std::int64_t>(0, whole_of(env.variable("WATCHDOG_USEC")))};
}

std::int64_t monotonic_us() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  constexpr std::int64_t us_per_s = 1'000'000, ns_per_us = 1'000;
  return time.tv_sec * us_per_s + time.tv_nsec / ns_per_us;
}

// 0, or why it was not sent.
int send_datagram(const std::string& socket, std::string_view message) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path, socket.data(), socket.size());
  // An abstract address has no end but its length.
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());
  const int door = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (door < 0) return errno;
  ::setsockopt(door, SOL_SOCKET, SO_SNDTIMEO, &manager_patience, sizeof manager_patience);
  const auto sent = ::sendto(door, message.data(), message.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), size);
  const int problem = sent < 0 ? errno : 0;
  ::close(door);
  return problem;
}

}  // namespace

Notifier::Notifier(Environment& env, EventLog log)
    : clock_{env.clock}, log_{std::move(log)}, watchdog_{watchdog_of(env)} {
  const auto socket = env.variable("NOTIFY_SOCKET");
  if (socket.starts_with("/") || socket.starts_with("@")) socket_ = socket;
}

void Notifier::send(std::string_view message) {
  if (socket_.empty()) return;
  const int problem = send_datagram(socket_, message);
  if (problem == 0 || std::exchange(failed_, true)) return;
  log_("notify_failed", {{"socket", socket_}, {"why", std::strerror(problem)}});
}

void Notifier::ready() {
  const std::lock_guard lock{mutex_};
  send("READY=1");
}

// systemd 253 and newer wants to know which moment the reload is of.
void Notifier::reloading() {
  const std::lock_guard lock{mutex_};
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_us()));
}

void Notifier::stopping() {
  const std::lock_guard lock{mutex_};
  send("STOPPING=1\nSTATUS=stopping");
}

void Notifier::status(std::string_view text) {
  std::string line{text.substr(0, text.find('\n'))};
  const std::lock_guard lock{mutex_};
  if (line == status_) return;
  status_ = std::move(line);
  send("STATUS=" + status_);
}

void Notifier::alive() {
  if (watchdog_.count() == 0) return;
  const std::lock_guard lock{mutex_};
  const auto now = clock_.since_boot();
  if (told_ && now - *told_ < watchdog_ / 2) return;
  told_ = now;
  send("WATCHDOG=1");
}

}  // namespace amdahl::cli
