#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "api/stream_hub.hpp"
#include "support/head_ledger.hpp"

namespace amdahl::http {
namespace {

using namespace std::chrono_literals;

/// Tokens as the ledger has them, and how often it was asked for each.
class TokenTable final : public ledger::Doors {
 public:
  void revoke(const std::string& sha256) {
    const std::lock_guard lock{mutex_};
    revoked_.insert(sha256);
  }
  int asked(const std::string& sha256) {
    const std::lock_guard lock{mutex_};
    return asked_[sha256];
  }
  std::optional<ledger::Token> find_token(std::string_view sha256) override {
    const std::lock_guard lock{mutex_};
    const std::string key{sha256};
    ++asked_[key];
    if (key == "unknown") return std::nullopt;
    return ledger::Token{1, key, ledger::TokenScope::read, !revoked_.contains(key)};
  }

  bool replay_delivery(std::int64_t) override { none(); }
  ledger::Inbox inbox() override { none(); }
  std::int64_t put_token(std::string_view, std::string_view, ledger::TokenScope,
                         std::optional<std::int64_t>) override {
    none();
  }
  bool revoke_token(std::string_view) override { none(); }
  ledger::Posted post_result(std::string_view, std::string_view) override { none(); }

 private:
  [[noreturn]] static void none() { throw std::logic_error{"doors that know tokens alone"}; }

  std::mutex mutex_;
  std::set<std::string> revoked_;
  std::map<std::string, int> asked_;
};

/// A hub whose thread begins when it is told to, and how often it has looked.
struct HubStand {
  test::HeadLedger ledger;
  TokenTable tokens;
  std::mutex mutex;
  std::condition_variable changed;
  bool begun = false;
  int looks = 0, wakes = 0;

  HubStand() {
    ledger.before = [this] { count(looks); };
  }
  void count(int& what) {
    {
      const std::lock_guard lock{mutex};
      ++what;
    }
    changed.notify_all();
  }
  void begin() {
    {
      const std::lock_guard lock{mutex};
      begun = true;
    }
    changed.notify_all();
  }
  bool wait_for(const std::function<bool()>& what) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, 30s, what);
  }

  class HubDesk final : public Desk {
   public:
    explicit HubDesk(HubStand& stand) : stand_{stand} {}
    ledger::Ledger& ledger() override { return stand_.ledger; }
    ledger::Doors& doors() override { return stand_.tokens; }

   private:
    HubStand& stand_;
  };
  std::unique_ptr<Desk> open_desk() {
    wait_for([this] { return begun; });
    return std::make_unique<HubDesk>(*this);
  }
  std::shared_ptr<Stream> open(StreamHub& hub, const std::string& token_sha256) {
    auto stream = hub.open(std::nullopt, {Topic::loop},
                           Principal{"somebody", ledger::TokenScope::read, token_sha256});
    stream->attach([this] { count(wakes); });
    return stream;
  }
};

}  // namespace

TEST_CASE("a stream ends with its token, and nothing unread is sent any more", "[http]") {
  HubStand stand;
  StreamHub hub{[&] { return stand.open_desk(); }, 0ms};
  const auto goes = stand.open(hub, "goes"), too = stand.open(hub, "goes");
  const auto stays = stand.open(hub, "stays"), local = stand.open(hub, "");
  const auto unknown = stand.open(hub, "unknown");
  stand.begin();
  CHECK(stand.wait_for([&] { return stand.looks >= 2; }));  // all were greeted, and have not read
  stand.tokens.revoke("goes");
  CHECK(stand.wait_for([&] { return stand.wakes == 5 + 2; }));
  for (const auto& ended : {goes, too, unknown}) CHECK_FALSE(ended->next().has_value());
  for (const auto& open : {stays, local}) CHECK(open->next() == ": from event 0\n\n");
  hub.stop();
  CHECK(stand.tokens.asked("goes") == stand.tokens.asked("stays"));  // once for both of its streams
  CHECK(stand.tokens.asked("") == 0);
}

TEST_CASE("a token is not asked for at each look", "[http]") {
  HubStand stand;
  StreamHub hub{[&] { return stand.open_desk(); }, 1h};
  const auto one = stand.open(hub, "one"), same = stand.open(hub, "one");
  stand.begin();
  CHECK(stand.wait_for([&] { return stand.looks >= 3; }));
  hub.stop();
  CHECK(stand.tokens.asked("one") == 1);
}

}  // namespace amdahl::http
