#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "amdahl/core/result.hpp"

namespace amdahl::ledger {

/// A PostgreSQL of our own, for `amdahl dev`, the demo and tests: Debian's binaries, a Unix socket
/// only, run as a service user when we are root. It outlives a crash of ours and is reused.
struct PrivateServerOptions {
  std::filesystem::path data_dir;       ///< made by initdb when empty or absent
  std::filesystem::path socket_dir;     ///< short: a socket path has at most 107 bytes
  std::string service_user = "amdahl";  ///< who runs it when we are root; made when missing
  bool durable = true;  ///< false for tests: what a crash of the machine loses is of no use to them
  std::vector<std::string> settings;  ///< further lines of postgresql.conf
};

class PrivateServer {
 public:
  /// Starts it, or joins the one that already runs there. Errors name what is missing and the fix.
  static core::Result<PrivateServer> start(const PrivateServerOptions& options);

  /// libpq connection strings; the database is made when absent.
  core::Result<void> ensure_database(const std::string& name);
  std::string owner_url(const std::string& database) const;
  std::string service_url(const std::string& database) const;

  /// Stops it (fast mode) within a deadline. Idempotent.
  core::Result<void> stop();
  bool started_here() const { return started_here_; }

 private:
  std::filesystem::path data_dir_, socket_dir_;
  std::string user_;
  bool started_here_ = false;
};

}  // namespace amdahl::ledger
