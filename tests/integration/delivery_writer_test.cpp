#include "amdahl/http/delivery_writer.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "amdahl/core/failpoint.hpp"
#include "support/pg_proxy.hpp"
#include "support/scratch_folder.hpp"
#include "support/test_database.hpp"

namespace amdahl::test {
namespace {

using http::DeliveryWriter;
using http::Stored;
using namespace std::chrono_literals;

ledger::Delivery delivery(const std::string& id, const std::string& kind = "slurm.job.ended") {
  return {"slurm/alpha", id, "alpha", kind, "17", "", {{"job_id", "17"}}};
}

// What became of each delivery, once it did.
class Answers {
 public:
  DeliveryWriter::Done of(const std::string& id) {
    return [this, id](Stored stored) {
      const std::lock_guard lock{mutex_};
      answers_[id] = stored;
      ++count_;
      changed_.notify_all();
    };
  }
  std::map<std::string, Stored> wait_for(std::size_t count) {
    std::unique_lock lock{mutex_};
    const bool came = changed_.wait_for(lock, 60s, [&] { return count_ >= count; });
    REQUIRE(came);
    REQUIRE(count_ == count);
    return answers_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Stored> answers_;
  std::size_t count_ = 0;
};

struct Stand {
  TestDatabase database;
  Answers answers;
  std::atomic<int> pokes{0};

  DeliveryWriter::Options options(const std::string& url) {
    DeliveryWriter::Options made;
    made.open_channel = [url] { return ledger::open_delivery_channel(url); };
    made.poke = [this] { ++pokes; };
    return made;
  }
  std::string rows() const { return database.as_owner("SELECT count(*) FROM amdahl.delivery"); }
  // One commit gives all its rows one time.
  std::string commits() const {
    return database.as_owner("SELECT count(DISTINCT xmin::text) FROM amdahl.delivery");
  }
};

}  // namespace

TEST_CASE("deliveries that wait together are one commit", "[http][hooks]") {
  Stand stand;
  DeliveryWriter writer{stand.options(stand.database.service_url())};
  // While the table is locked the first waits in its commit and the others behind it.
  stand.database.while_locked("LOCK TABLE amdahl.delivery IN EXCLUSIVE MODE", [&] {
    for (int i = 0; i < 200; ++i) {
      const auto id = std::to_string(i);
      writer.put(delivery(id), stand.answers.of(id));
    }
  });
  const auto answers = stand.answers.wait_for(200);
  for (const auto& [id, stored] : answers) {
    CAPTURE(id);
    CHECK(stored == Stored::fresh);
  }
  CHECK(stand.rows() == "200");
  CHECK(std::stoi(stand.commits()) <= 3);
  CHECK(stand.pokes == std::stoi(stand.commits()));
}

TEST_CASE("a replay is told from a new one, within a commit and after it", "[http][hooks]") {
  Stand stand;
  DeliveryWriter writer{stand.options(stand.database.service_url())};
  writer.put(delivery("a"), stand.answers.of("first"));
  CHECK(stand.answers.wait_for(1)["first"] == Stored::fresh);
  CHECK(stand.pokes == 1);
  writer.put(delivery("a"), stand.answers.of("again"));
  CHECK(stand.answers.wait_for(2)["again"] == Stored::replayed);
  CHECK(stand.pokes == 1);
  CHECK(stand.rows() == "1");
}

TEST_CASE("a delivery that the ledger does not take does not keep its neighbours out",
          "[http][hooks]") {
  Stand stand;
  DeliveryWriter writer{stand.options(stand.database.service_url())};
  // An index entry has a bound: a delivery's id cannot be as long as this one. Its letters differ,
  // since the database compresses what it can.
  std::string long_id;
  for (int i = 0; long_id.size() < 40'000; ++i) long_id += std::to_string(i * 7919);
  stand.database.while_locked("LOCK TABLE amdahl.delivery IN EXCLUSIVE MODE", [&] {
    writer.put(delivery("before"), stand.answers.of("before"));
    writer.put(delivery("good"), stand.answers.of("good"));
    writer.put(delivery(long_id), stand.answers.of("bad"));
    writer.put(delivery("fine"), stand.answers.of("fine"));
  });
  auto answers = stand.answers.wait_for(4);
  CHECK(answers["before"] == Stored::fresh);
  CHECK(answers["good"] == Stored::fresh);
  CHECK(answers["fine"] == Stored::fresh);
  CHECK(answers["bad"] == Stored::refused);
  CHECK(stand.rows() == "3");
}

TEST_CASE("when the server goes away none is answered as stored that is not", "[http][hooks]") {
  Stand stand;
  const ScratchFolder folder;
  PgProxy proxy{folder.path(), socket_dir_of(stand.database.service_url())};
  const auto url = through_proxy(stand.database.service_url(), folder.path());
  DeliveryWriter writer{stand.options(url)};
  writer.put(delivery("warm"), stand.answers.of("warm"));
  stand.answers.wait_for(1);
  const auto bytes = GENERATE(1, 200, 600, 5'000);
  CAPTURE(bytes);
  proxy.plan(Cut{Direction::to_server, bytes, CutStyle::close});
  for (int i = 0; i < 60; ++i) {
    const auto id = std::to_string(i);
    writer.put(delivery(id), stand.answers.of(id));
  }
  const auto answers = stand.answers.wait_for(61);
  int lost = 0, failed = 0;
  for (const auto& [id, stored] : answers) {
    if (stored != Stored::fresh) ++failed;
    const auto there = stand.database.as_owner(
        "SELECT count(*) FROM amdahl.delivery WHERE delivery_id = '" + id + "'");
    if (stored == Stored::fresh && there != "1") ++lost;
    if (stored == Stored::unavailable) CHECK(there == "0");
  }
  CHECK(lost == 0);
  CHECK(failed > 0);
  // The next ones find the server again, and those tried again count once.
  for (int i = 0; i < 60; ++i) {
    const auto id = std::to_string(i);
    writer.put(delivery(id), stand.answers.of("retry " + id));
  }
  const auto all = stand.answers.wait_for(121);
  CHECK(std::stoi(stand.rows()) +
            static_cast<int>(std::count_if(all.begin(), all.end(),
                                           [](auto& each) {
                                             return each.first.starts_with("retry ") &&
                                                    each.second != Stored::fresh &&
                                                    each.second != Stored::replayed;
                                           })) >=
        61);
}

TEST_CASE("a server that stands still leaves what was sent in doubt, within its time",
          "[http][hooks]") {
  Stand stand;
  const ScratchFolder folder;
  PgProxy proxy{folder.path(), socket_dir_of(stand.database.service_url())};
  auto options = stand.options(through_proxy(stand.database.service_url(), folder.path()));
  options.commit_time = 300ms;
  DeliveryWriter writer{std::move(options)};
  writer.put(delivery("warm"), stand.answers.of("warm"));
  stand.answers.wait_for(1);
  proxy.hang(true);
  const auto begun = std::chrono::steady_clock::now();
  writer.put(delivery("a"), stand.answers.of("a"));
  CHECK(stand.answers.wait_for(2)["a"] == Stored::in_doubt);
  const auto took = std::chrono::steady_clock::now() - begun;
  CHECK(took >= 290ms);
  CHECK(took < 5s);
  proxy.hang(false);
  writer.put(delivery("a"), stand.answers.of("again"));
  const auto again = stand.answers.wait_for(3)["again"];
  CHECK((again == Stored::fresh || again == Stored::replayed));
  CHECK(stand.rows() == "2");
}

TEST_CASE("a ledger that could not be reached is tried again by the next delivery",
          "[http][hooks]") {
  Stand stand;
  auto options = stand.options(stand.database.service_url());
  std::atomic<int> tries{0};
  options.open_channel = [&, url = stand.database.service_url()] {
    if (++tries <= 2) throw ledger::Unavailable{"away"};
    return ledger::open_delivery_channel(url);
  };
  DeliveryWriter writer{std::move(options)};
  std::size_t answered = 0;
  for (const auto* id : {"a", "b"}) {
    writer.put(delivery(id), stand.answers.of(id));
    CHECK(stand.answers.wait_for(++answered)[id] == Stored::unavailable);
  }
  writer.put(delivery("c"), stand.answers.of("c"));
  CHECK(stand.answers.wait_for(3)["c"] == Stored::fresh);
  CHECK(stand.rows() == "1");
}

TEST_CASE("what has no place in the queue is refused at once", "[http][hooks]") {
  Stand stand;
  auto options = stand.options(stand.database.service_url());
  options.waiting_max = 3;
  options.commit_max = 1;
  DeliveryWriter writer{std::move(options)};
  stand.database.while_locked("LOCK TABLE amdahl.delivery IN EXCLUSIVE MODE", [&] {
    for (int i = 0; i < 10; ++i) {
      const auto id = std::to_string(i);
      writer.put(delivery(id), stand.answers.of(id));
    }
    CHECK(writer.waiting() <= 3);
  });
  const auto answers = stand.answers.wait_for(10);
  const auto refused = std::count_if(answers.begin(), answers.end(), [](const auto& answer) {
    return answer.second == Stored::overloaded;
  });
  CHECK(refused >= 6);
  CHECK(std::to_string(10 - refused) == stand.rows());
}

TEST_CASE("a ledger with too many waiting deliveries takes no more", "[http][hooks]") {
  Stand stand;
  stand.database.script_as_owner(
      "INSERT INTO amdahl.delivery (source, delivery_id, body) "
      "SELECT 'slurm/alpha', i::text, '{}' FROM generate_series(1, 10000) AS i");
  DeliveryWriter writer{stand.options(stand.database.service_url())};
  writer.put(delivery("one more"), stand.answers.of("one more"));
  CHECK(stand.answers.wait_for(1)["one more"] == Stored::overloaded);
}

TEST_CASE("at its end the writer stores what waits and answers the rest", "[http][hooks]") {
  Stand stand;
  {
    DeliveryWriter writer{stand.options(stand.database.service_url())};
    for (int i = 0; i < 50; ++i) {
      const auto id = std::to_string(i);
      writer.put(delivery(id), stand.answers.of(id));
    }
    writer.stop(60s);
    writer.put(delivery("late"), stand.answers.of("late"));
  }
  auto answers = stand.answers.wait_for(51);
  CHECK(answers["late"] == Stored::unavailable);
  CHECK(stand.rows() == "50");

  Stand hasty;
  auto options = hasty.options(hasty.database.service_url());
  options.commit_max = 1;
  DeliveryWriter writer{std::move(options)};
  hasty.database.while_locked("LOCK TABLE amdahl.delivery IN EXCLUSIVE MODE", [&] {
    for (int i = 0; i < 5; ++i) {
      const auto id = std::to_string(i);
      writer.put(delivery(id), hasty.answers.of(id));
    }
    writer.stop(0ms);
  });
  const auto rest = hasty.answers.wait_for(5);
  for (const auto& [id, stored] : rest) CHECK(stored != Stored::fresh);
  CHECK(hasty.rows() == "0");
}

TEST_CASE("killed before or after its commit, a delivery that is tried again counts once",
          "[http][hooks]") {
  const auto* const row = GENERATE("hooks.delivery_unsent", "hooks.delivery_stored");
  CAPTURE(row);
  Stand stand;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (!core::arm_failpoint(row)) ::_exit(3);
    DeliveryWriter writer{stand.options(stand.database.service_url())};
    std::atomic<bool> answered{false};
    writer.put(delivery("a"), [&](Stored) { answered = true; });
    writer.stop(60s);
    ::_exit(answered ? 1 : 2);  // answered before it died
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGKILL);
  const bool stored = row == std::string{"hooks.delivery_stored"};
  CHECK(stand.rows() == (stored ? "1" : "0"));
  DeliveryWriter writer{stand.options(stand.database.service_url())};
  writer.put(delivery("a"), stand.answers.of("a"));
  CHECK(stand.answers.wait_for(1)["a"] == (stored ? Stored::replayed : Stored::fresh));
  CHECK(stand.rows() == "1");
}

}  // namespace amdahl::test
