#include "dev_ledger.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "amdahl/core/sha256.hpp"
#include "amdahl/ledger/migrator.hpp"
#include "config_file.hpp"
#include "connection_role.hpp"

namespace amdahl::cli {

namespace {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Result;

constexpr auto database = "amdahl";
constexpr std::chrono::seconds lock_patience{5};  // longer than an interrupted one takes to end
constexpr std::chrono::milliseconds lock_interval{100};

// Short, because a socket's path may have 107 bytes; named after the state folder it belongs to.
fs::path socket_dir(const Environment& env, const DevPlace& place) {
  const auto name = core::hex(core::sha256(place.state_dir.string())).substr(0, 8);
  if (env.is_root) return fs::path{"/run/amdahl"} / name;
  const auto runtime = env.variable("XDG_RUNTIME_DIR");
  std::error_code ignored;
  if (runtime.starts_with("/") && fs::is_directory(runtime, ignored))
    return fs::path{runtime} / ("amdahl-" + name);
  return fs::path{"/tmp"} / fmt::format("amdahl-{}-{}", ::getuid(), name);
}

ledger::PrivateServerOptions server_options(const Environment& env, const DevPlace& place) {
  ledger::PrivateServerOptions options;
  options.data_dir = place.ledger_dir();
  options.socket_dir = socket_dir(env, place);
  return options;
}

// Written beside its place and renamed into it, readable by its owner only.
Result<void> write_private(const fs::path& file, const std::string& text) {
  const auto draft = file.string() + ".draft";
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return Error{
        ErrorCode::failed, fmt::format("cannot write {}: {}", draft, std::strerror(errno)), {}};
  const auto written = ::write(fd, text.data(), text.size());
  const bool whole = written == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  ::close(fd);
  if (!whole || ::rename(draft.c_str(), file.c_str()) != 0) {
    return Error{ErrorCode::failed,
                 fmt::format("cannot write {}: {}", file.string(), std::strerror(errno)),
                 "is the disk full?"};
  }
  return {};
}

std::string quoted(const fs::path& path) { return nlohmann::json(path.string()).dump(); }

std::string cluster_text(const DevSlots& slots) {
  std::string text = "[cluster.local]\nadapter = \"local\"\n";
  if (slots.gpus) text += fmt::format("gpus = {}\n", *slots.gpus);
  if (slots.cpus) text += fmt::format("cpus = {}\n", *slots.cpus);
  if (!slots.memory.empty()) text += "memory = " + nlohmann::json(slots.memory).dump() + "\n";
  return text;
}

Result<void> write_configuration(const DevPlace& place, const ledger::PrivateServer& server,
                                 const DevSlots& slots) {
  const auto secrets = place.state_dir / "secrets";
  std::error_code problem;
  fs::create_directories(secrets, problem);
  fs::create_directories(place.state_dir / "conf.d", problem);
  fs::permissions(secrets, fs::perms::owner_all, problem);
  if (problem)
    return Error{ErrorCode::failed,
                 fmt::format("cannot make {}: {}", secrets.string(), problem.message()),
                 {}};
  const auto service = secrets / "ledger-url", owner = secrets / "ledger-owner-url";
  if (auto done = write_private(service, server.service_url(database) + "\n"); !done) return done;
  if (auto done = write_private(owner, server.owner_url(database) + "\n"); !done) return done;
  return write_private(
      place.config_file(),
      fmt::format("# Written by amdahl dev at every start; settings of your own go into conf.d.\n"
                  // Any port: several of these may be on one machine, each with its socket.
                  "[service]\nlisten = \"127.0.0.1:0\"\nstate_dir = {}\n[ledger]\nurl_file = "
                  "{}\nowner_url_file = {}\n"
                  // Whoever watches one machine does not wait half a day for the last check.
                  "[refute]\ndelay = \"0s\"\n{}",
                  quoted(place.state_dir), quoted(service), quoted(owner), cluster_text(slots)));
}

}  // namespace

fs::path default_dev_dir(const Environment& env) { return default_state_dir(env) / "dev"; }

Result<ledger::PrivateServer> open_dev_ledger(const Environment& env, const DevPlace& place,
                                              const DevSlots& slots) {
  auto server = ledger::PrivateServer::start(server_options(env, place));
  if (!server) return server.error();
  if (const auto made = server->ensure_database(database); !made) return made.error();
  const auto migrated =
      ledger::migrate(server->owner_url(database), role_of_url(server->service_url(database)));
  if (!migrated) return migrated.error();
  if (const auto written = write_configuration(place, *server, slots); !written)
    return written.error();
  return server;
}

Result<std::optional<ledger::PrivateServer>> running_dev_ledger(const Environment& env,
                                                                const DevPlace& place) {
  std::error_code ignored;
  if (!fs::exists(place.ledger_dir() / "postmaster.pid", ignored))
    return std::optional<ledger::PrivateServer>{};
  auto server = ledger::PrivateServer::start(server_options(env, place));
  if (!server) return server.error();
  return std::optional{std::move(*server)};
}

Result<DevLock> DevLock::take(const Environment& env, const DevPlace& place) {
  std::error_code problem;
  fs::create_directories(place.state_dir, problem);
  const auto path = place.state_dir / "lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return Error{ErrorCode::failed,
                 fmt::format("cannot open {}: {}", path.string(), std::strerror(errno)),
                 {}};
  }
  DevLock lock{fd};
  bool taken = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  for (const auto until = env.clock.since_boot() + lock_patience;
       !taken && env.clock.since_boot() < until;) {
    env.sleep(lock_interval);
    taken = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  }
  if (!taken) {
    std::string holder;
    std::getline(std::ifstream{path}, holder);
    return Error{
        ErrorCode::conflict,
        fmt::format("amdahl dev runs already in {} (process {})", place.state_dir.string(), holder),
        "end it with Ctrl-C, or name another --state-dir"};
  }
  const auto pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    return Error{ErrorCode::failed,
                 fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)),
                 {}};
  }
  return lock;
}

DevLock::DevLock(DevLock&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}

DevLock::~DevLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace amdahl::cli
