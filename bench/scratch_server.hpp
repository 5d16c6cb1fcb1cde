#pragma once

#include <filesystem>
#include <string>

#include "amdahl/ledger/private_server.hpp"

namespace amdahl::bench {

/// A PostgreSQL of its own in a folder of its own, with the settings of `amdahl dev`; gone at the
/// end.
class ScratchServer {
 public:
  ScratchServer();
  ~ScratchServer();
  ScratchServer(const ScratchServer&) = delete;
  ScratchServer& operator=(const ScratchServer&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path sockets() const { return folder_ / "run"; }
  std::string service_url(const std::string& name) const { return server_.service_url(name); }
  /// CPU that sessions which have ended since then used.
  double cpu_seconds() const;
  /// Makes the database, with the schema; answers the owner's URL.
  std::string make_ledger(const std::string& name);

 private:
  std::filesystem::path folder_;
  ledger::PrivateServer server_;
};

}  // namespace amdahl::bench
