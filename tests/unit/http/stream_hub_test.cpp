#include "api/stream_hub.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <future>

#include "support/head_ledger.hpp"

namespace amdahl::http {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;

constexpr std::int64_t last_event = 600;
constexpr std::size_t unread_bound = 1 << 20;  // bytes
constexpr std::size_t page_bytes = 200 * 5'000;

/// A desk whose ledger has 600 events of 4 KiB; `on_page` hears after which each page comes.
class LongDesk final : public Desk {
 public:
  explicit LongDesk(std::function<void(std::int64_t)> on_page) {
    ledger_.now.head_seq = last_event;
    ledger_.on_read = [on_page = std::move(on_page)](const nlohmann::json& args) {
      const auto after = args.at("after").get<std::int64_t>();
      if (on_page) on_page(after);
      const auto last = std::min(last_event, after + args.at("limit").get<std::int64_t>());
      auto events = nlohmann::json::array();
      for (auto seq = after + 1; seq <= last; ++seq)
        events.push_back({{"seq", seq}, {"kind", "noted"}, {"payload", std::string(4096, 'x')}});
      return nlohmann::json{{"events", std::move(events)}};
    };
  }
  ledger::Ledger& ledger() override { return ledger_; }
  ledger::Doors& doors() override { throw std::logic_error{"no doors here"}; }

 private:
  test::HeadLedger ledger_;
};

}  // namespace

TEST_CASE("a client that lets more than its bound lie is sent away", "[http][stream]") {
  std::promise<void> third_page;
  StreamHub hub{[&] {
    return std::make_unique<LongDesk>([&, told = false](std::int64_t after) mutable {
      if (after == 400 && !std::exchange(told, true)) third_page.set_value();
    });
  }};
  const auto lazy = hub.open(0, {Topic::loop}, Principal{});
  REQUIRE(third_page.get_future().wait_for(60s) == std::future_status::ready);
  const auto lay = lazy->next();
  REQUIRE(lay);
  CHECK_THAT(lay->substr(0, 100), Contains(": from event 0") && Contains("id: 1\n"));
  CHECK(lay->size() > unread_bound);
  CHECK(lay->size() < unread_bound + page_bytes);
  CHECK_FALSE(lazy->next());
}

TEST_CASE("a client that reads gets all there is, however much that is", "[http][stream]") {
  std::promise<void> all;
  StreamHub hub{[] { return std::make_unique<LongDesk>(nullptr); }};
  std::size_t bytes = 0;
  const auto reader = hub.open(0, {Topic::loop}, Principal{});
  reader->attach([&, read = std::weak_ptr<Stream>{reader}] {
    const auto there = read.lock();
    const auto text = there ? there->next() : std::nullopt;
    if (!text) return;
    bytes += text->size();
    if (text->find("id: 600\n") != std::string::npos) all.set_value();
  });
  REQUIRE(all.get_future().wait_for(60s) == std::future_status::ready);
  hub.stop();
  CHECK(bytes > 2 * unread_bound);
  CHECK_FALSE(reader->next());  // the hub has stopped
}

}  // namespace amdahl::http
