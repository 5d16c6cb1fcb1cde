#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <thread>
#include <vector>

namespace amdahl::bench {

/// A proxy between a client and PostgreSQL, both on Unix sockets, that counts the turns on the
/// wire: each Query, FunctionCall and Sync message is one request that the client waits for an
/// answer to. What the client says of itself is not believed.
class WireCounter {
 public:
  /// Listens below `listen_dir` under PostgreSQL's own socket name and forwards to `server_dir`.
  WireCounter(const std::filesystem::path& listen_dir, const std::filesystem::path& server_dir);
  ~WireCounter();
  WireCounter(const WireCounter&) = delete;
  WireCounter& operator=(const WireCounter&) = delete;

  /// Exact whenever no statement is under way: a request is counted before it is passed on.
  std::int64_t turns() const { return turns_; }

 private:
  void serve();
  void accept_client();

  struct Link;
  bool forward_request(Link& link);

  std::filesystem::path server_;
  int listener_ = -1;
  int stop_[2] = {-1, -1};
  std::atomic<std::int64_t> turns_{0};
  std::vector<Link> links_;
  std::thread thread_;
};

}  // namespace amdahl::bench
