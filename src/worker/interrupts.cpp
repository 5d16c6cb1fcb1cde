#include "interrupts.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "amdahl/run_files/durable.hpp"
#include "amdahl/run_files/names.hpp"

namespace amdahl::worker {

using run_files::UniqueFd;
namespace names = run_files::names;

core::Result<Interrupts> Interrupts::watch(const std::filesystem::path& directory) {
  Interrupts interrupts;
  interrupts.directory_ = directory;
  interrupts.epoll_ = UniqueFd{::epoll_create1(EPOLL_CLOEXEC)};
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  interrupts.signals_ = UniqueFd{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!interrupts.epoll_ || !interrupts.signals_) {
    return run_files::system_error("watch", directory, errno);
  }
  // Without inotify (its instances are limited) the callers' timeouts still find the files.
  interrupts.inotify_ = UniqueFd{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  interrupts.told_ =
      interrupts.inotify_ && ::inotify_add_watch(interrupts.inotify_.get(), directory.c_str(),
                                                 IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) >= 0;
  for (const auto* fd : {&interrupts.signals_, &interrupts.inotify_}) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (*fd) ::epoll_ctl(interrupts.epoll_.get(), EPOLL_CTL_ADD, fd->get(), &event);
  }
  return interrupts;
}

void Interrupts::wake_on_close(const std::filesystem::path& folder) {
  if (close_watch_ >= 0) ::inotify_rm_watch(inotify_.get(), std::exchange(close_watch_, -1));
  if (!inotify_ || folder.empty()) return;
  close_watch_ = ::inotify_add_watch(inotify_.get(), folder.c_str(), IN_CLOSE_WRITE | IN_ONLYDIR);
  told_ = told_ && close_watch_ >= 0;
}

bool Interrupts::wait(std::chrono::milliseconds longest) {
  pollfd polled{epoll_.get(), POLLIN, 0};
  if (::poll(&polled, 1, static_cast<int>(longest.count())) <= 0) return false;
  notice();
  return true;
}

void Interrupts::notice() {
  alignas(8) char buffer[4096];
  while (inotify_ && ::read(inotify_.get(), buffer, sizeof buffer) > 0) {
  }
  while (::read(signals_.get(), buffer, sizeof(signalfd_siginfo)) > 0) signalled_ = true;
}

bool Interrupts::released() const {
  return ::access((directory_ / names::release).c_str(), F_OK) == 0;
}

bool Interrupts::cancelled(bool claimed) const {
  if (signalled_) return true;
  const auto mode = run_files::read_file(directory_ / names::cancel, 64);
  if (!mode) return false;
  return !claimed || *mode != names::cancel_if_unclaimed;
}

}  // namespace amdahl::worker
