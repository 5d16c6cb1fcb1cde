#include "postgres_cluster.hpp"

#include <fcntl.h>
#include <fmt/format.h>
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

namespace amdahl::ledger {
namespace {

namespace fs = std::filesystem;

constexpr int oldest_major = 15;
constexpr auto packaged = "/usr/lib/postgresql";  // Debian: one folder per major version
constexpr auto poll_interval = std::chrono::milliseconds{100};
constexpr int polls_max = 100;  // 10 s: recovery after a crash, or a killed server's children

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

core::Error failed_at(const fs::path& path, const char* what) {
  return server_failed(
      fmt::format("{} could not be {}: {}", path.string(), what, std::strerror(errno)));
}

// Replaces a file inside a folder of the service user, following no link that user may have put
// there.
core::Result<void> write_file(const fs::path& path, const std::string& text, const RunAs& run_as) {
  ::unlink(path.c_str());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return failed_at(path, "made");
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool given = !run_as || ::fchown(fd, run_as->uid, run_as->gid) == 0;
  const int problem = errno;
  ::close(fd);
  errno = problem;
  if (!written || !given) return failed_at(path, "written");
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

// pg_ctl's own codes of `status`.
enum class Status { running, stopped, no_data };

core::Result<Status> server_status(const fs::path& bin, const fs::path& data_dir,
                                   const RunAs& run_as) {
  const auto asked = run_command({{(bin / "pg_ctl").string(), "-D", data_dir.string(), "status"},
                                  run_as,
                                  std::chrono::seconds{10}});
  if (!asked) return asked.error();
  if (asked->exit_code == 0) return Status::running;
  if (asked->exit_code == 3) return Status::stopped;
  return Status::no_data;
}

// Whether it answers; one that starts or recovers does not yet.
bool answers(const fs::path& socket_dir) {
  try {
    pq::Session session{socket_url(socket_dir, "postgres", owner_role), {}};
    return session.value(statements::one, {}, pq::Effect::reads) == "1";
  } catch (const std::runtime_error&) {
    return false;
  }
}

// A killed server whose parent does not collect it keeps its process number, and with it the look
// of a running one.
bool is_corpse(const fs::path& data_dir) {
  const int pid = major_of(read_text(data_dir / "postmaster.pid"));
  const auto stat = read_text(fmt::format("/proc/{}/stat", pid));
  const auto name_end = stat.rfind(')');
  return name_end != std::string::npos && name_end + 2 < stat.size() && stat[name_end + 2] == 'Z';
}

// Where the running server's socket lies: line 5 of its pid file.
fs::path socket_dir_of(const fs::path& data_dir) {
  std::istringstream lines{read_text(data_dir / "postmaster.pid")};
  std::string line;
  for (int i = 0; i < 5 && std::getline(lines, line); ++i) {
  }
  return line;
}

core::Result<void> start_with_tries(const fs::path& bin, const fs::path& data_dir,
                                    const RunAs& run_as, int tries_left) {
  const auto log = data_dir / "server.log";
  const auto started = run_command({{(bin / "pg_ctl").string(), "-D", data_dir.string(), "-s", "-w",
                                     "-t", "60", "-l", log.string(), "start"},
                                    run_as,
                                    std::chrono::seconds{70}});
  if (!started) return started.error();
  if (started->exit_code != 0) {
    // The children of a server that was killed need a moment to leave.
    const bool too_early = read_text(log).rfind("shared memory block") != std::string::npos;
    if (too_early && tries_left > 0) {
      wait_for(poll_interval);
      return start_with_tries(bin, data_dir, run_as, tries_left - 1);
    }
    return server_failed(fmt::format("PostgreSQL did not start in {}: {} {}", data_dir.string(),
                                     last_lines(started->output), last_lines(read_text(log))),
                         fmt::format("look into {}", log.string()));
  }
  return {};
}

}  // namespace

core::Result<fs::path> find_binaries(const fs::path& data_dir) {
  const int made_by =
      fs::exists(data_dir / "PG_VERSION") ? major_of(read_text(data_dir / "PG_VERSION")) : 0;
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

core::Result<void> make_private_dir(const fs::path& path, const RunAs& run_as) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error) {
    return server_failed(fmt::format("{} could not be made: {}", path.string(), error.message()));
  }
  if (run_as && ::lchown(path.c_str(), run_as->uid, run_as->gid) != 0) {
    return failed_at(path, "given to the service user");
  }
  return {};
}

core::Result<void> make_cluster(const fs::path& bin, const PrivateServerOptions& options,
                                const RunAs& run_as) {
  const auto& data_dir = options.data_dir;
  // What a killed initdb left; one that still runs without us loses its folder and ends.
  std::error_code ignored;
  const auto prefix = data_dir.filename().string() + ".new.";
  for (const auto& entry : fs::directory_iterator{data_dir.parent_path(), ignored}) {
    if (entry.path().filename().string().starts_with(prefix)) fs::remove_all(entry.path(), ignored);
  }
  if (fs::exists(data_dir) && !fs::is_empty(data_dir)) {
    return server_failed(
        fmt::format("{} is neither empty nor a PostgreSQL data folder", data_dir.string()),
        "name another folder");
  }
  const auto fresh = data_dir.parent_path() / fmt::format("{}{}", prefix, ::getpid());
  if (auto made = make_private_dir(fresh, run_as); !made) return made;
  std::vector<std::string> initdb{(bin / "initdb").string(),
                                  "-D",
                                  fresh.string(),
                                  "-U",
                                  owner_role,
                                  "-A",
                                  "trust",
                                  "-E",
                                  "UTF8",
                                  "--locale=C",
                                  "--no-instructions"};
  if (!options.durable) initdb.emplace_back("--no-sync");
  const auto made = run_command({initdb, run_as, std::chrono::seconds{120}});
  if (!made) return made.error();
  if (made->exit_code != 0) {
    return server_failed(
        fmt::format("initdb could not make {}: {}", data_dir.string(), last_lines(made->output)),
        "the folders above it must be searchable by the service user");
  }
  // Only whoever may enter the socket's folder (mode 0700) can connect at all.
  if (auto done = write_file(fresh / "pg_hba.conf", "local all all trust\n", run_as); !done)
    return done;
  if (auto done = write_file(fresh / "postgresql.conf", "include 'amdahl.conf'\n", run_as); !done) {
    return done;
  }
  std::error_code error;
  fs::rename(fresh, data_dir, error);
  if (error) {
    return server_failed(
        fmt::format("{} could not be renamed: {}", fresh.string(), error.message()));
  }
  return {};
}

core::Result<void> write_settings(const PrivateServerOptions& options, const RunAs& run_as) {
  auto text = fmt::format(
      "# Written at every start.\n"
      "listen_addresses = ''\n"
      "port = {}\n"
      "unix_socket_directories = {}\n"
      "unix_socket_permissions = 0700\n"
      "max_connections = 60\n"
      "jit = off\n",
      server_port, quoted(options.socket_dir.string()));
  if (!options.durable) text += "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n";
  for (const auto& line : options.settings) text += line + "\n";
  return write_file(options.data_dir / "amdahl.conf", text, run_as);
}

core::Result<void> start_cluster(const fs::path& bin, const fs::path& data_dir,
                                 const RunAs& run_as) {
  return start_with_tries(bin, data_dir, run_as, polls_max);
}

core::Result<void> stop_cluster(const fs::path& bin, const fs::path& data_dir,
                                const RunAs& run_as) {
  const auto status = server_status(bin, data_dir, run_as);
  if (!status) return status.error();
  if (*status != Status::running || is_corpse(data_dir)) return {};
  for (const auto* mode : {"fast", "immediate"}) {
    const auto stopped = run_command({{(bin / "pg_ctl").string(), "-D", data_dir.string(), "-s",
                                       "-w", "-t", "20", "-m", mode, "stop"},
                                      run_as,
                                      std::chrono::seconds{25}});
    if (stopped && stopped->exit_code == 0) return {};
  }
  return core::Error{core::ErrorCode::timed_out,
                     fmt::format("PostgreSQL in {} did not stop within 40 s", data_dir.string()),
                     fmt::format("look into {}", (data_dir / "server.log").string())};
}

core::Result<std::optional<fs::path>> running_socket_dir(const fs::path& bin,
                                                         const fs::path& data_dir,
                                                         const RunAs& run_as) {
  for (int polls = 0; polls < polls_max; ++polls) {
    const auto status = server_status(bin, data_dir, run_as);
    if (!status) return status.error();
    if (*status != Status::running) return std::optional<fs::path>{};
    const auto socket_dir = socket_dir_of(data_dir);
    if (is_corpse(data_dir)) {
      std::error_code ignored;
      fs::remove(socket_dir / fmt::format(".s.PGSQL.{}.lock", server_port), ignored);
      fs::remove(data_dir / "postmaster.pid", ignored);
      return std::optional<fs::path>{};
    }
    if (answers(socket_dir)) return std::optional<fs::path>{socket_dir};
    wait_for(poll_interval);
  }
  return server_failed(
      fmt::format("the PostgreSQL in {} runs but does not answer", data_dir.string()),
      fmt::format("look into {}", (data_dir / "server.log").string()));
}

std::string socket_url(const fs::path& socket_dir, const std::string& database,
                       const std::string& role) {
  return fmt::format("host='{}' port={} dbname='{}' user='{}'", socket_dir.string(), server_port,
                     database, role);
}

}  // namespace amdahl::ledger
