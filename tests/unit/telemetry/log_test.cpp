#include "amdahl/telemetry/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "busy_metrics.hpp"

namespace amdahl::telemetry {
namespace {

using nlohmann::json;

std::vector<json> lines_of(const std::string& text) {
  std::vector<json> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

// Time passes only by asking: what waits for it ends.
class AskedClock final : public core::Clock {
 public:
  core::WallTime now() override { return core::WallTime{}; }
  core::BootTime since_boot() override { return now_ += std::chrono::milliseconds{40}; }

 private:
  core::BootTime now_{0};
};

class Pipe {
 public:
  Pipe() {
    REQUIRE(::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    REQUIRE(::fcntl(ends_[1], F_SETFL, 0) == 0);  // a writer that waits, as standard error does
  }
  ~Pipe() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int writer() const { return ends_[1]; }
  /// All that lies in it.
  std::string drain() const {
    std::string all;
    std::array<char, 65536> buffer{};
    for (;;) {
      const auto got = ::read(ends_[0], buffer.data(), buffer.size());
      if (got <= 0) return all;
      all.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  std::array<int, 2> ends_{};
};

TEST_CASE("an event is one JSON line with its time, name, level and fields", "[log]") {
  std::ostringstream out;
  StillClock clock;
  Log log{out, clock, LogLevel::info};
  log.event("leading", {{"fence", 7}});
  log.event("ledger_unavailable", {{"why", "two\nlines"}});
  CHECK(
      out.str() ==
      "{\"at\":\"2026-09-21T14:13:20.000Z\",\"event\":\"leading\",\"fence\":7,\"level\":\"info\"}\n"
      "{\"at\":\"2026-09-21T14:13:20.000Z\",\"event\":\"ledger_unavailable\",\"level\":\"warning\","
      "\"why\":\"two\\nlines\"}\n");
}

TEST_CASE("what is below the level is not written, and the level may change", "[log]") {
  std::ostringstream out;
  StillClock clock;
  Log log{out, clock, LogLevel::warning};
  log.event("leading", json::object());
  CHECK(out.str().empty());
  log.set_level(LogLevel::debug);
  log.event(LogLevel::debug, "request_served", json::object());
  CHECK(lines_of(out.str()).at(0)["level"] == "debug");
}

TEST_CASE("bytes that are no UTF-8 are replaced and fields that are no object are left out",
          "[log]") {
  std::ostringstream out;
  StillClock clock;
  Log log{out, clock, LogLevel::info};
  log.event("run_ended", {{"reason", "a\xff\xfe z"}});
  log.event("run_ended", json::array({1, 2}));
  const auto lines = lines_of(out.str());
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["reason"] == "a\xef\xbf\xbd\xef\xbf\xbd z");
  CHECK(lines[1].size() == 3);
}

TEST_CASE("fields cannot take the place of the time, the name or the level", "[log]") {
  std::ostringstream out;
  StillClock clock;
  Log log{out, clock, LogLevel::info};
  log.event("leading", {{"event", "forged"}, {"at", "never"}, {"level", "debug"}});
  const auto line = lines_of(out.str()).at(0);
  CHECK(line["event"] == "leading");
  CHECK(line["level"] == "info");
  CHECK(line["at"] != "never");
}

TEST_CASE("a line that is too long keeps its head and says what was left out", "[log]") {
  std::ostringstream out;
  StillClock clock;
  Log log{out, clock, LogLevel::info};
  log.event("run_ended", {{"reason", std::string(Log::line_bytes_max, 'x')}});
  const auto line = lines_of(out.str()).at(0);
  CHECK(line["event"] == "run_ended");
  CHECK(line["bytes_left_out"].get<std::size_t>() > Log::line_bytes_max);
  CHECK(out.str().size() < 200);
}

TEST_CASE("a reader that stands still holds nobody, and the gap is said", "[log]") {
  Pipe pipe;
  AskedClock clock;
  Log log{pipe.writer(), clock, LogLevel::info};
  const std::string long_text(20'000, 'x');
  for (int i = 0; i < 20; ++i) log.event("run_ended", {{"reason", long_text}});
  const auto before = pipe.drain();
  CHECK(before.size() >= 40'000);
  CHECK(before.size() <= 100'000);
  log.event("stopped", json::object());
  const auto after = pipe.drain();
  // What was torn ends in a line of its own; the others are whole.
  CHECK(after.front() == '\n');
  const auto lines = lines_of(after.substr(1));
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["event"] == "log_lines_dropped");
  CHECK(lines[0]["count"].get<int>() + static_cast<int>(before.size() / 20'050) == 20);
  CHECK(lines[1]["event"] == "stopped");
}

TEST_CASE("a descriptor that cannot be written costs nothing", "[log]") {
  StillClock clock;
  Log log{-1, clock, LogLevel::info};
  CHECK_NOTHROW(log.event("leading", json::object()));
}

TEST_CASE("lines of several threads are whole", "[log]") {
  std::ostringstream out;
  StillClock clock;
  {
    Log log{out, clock, LogLevel::info};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&log, i] {
        for (int n = 0; n < 200; ++n) log.event("run_ended", {{"thread", i}, {"n", n}});
      });
    }
    for (auto& thread : threads) thread.join();
  }
  CHECK(lines_of(out.str()).size() == 800);
}

TEST_CASE("levels are spelled as in the configuration", "[log]") {
  for (const auto* word : {"debug", "info", "warning", "error"})
    CHECK(name(log_level(word).value()) == word);
  CHECK_FALSE(log_level("warn"));
  CHECK(level_of("ledger_rewound") == LogLevel::error);
  CHECK(level_of("run_ended") == LogLevel::info);
}

}  // namespace
}  // namespace amdahl::telemetry
