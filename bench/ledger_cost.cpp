// What a cycle costs the ledger: turns on the wire, and time against an empty and a long history.
//
//     bench_ledger [COMMAND]
//
// Prints rows for bench/run. COMMAND then runs while the ledgers are still there, with the long
// one's address in AMDAHL_BENCH_URL, that of one with 10,000 events in AMDAHL_BENCH_SHORT_URL, an
// empty one's in AMDAHL_BENCH_FRESH_URL (its owner's in AMDAHL_BENCH_FRESH_OWNER_URL), and a folder
// for scraps in AMDAHL_BENCH_FOLDER.

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "history.hpp"
#include "scratch_server.hpp"
#include "stand.hpp"
#include "table.hpp"
#include "wire_counter.hpp"

namespace amdahl::bench {
namespace {

namespace fs = std::filesystem;

constexpr int turns_max = 10;
constexpr double ratio_max = 1.2;
constexpr double status_ms_max = 100;
constexpr double metrics_ms_max = 100;
constexpr double verify_rate_min = 100'000;
constexpr int cycles_counted = 150;  // canaries end, trials are nominated, win and are refuted
constexpr int cycles_before_clock = 25;
constexpr int cycles_clocked = 60;
constexpr int status_reads = 15;
constexpr int proposals = 20;
constexpr double sealing_ratio_max = 1.5;
constexpr int short_events = 10'000;

std::string through(const std::string& url, const fs::path& from, const fs::path& to) {
  auto moved = url;
  return moved.replace(moved.find(from.string()), from.string().size(), to.string());
}

void propose(Stand& stand, int count) {
  for (int i = 1; i <= count; ++i) {
    const nlohmann::json change{
        {"kind", "arg"}, {"name", "knob"}, {"value", std::to_string(50 + i)}};
    stand.ledger().put_command(fmt::format("bench-{}", i), "propose",
                               {{"job", fmt::format("job-{}", i)}, {"changes", {change}}});
  }
}

void count_turns(ScratchServer& server, int outstanding) {
  const auto name = fmt::format("count_{}", outstanding);
  server.make_ledger(name);
  const auto sockets = server.folder() / name;
  fs::create_directory(sockets);
  const WireCounter wire{sockets, server.sockets()};
  const bool one = outstanding == 1;
  Stand stand{{through(server.service_url(name), server.sockets(), sockets),
               server.folder() / (name + ".d"), outstanding, one ? 1 : 80, one ? 1 : 10}};
  std::int64_t most = 0, sum = 0, busy = 0;
  std::vector<double> live;
  const auto cycle = [&] {
    const auto before = wire.turns();
    const int live_before = stand.outstanding();
    const auto report = stand.cycle();
    live.push_back(std::max(live_before, stand.outstanding()));
    return report.acted ? wire.turns() - before : 0;
  };
  for (int i = 0; i < cycles_counted; ++i) {
    const auto turns = cycle();
    most = std::max(most, turns);
    sum += turns;
    busy += turns > 0 ? 1 : 0;
  }
  print_row(fmt::format("round trips of a busy cycle, {} outstanding", outstanding),
            fmt::format("{} (mean {:.1f} of {} cycles; median {:.0f} outstanding)", most,
                        static_cast<double>(sum) / static_cast<double>(busy), busy, median(live)),
            fmt::format("{}", turns_max), most <= turns_max);
  if (one) return;
  propose(stand, proposals);
  const auto turns = cycle();
  print_row(fmt::format("round trips, the same with {} proposals waiting", proposals),
            fmt::format("{}", turns), fmt::format("{}", turns_max), turns <= turns_max);
}

struct Pace {
  double first_ms = 0, second_ms = 0, outstanding = 0;
};

// Side by side and in turn first, so that whatever else the machine does hits both.
Pace pace_of(Stand& first, Stand& second) {
  std::vector<double> first_ms, second_ms, live;
  for (int i = 0; i < cycles_before_clock + cycles_clocked; ++i) {
    double one_ms = 0, other_ms = 0;
    const auto one = [&] { one_ms = ms_of([&] { first.cycle(); }); };
    const auto other = [&] { other_ms = ms_of([&] { second.cycle(); }); };
    if (i % 2 == 0) one();
    other();
    if (i % 2 != 0) one();
    if (i < cycles_before_clock) continue;
    first_ms.push_back(one_ms);
    second_ms.push_back(other_ms);
    live.push_back(static_cast<double>(second.outstanding()));
  }
  return {median(first_ms), median(second_ms), median(live)};
}

void clock_cycles(Stand& empty, Stand& full) {
  const auto pace = pace_of(empty, full);
  const double ratio = pace.second_ms / pace.first_ms;
  print_row("cycle at 200 outstanding, 100,000 finished runs / none",
            fmt::format("{:.2f} ({:.0f} / {:.0f} ms; {:.0f} outstanding)", ratio, pace.second_ms,
                        pace.first_ms, pace.outstanding),
            fmt::format("{}", ratio_max), ratio <= ratio_max);
}

// The sealed ledger goes on until it has events enough for others to start from.
void clock_sealing(ScratchServer& server) {
  const auto sealed_owner = server.make_ledger("sealed");
  const auto plain_owner = server.make_ledger("plain");
  stop_sealing(plain_owner);
  Stand sealed{{server.service_url("sealed"), server.folder() / "sealed.d"}};
  Stand plain{{server.service_url("plain"), server.folder() / "plain.d"}};
  set_noise(sealed_owner);
  set_noise(plain_owner);
  const auto pace = pace_of(plain, sealed);
  const double ratio = pace.second_ms / pace.first_ms;
  print_row("cycle at 200 outstanding, rows sealed / not",
            fmt::format("{:.2f} ({:.0f} / {:.0f} ms)", ratio, pace.second_ms, pace.first_ms),
            fmt::format("{}", sealing_ratio_max), ratio <= sealing_ratio_max);
  while (sealed.ledger().head().head_seq < short_events) sealed.cycle();
  sealed.release();
}

void clock_view(Stand& full, const char* view, double ms_max) {
  std::vector<double> ms;
  for (int i = 0; i < status_reads; ++i) {
    ms.push_back(ms_of([&] { full.ledger().read(view, nlohmann::json::object()); }));
  }
  print_row(fmt::format("{}, the read model, 100,000 finished runs", view),
            fmt::format("{:.1f} ms", median(ms)), fmt::format("{} ms", ms_max),
            median(ms) <= ms_max);
}

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// The session that did the work may still be ending.
double cpu_of_server_since(const ScratchServer& server, double before) {
  for (int look = 0; look < 200 && server.cpu_seconds() < before + 0.5; ++look)
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  return server.cpu_seconds() - before;
}

void clock_verify(Stand& full, const ScratchServer& server) {
  nlohmann::json proved;
  const double ours = cpu_seconds(), theirs = server.cpu_seconds();
  const auto ms = ms_of([&] { proved = full.ledger().read("verify", nlohmann::json::object()); });
  if (!proved.value("ok", false)) throw std::runtime_error{"verify: " + proved.dump()};
  const double rate = proved.value("events", 0.0) / ms * 1000;
  print_row("verify, events a second, 100,000 finished runs",
            fmt::format("{:.0f} ({:.1f} s; CPU {:.1f} s here, {:.1f} s in PostgreSQL)", rate,
                        ms / 1000, cpu_seconds() - ours, cpu_of_server_since(server, theirs)),
            fmt::format("{:.0f}", verify_rate_min), rate >= verify_rate_min);
}

int run(const char* then) {
  ScratchServer server;
  count_turns(server, 1);
  count_turns(server, 200);
  clock_sealing(server);
  const auto empty_owner = server.make_ledger("empty");
  const auto full_owner = server.make_ledger("full");
  const auto folder = [&](const char* name) {
    return server.folder() / (std::string{name} + ".d");
  };
  load_history(full_owner, 80, folder("full") / "job");
  align_stream(empty_owner);
  Stand empty{{server.service_url("empty"), folder("empty")}};
  Stand full{{server.service_url("full"), folder("full")}};
  set_noise(empty_owner);
  set_noise(full_owner);
  clock_cycles(empty, full);
  clock_view(full, "status", status_ms_max);
  clock_view(full, "metrics", metrics_ms_max);
  clock_verify(full, server);
  if (then == nullptr) return 0;
  full.release();
  const auto fresh_owner = server.make_ledger("fresh");
  ::setenv("AMDAHL_BENCH_URL", server.service_url("full").c_str(), 1);
  ::setenv("AMDAHL_BENCH_SHORT_URL", server.service_url("sealed").c_str(), 1);
  ::setenv("AMDAHL_BENCH_FRESH_URL", server.service_url("fresh").c_str(), 1);
  ::setenv("AMDAHL_BENCH_FRESH_OWNER_URL", fresh_owner.c_str(), 1);
  ::setenv("AMDAHL_BENCH_FOLDER", server.folder().c_str(), 1);
  return std::system(then) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace amdahl::bench

int main(int argc, char** argv) {
  try {
    return amdahl::bench::run(argc > 1 ? argv[1] : nullptr);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_ledger: {}\n", error.what());
    return 1;
  }
}
