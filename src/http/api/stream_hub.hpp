#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "amdahl/http/route.hpp"
#include "gate.hpp"

namespace amdahl::http {

/// What a client of the stream wants to hear.
enum class Topic { loop, experiments, bank };
std::optional<Topic> topic_named(std::string_view name);
/// The topic of an event, by its kind.
Topic topic_of(std::string_view kind);
/// An event of the ledger as the stream sends it.
std::string event_text(const nlohmann::json& event);

/// The ledger's events to any number of clients, read once for all of them. A client that came back
/// gets what it missed from the ledger; one that reads too slowly is sent away, to come back, and
/// one whose token was revoked or has expired for good.
class StreamHub {
 public:
  explicit StreamHub(std::function<std::unique_ptr<Desk>()> open_desk,
                     std::chrono::milliseconds ask_tokens_each = token_memory);
  ~StreamHub();
  StreamHub(const StreamHub&) = delete;
  StreamHub& operator=(const StreamHub&) = delete;

  /// A stream of what comes after event `after`; of what comes from now on where there is none.
  std::shared_ptr<Stream> open(std::optional<std::int64_t> after, std::set<Topic> topics,
                               const Principal& who);
  int clients() const { return clients_.load(); }
  void stop();

 private:
  class Client;
  // Shared, as open() says: whatever a connection does, they last for a look.
  using Clients = std::vector<std::shared_ptr<Client>>;

  void run();
  void turn(Desk& desk);
  void dismiss_strangers(Desk& desk, Clients& clients);
  void send(Client& client, const nlohmann::json& events);

  std::function<std::unique_ptr<Desk>()> open_desk_;
  std::chrono::milliseconds ask_tokens_each_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<std::weak_ptr<Client>> all_;
  std::chrono::steady_clock::time_point ask_tokens_at_{};  // on the thread only
  std::atomic<int> clients_{0};
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace amdahl::http
