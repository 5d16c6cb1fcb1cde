#include "stream_hub.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace amdahl::http {

namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds look_interval{200};
constexpr std::size_t unread_max = 1 << 20;  // bytes that wait for one client
constexpr std::int64_t page = 200;

}  // namespace

std::optional<Topic> topic_named(std::string_view name) {
  if (name == "loop") return Topic::loop;
  if (name == "experiments") return Topic::experiments;
  if (name == "bank") return Topic::bank;
  return std::nullopt;
}

Topic topic_of(std::string_view kind) {
  for (const auto* word : {"bank", "production", "clawback", "ruling"}) {
    if (kind.starts_with(word)) return Topic::bank;
  }
  for (const auto* word :
       {"experiment", "pair", "run", "verdict", "hypothes", "check", "extension"}) {
    if (kind.starts_with(word)) return Topic::experiments;
  }
  return Topic::loop;
}

std::string event_text(const json& event) {
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", event.value("seq", std::int64_t{0}),
                     event.value("kind", "unknown"),
                     event.dump(-1, ' ', false, json::error_handler_t::replace));
}

// Filled by the hub's thread, emptied by the network's.
class StreamHub::Client final : public Stream {
 public:
  Client(StreamHub& hub, std::optional<std::int64_t> after, std::set<Topic> topics,
         std::string token_sha256)
      : hub_{hub}, topics_{std::move(topics)}, token_sha256_{std::move(token_sha256)}, at_{after} {
    ++hub_.clients_;
  }
  ~Client() override { --hub_.clients_; }

  std::optional<std::string> next() override {
    const std::lock_guard lock{mutex_};
    if (unread_.empty() && ended_) return std::nullopt;
    return std::exchange(unread_, {});
  }
  void attach(std::function<void()> wake) override {
    const std::lock_guard lock{mutex_};
    wake_ = std::move(wake);
  }

  // -- the hub's side --
  bool wants(const json& event) const {
    return topics_.contains(topic_of(event.value("kind", std::string{})));
  }
  void add(const std::string& text) {
    std::function<void()> wake;
    {
      const std::lock_guard lock{mutex_};
      if (ended_) return;
      unread_ += text;
      if (unread_.size() > unread_max) ended_ = true;
      wake = wake_;
    }
    if (wake) wake();
  }
  void end() {
    std::function<void()> wake;
    {
      const std::lock_guard lock{mutex_};
      if (std::exchange(ended_, true)) return;
      wake = wake_;
    }
    if (wake) wake();
  }
  // Ends it without what it has not read yet.
  void dismiss() {
    {
      const std::lock_guard lock{mutex_};
      unread_.clear();
    }
    end();
  }
  const std::string& token_sha256() const { return token_sha256_; }
  std::optional<std::int64_t> at() const { return at_; }
  void move_to(std::int64_t seq) { at_ = seq; }
  bool greeted = false;

 private:
  StreamHub& hub_;
  std::set<Topic> topics_;
  std::string token_sha256_;        // empty: it came without one
  std::optional<std::int64_t> at_;  // the last event that was looked at for it
  std::mutex mutex_;
  std::string unread_;
  std::function<void()> wake_;
  bool ended_ = false;
};

StreamHub::StreamHub(std::function<std::unique_ptr<Desk>()> open_desk,
                     std::chrono::milliseconds ask_tokens_each)
    : open_desk_{std::move(open_desk)}, ask_tokens_each_{ask_tokens_each}, thread_{[this] {
        run();
      }} {}

StreamHub::~StreamHub() { stop(); }

// Shared: the connection drops it when its peer is gone, whatever this thread does with it then.
std::shared_ptr<Stream> StreamHub::open(std::optional<std::int64_t> after, std::set<Topic> topics,
                                        const Principal& who) {
  // Shared by the connection and the thread, while that looks.
  auto client = std::make_shared<Client>(*this, after, std::move(topics), who.token_sha256);
  {
    const std::lock_guard lock{mutex_};
    if (stopped_) client->end();
    all_.push_back(client);
  }
  more_.notify_one();
  return client;
}

void StreamHub::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopped_ = true;
  }
  more_.notify_all();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock{mutex_};
  for (const auto& weak : all_) {
    if (const auto client = weak.lock()) client->end();
  }
}

void StreamHub::send(Client& client, const json& events) {
  std::string text;
  for (const auto& event : events) {
    if (client.wants(event)) text += event_text(event);
    client.move_to(event.at("seq").get<std::int64_t>());
  }
  if (!text.empty()) client.add(text);
}

// Each token is asked for once, however many clients came with it.
void StreamHub::dismiss_strangers(Desk& desk, Clients& clients) {
  const auto now = std::chrono::steady_clock::now();
  if (now < ask_tokens_at_) return;
  std::map<std::string, bool> is_live{{"", true}};
  for (const auto& client : clients) {
    const auto [known, fresh] = is_live.try_emplace(client->token_sha256());
    if (!fresh) continue;
    const auto token = desk.doors().find_token(known->first);
    known->second = token && token->live;
  }
  std::erase_if(clients, [&](const auto& client) {
    if (is_live.at(client->token_sha256())) return false;
    client->dismiss();
    return true;
  });
  ask_tokens_at_ = now + ask_tokens_each_;
}

// Clients at one place share a page; those far behind get one page a turn, so that nobody waits.
void StreamHub::turn(Desk& desk) {
  Clients clients;
  {
    const std::lock_guard lock{mutex_};
    std::erase_if(all_, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : all_) {
      if (auto client = weak.lock()) clients.push_back(std::move(client));
    }
  }
  dismiss_strangers(desk, clients);
  if (clients.empty()) return;
  const auto head = desk.ledger().head().head_seq;
  std::map<std::int64_t, std::vector<Client*>> by_place;
  for (const auto& client : clients) {
    if (client->at().value_or(head) > head) {
      // The ledger ends before what this client has seen: it lost its tail, or is another one.
      client->add(fmt::format("id: {}\nevent: reset\ndata: {{\"head_seq\":{}}}\n\n", head, head));
      client->move_to(head);
    } else if (!client->greeted) {
      client->add(fmt::format(": from event {}\n\n", client->at().value_or(head)));
      if (!client->at()) client->move_to(head);
    }
    client->greeted = true;
    if (*client->at() < head) by_place[*client->at()].push_back(client.get());
  }
  for (const auto& [after, group] : by_place) {
    const auto events = desk.ledger().read("events", {{"after", after}, {"limit", page}})["events"];
    for (auto* client : group) {
      send(*client, events);
      // What is left out of the answer (seals) lies between: a short page means the end.
      if (static_cast<std::int64_t>(events.size()) < page)
        client->move_to(std::max(head, *client->at()));
    }
  }
}

void StreamHub::run() {
  std::unique_ptr<Desk> desk;
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      if (stopped_) return;
      if (all_.empty()) {
        more_.wait(lock, [this] { return stopped_ || !all_.empty(); });
      } else {
        more_.wait_for(lock, look_interval);
      }
      if (stopped_) return;
    }
    try {
      if (!desk) desk = open_desk_();
      turn(*desk);
    } catch (const std::exception&) {
      desk.reset();  // the ledger is away: clients keep their place and hear heartbeats
    }
  }
}

}  // namespace amdahl::http
