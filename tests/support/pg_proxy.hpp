#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace amdahl::test {

enum class Direction { to_server, to_client };

/// How a cut ends the connection that it hits: nothing passes any more either way, an orderly end,
/// or an end with something unread, which the peer sees as a reset.
enum class CutStyle { silence, close, reset };

/// Where a stream is cut: after `bytes` of all that passed in that direction, over all connections.
struct Cut {
  Direction direction = Direction::to_server;
  std::int64_t bytes = 0;
  CutStyle style = CutStyle::close;
};

/// Stands between libpq and a PostgreSQL on a Unix socket, and does harm once. Later connections
/// pass.
class PgProxy {
 public:
  /// `listen_dir` gets the socket; `server_dir` holds the real one.
  PgProxy(const std::filesystem::path& listen_dir, const std::filesystem::path& server_dir);
  ~PgProxy();
  PgProxy(const PgProxy&) = delete;
  PgProxy& operator=(const PgProxy&) = delete;

  /// From now on, counted from 0 again. Empty: passes everything.
  void plan(std::optional<Cut> cut);
  bool cut_happened() const;
  /// Nothing passes and nothing is accepted any more, until `hang(false)`.
  void hang(bool on);

  std::int64_t bytes(Direction direction) const;
  /// Where messages ended since the last plan(), in bytes of that direction.
  std::vector<std::int64_t> message_ends(Direction direction) const;

 private:
  struct Link;
  void serve();
  void accept_client();
  bool forward(Link& link, Direction direction);

  std::filesystem::path server_;
  int listener_;
  int wake_[2] = {-1, -1};
  std::atomic<bool> ends_{false};
  std::atomic<bool> hangs_{false};
  mutable std::mutex mutex_;  // guards what follows
  std::optional<Cut> cut_;
  bool cut_done_ = false;
  std::int64_t bytes_[2] = {0, 0};
  std::vector<std::int64_t> ends_at_[2];
  std::vector<Link> links_;  // the thread's own
  std::thread thread_;
};

/// `url` with its socket folder replaced.
std::string through_proxy(const std::string& url, const std::filesystem::path& listen_dir);
/// The socket folder of a URL in keyword form.
std::filesystem::path socket_dir_of(const std::string& url);

}  // namespace amdahl::test
