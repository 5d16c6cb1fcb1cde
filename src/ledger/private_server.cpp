#include "amdahl/ledger/private_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "amdahl/ledger/errors.hpp"
#include "postgres_cluster.hpp"
#include "pq.hpp"
#include "statements.hpp"
#include "subprocess.hpp"

namespace amdahl::ledger {
namespace {

namespace fs = std::filesystem;

constexpr auto service_role = "amdahl_service";
constexpr std::size_t socket_path_bytes_max = 107;  // sun_path less its end
constexpr auto lock_poll_interval = std::chrono::milliseconds{100};
constexpr int lock_polls_max = 1'800;  // 3 min: whoever holds it makes a server at worst
constexpr pq::Settings admin_settings{30'000, 10'000};

// PostgreSQL refuses to run as root: a service user does, made when missing.
core::Result<RunAs> service_ids(const std::string& user) {
  if (::geteuid() != 0) return RunAs{};
  const auto* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) {
    auto made = run_command({{"/usr/sbin/useradd", "--system", "--user-group", "--no-create-home",
                              "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", user},
                             std::nullopt,
                             std::chrono::seconds{30}});
    if (!made) return made.error();
    entry = ::getpwnam(user.c_str());
    if (entry == nullptr) {
      return server_failed(fmt::format("the user {} could not be made: {}", user, made->output),
                           fmt::format("useradd --system {}", user));
    }
  }
  return RunAs{UserIds{entry->pw_uid, entry->pw_gid}};
}

// Held while a server is made, started or stopped; the kernel drops it when we die.
class FolderLock {
 public:
  static core::Result<FolderLock> take(const fs::path& path) {
    FolderLock lock;
    lock.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    for (int polls = 0; lock.fd_ >= 0 && polls < lock_polls_max; ++polls) {
      if (::flock(lock.fd_, LOCK_EX | LOCK_NB) == 0) return lock;
      if (errno != EWOULDBLOCK && errno != EINTR) break;
      wait_for(lock_poll_interval);
    }
    return server_failed(
        fmt::format("{} could not be locked: {}", path.string(), std::strerror(errno)),
        "another process starts or stops this PostgreSQL; look which one holds the file");
  }
  FolderLock() = default;
  FolderLock(FolderLock&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  int fd_ = -1;
};

core::Result<void> check_options(const PrivateServerOptions& options) {
  const auto socket = fmt::format("{}/.s.PGSQL.{}", options.socket_dir.string(), server_port);
  if (socket.size() > socket_path_bytes_max) {
    return core::invalid_input(
        fmt::format("the socket path {} has {} bytes; at most {} are possible", socket,
                    socket.size(), socket_path_bytes_max),
        "use a shorter socket folder, for instance below /run or /tmp");
  }
  if (!options.data_dir.is_absolute() || !options.socket_dir.is_absolute()) {
    return core::invalid_input("the folders of a private PostgreSQL must be absolute paths");
  }
  return {};
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.size() < 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

core::Result<PrivateServer> PrivateServer::start(const PrivateServerOptions& options) {
  if (auto checked = check_options(options); !checked) return checked.error();
  const auto bin = find_binaries(options.data_dir);
  if (!bin) return bin.error();
  const auto run_as = service_ids(options.service_user);
  if (!run_as) return run_as.error();

  PrivateServer server;
  server.data_dir_ = options.data_dir;
  server.socket_dir_ = options.socket_dir;
  server.user_ = options.service_user;
  std::error_code error;
  fs::create_directories(options.data_dir.parent_path(), error);
  const auto lock = FolderLock::take(options.data_dir.string() + ".lock");
  if (!lock) return lock.error();

  if (!fs::exists(options.data_dir / "PG_VERSION")) {
    if (auto made = make_cluster(*bin, options, *run_as); !made) return made.error();
  }
  const auto running = running_socket_dir(*bin, options.data_dir, *run_as);
  if (!running) return running.error();
  if (*running) {
    server.socket_dir_ = **running;
    return server;
  }
  if (auto made = make_private_dir(options.socket_dir, *run_as); !made) return made.error();
  if (auto written = write_settings(options, *run_as); !written) return written.error();
  if (auto started = start_cluster(*bin, options.data_dir, *run_as); !started)
    return started.error();
  server.started_here_ = true;
  return server;
}

core::Result<void> PrivateServer::ensure_database(const std::string& name) {
  if (!is_plain_name(name)) {
    return core::invalid_input(fmt::format("'{}' is no name for a database", name),
                               "use lower-case letters, digits and '_'");
  }
  try {
    pq::Session session{owner_url("postgres"), admin_settings};
    if (session.value(statements::has_database, {name}, pq::Effect::reads)) return {};
    session.value(fmt::format("{} \"{}\"", statements::create_database, name), {},
                  pq::Effect::writes);
  } catch (const Refused& refused) {
    if (refused.sqlstate != "42P04") return server_failed(refused.what());  // somebody was faster
  } catch (const std::runtime_error& problem) {
    return core::Error{core::ErrorCode::unreachable, problem.what(), ""};
  }
  return {};
}

std::string PrivateServer::owner_url(const std::string& database) const {
  return socket_url(socket_dir_, database, owner_role);
}

std::string PrivateServer::service_url(const std::string& database) const {
  return socket_url(socket_dir_, database, service_role);
}

core::Result<void> PrivateServer::stop() {
  const auto bin = find_binaries(data_dir_);
  if (!bin) return bin.error();
  const auto run_as = service_ids(user_);
  if (!run_as) return run_as.error();
  const auto lock = FolderLock::take(data_dir_.string() + ".lock");
  if (!lock) return lock.error();
  return stop_cluster(*bin, data_dir_, *run_as);
}

}  // namespace amdahl::ledger
