#include "amdahl/ledger/private_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

#include "amdahl/ledger/errors.hpp"
#include "pq.hpp"
#include "statements.hpp"
#include "subprocess.hpp"

namespace amdahl::ledger {
namespace {

namespace fs = std::filesystem;

constexpr auto owner_role = "amdahl_owner";
constexpr auto service_role = "amdahl_service";
constexpr auto port = 5432;                        // names the socket; nothing listens on TCP
constexpr std::size_t socket_path_bytes_max = 107;  // sun_path less its end
constexpr int oldest_major = 15;
constexpr auto packaged = "/usr/lib/postgresql";    // Debian: one folder per major version
constexpr pq::Settings settings_for_admin{30'000, 10'000};

core::Error failed(std::string message, std::string hint = {}) {
  return {core::ErrorCode::failed, std::move(message), std::move(hint)};
}

int major_of(const std::string& name) {
  int major = 0;
  std::from_chars(name.data(), name.data() + name.size(), major);
  return major;
}

std::string read_text(const fs::path& path) {
  std::ifstream in{path};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string last_lines(const std::string& text, std::size_t bytes = 600) {
  auto tail = text.substr(text.size() > bytes ? text.size() - bytes : 0);
  while (!tail.empty() && tail.back() == '\n') tail.pop_back();
  std::replace(tail.begin(), tail.end(), '\n', ' ');
  return tail;
}

// The newest installed server, or the one that made the data.
core::Result<fs::path> find_binaries(const fs::path& data_dir) {
  const int made_by = fs::exists(data_dir / "PG_VERSION") ? major_of(read_text(data_dir / "PG_VERSION"))
                                                          : 0;
  int best = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{packaged, ignored}) {
    const int major = major_of(entry.path().filename());
    const bool complete = fs::exists(entry.path() / "bin/pg_ctl") &&
                          fs::exists(entry.path() / "bin/initdb") &&
                          fs::exists(entry.path() / "bin/postgres");
    if (complete && major >= oldest_major && (made_by == 0 || major == made_by)) {
      best = std::max(best, major);
    }
  }
  if (best != 0) return fs::path{packaged} / std::to_string(best) / "bin";
  if (made_by != 0) {
    return core::Error{core::ErrorCode::not_found,
                       fmt::format("{} was made by PostgreSQL {}, which is not below {}",
                                   data_dir.string(), made_by, packaged),
                       fmt::format("apt-get install postgresql-{}", made_by)};
  }
  return core::Error{core::ErrorCode::not_found,
                     fmt::format("no PostgreSQL {} or newer is installed (looked below {})",
                                 oldest_major, packaged),
                     "apt-get install postgresql-15"};
}

// PostgreSQL refuses to run as root: a service user does, made when missing.
core::Result<std::optional<UserIds>> service_ids(const std::string& user) {
  if (::geteuid() != 0) return std::optional<UserIds>{};
  const auto* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) {
    auto made = run_command({{"/usr/sbin/useradd", "--system", "--user-group", "--no-create-home",
                              "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", user},
                             std::nullopt,
                             std::chrono::seconds{30}});
    if (!made) return made.error();
    entry = ::getpwnam(user.c_str());
    if (entry == nullptr) {
      return failed(fmt::format("the user {} could not be made: {}", user, last_lines(made->output)),
                    fmt::format("useradd --system {}", user));
    }
  }
  return std::optional<UserIds>{UserIds{entry->pw_uid, entry->pw_gid}};
}

core::Result<void> own(const fs::path& path, const std::optional<UserIds>& ids) {
  if (ids && ::chown(path.c_str(), ids->uid, ids->gid) != 0) {
    return failed(fmt::format("{} could not be given to the service user: {}", path.string(),
                              std::strerror(errno)));
  }
  return {};
}

core::Result<void> make_private_dir(const fs::path& path, const std::optional<UserIds>& ids) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error) {
    return failed(fmt::format("{} could not be made: {}", path.string(), error.message()));
  }
  return own(path, ids);
}

// Held while a server is made, started or stopped; the kernel drops it when we die.
class FolderLock {
 public:
  static core::Result<FolderLock> take(const fs::path& path) {
    FolderLock lock;
    lock.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock.fd_ < 0 || ::flock(lock.fd_, LOCK_EX) != 0) {
      return failed(fmt::format("{} could not be locked: {}", path.string(), std::strerror(errno)));
    }
    return lock;
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

// initdb works beside the final place and is renamed into it: a kill leaves nothing half made.
core::Result<void> make_cluster(const fs::path& bin, const fs::path& data_dir,
                                const std::optional<UserIds>& ids) {
  std::error_code ignored;
  const auto prefix = data_dir.filename().string() + ".new";
  for (const auto& entry : fs::directory_iterator{data_dir.parent_path(), ignored}) {
    if (entry.path().filename().string() == prefix) fs::remove_all(entry.path(), ignored);
  }
  if (fs::exists(data_dir) && !fs::is_empty(data_dir)) {
    return failed(fmt::format("{} is neither empty nor a PostgreSQL data folder", data_dir.string()),
                  "name another folder");
  }
  const auto fresh = data_dir.parent_path() / prefix;
  if (auto made = make_private_dir(fresh, ids); !made) return made;
  const auto made = run_command({{(bin / "initdb").string(), "-D", fresh.string(), "-U", owner_role,
                                  "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"},
                                 ids,
                                 std::chrono::seconds{120}});
  if (!made) return made.error();
  if (made->exit_code != 0) {
    return failed(fmt::format("initdb could not make {}: {}", data_dir.string(),
                              last_lines(made->output)),
                  "the folders above it must be searchable by the service user");
  }
  // Only whoever may enter the socket's folder (mode 0700) can connect at all.
  std::ofstream{fresh / "pg_hba.conf"} << "local all all trust\n";
  std::ofstream{fresh / "postgresql.conf", std::ios::app} << "\ninclude_if_exists 'amdahl.conf'\n";
  std::error_code error;
  fs::rename(fresh, data_dir, error);
  if (error) {
    return failed(fmt::format("{} could not be renamed: {}", fresh.string(), error.message()));
  }
  return {};
}

std::string quoted(const std::string& text) {
  std::string out{"'"};
  for (const char c : text) {
    out += c;
    if (c == '\'') out += c;
  }
  return out + "'";
}

core::Result<void> write_settings(const PrivateServerOptions& options,
                                  const std::optional<UserIds>& ids) {
  const auto path = options.data_dir / "amdahl.conf";
  {
    std::ofstream out{path};
    out << "# Written at every start.\n"
        << "listen_addresses = ''\n"
        << "port = " << port << "\n"
        << "unix_socket_directories = " << quoted(options.socket_dir.string()) << "\n"
        << "unix_socket_permissions = 0700\n"
        << "max_connections = 60\n"
        << "jit = off\n";
    for (const auto& line : options.settings) out << line << "\n";
    if (!out.flush()) return failed(fmt::format("{} could not be written", path.string()));
  }
  return own(path, ids);
}

// pg_ctl's own codes of `status`.
enum class Status { running, stopped, no_data };

core::Result<Status> server_status(const fs::path& bin, const fs::path& data_dir,
                                   const std::optional<UserIds>& ids) {
  const auto asked = run_command({{(bin / "pg_ctl").string(), "-D", data_dir.string(), "status"},
                                  ids,
                                  std::chrono::seconds{10}});
  if (!asked) return asked.error();
  if (asked->exit_code == 0) return Status::running;
  if (asked->exit_code == 3) return Status::stopped;
  return Status::no_data;
}

core::Result<void> start_cluster(const fs::path& bin, const fs::path& data_dir,
                                 const std::optional<UserIds>& ids) {
  const auto log = data_dir / "server.log";
  const auto started = run_command({{(bin / "pg_ctl").string(), "-D", data_dir.string(), "-s", "-w",
                                     "-t", "60", "-l", log.string(), "start"},
                                    ids,
                                    std::chrono::seconds{70}});
  if (!started) return started.error();
  if (started->exit_code != 0) {
    return failed(fmt::format("PostgreSQL did not start in {}: {} {}", data_dir.string(),
                              last_lines(started->output), last_lines(read_text(log))),
                  fmt::format("look into {}", log.string()));
  }
  return {};
}

// Where the running server's socket lies: line 5 of its pid file.
fs::path running_socket_dir(const fs::path& data_dir) {
  std::istringstream lines{read_text(data_dir / "postmaster.pid")};
  std::string line;
  for (int i = 0; i < 5 && std::getline(lines, line); ++i) {
  }
  return line;
}

core::Result<void> check_options(const PrivateServerOptions& options) {
  const auto socket = fmt::format("{}/.s.PGSQL.{}", options.socket_dir.string(), port);
  if (socket.size() > socket_path_bytes_max) {
    return core::invalid_input(fmt::format("the socket path {} has {} bytes; at most {} are possible",
                                           socket, socket.size(), socket_path_bytes_max),
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
  auto bin = find_binaries(options.data_dir);
  if (!bin) return bin.error();
  auto ids = service_ids(options.service_user);
  if (!ids) return ids.error();

  PrivateServer server;
  server.data_dir_ = options.data_dir;
  server.socket_dir_ = options.socket_dir;
  server.user_ = options.service_user;
  std::error_code error;
  fs::create_directories(options.data_dir.parent_path(), error);
  auto lock = FolderLock::take(options.data_dir.string() + ".lock");
  if (!lock) return lock.error();

  if (fs::exists(options.data_dir / "PG_VERSION")) {
    const auto status = server_status(*bin, options.data_dir, *ids);
    if (!status) return status.error();
    if (*status == Status::running) {
      server.socket_dir_ = running_socket_dir(options.data_dir);
      return server;
    }
  } else if (auto made = make_cluster(*bin, options.data_dir, *ids); !made) {
    return made.error();
  }
  if (auto made = make_private_dir(options.socket_dir, *ids); !made) return made.error();
  if (auto written = write_settings(options, *ids); !written) return written.error();
  if (auto started = start_cluster(*bin, options.data_dir, *ids); !started) return started.error();
  server.started_here_ = true;
  return server;
}

core::Result<void> PrivateServer::ensure_database(const std::string& name) {
  if (!is_plain_name(name)) {
    return core::invalid_input(fmt::format("'{}' is no name for a database", name),
                               "use lower-case letters, digits and '_'");
  }
  try {
    pq::Session session{owner_url("postgres"), settings_for_admin};
    if (session.value(statements::has_database, {name}, pq::Effect::reads)) return {};
    session.value(fmt::format("{} \"{}\"", statements::create_database, name), {}, pq::Effect::writes);
  } catch (const Refused& refused) {
    if (refused.sqlstate != "42P04") return failed(refused.what());  // somebody was faster
  } catch (const std::runtime_error& problem) {
    return core::Error{core::ErrorCode::unreachable, problem.what(), ""};
  }
  return {};
}

std::string PrivateServer::owner_url(const std::string& database) const {
  return fmt::format("host='{}' port={} dbname='{}' user='{}'", socket_dir_.string(), port, database,
                     owner_role);
}

std::string PrivateServer::service_url(const std::string& database) const {
  return fmt::format("host='{}' port={} dbname='{}' user='{}'", socket_dir_.string(), port, database,
                     service_role);
}

core::Result<void> PrivateServer::stop() {
  auto bin = find_binaries(data_dir_);
  if (!bin) return bin.error();
  auto ids = service_ids(user_);
  if (!ids) return ids.error();
  auto lock = FolderLock::take(data_dir_.string() + ".lock");
  if (!lock) return lock.error();
  const auto status = server_status(*bin, data_dir_, *ids);
  if (!status) return status.error();
  if (*status != Status::running) return {};
  for (const auto* mode : {"fast", "immediate"}) {
    const auto stopped = run_command({{(*bin / "pg_ctl").string(), "-D", data_dir_.string(), "-s", "-w",
                                       "-t", "20", "-m", mode, "stop"},
                                      *ids,
                                      std::chrono::seconds{25}});
    if (stopped && stopped->exit_code == 0) return {};
  }
  return core::Error{core::ErrorCode::timed_out,
                     fmt::format("PostgreSQL in {} did not stop within 40 s", data_dir_.string()),
                     fmt::format("look into {}", (data_dir_ / "server.log").string())};
}

}  // namespace amdahl::ledger
