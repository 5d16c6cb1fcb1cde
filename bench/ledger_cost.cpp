// What a cycle costs the ledger: turns on the wire, and time against an empty and a long history.
//
//     bench_ledger [COMMAND]
//
// Prints rows for bench/run. COMMAND then runs while the long ledger is still there, with its
// address in AMDAHL_BENCH_URL and a folder for scraps in AMDAHL_BENCH_FOLDER.

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "amdahl/ledger/migrator.hpp"
#include "amdahl/ledger/private_server.hpp"
#include "history.hpp"
#include "stand.hpp"
#include "wire_counter.hpp"

namespace amdahl::bench {
namespace {

namespace fs = std::filesystem;
using Milliseconds = std::chrono::duration<double, std::milli>;

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

template <class T>
T must(core::Result<T> result) {
  if (!result) throw std::runtime_error{result.error().message + "; " + result.error().hint};
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Shown as they come: a later one may take minutes.
void print_row(const std::string& name, const std::string& measured, const std::string& bound,
               bool ok) {
  fmt::print("{}\t{}\t{}\t{}\n", name, measured, bound, ok ? "ok" : "over");
  std::fflush(stdout);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

template <class Work>
double ms_of(const Work& work) {
  const auto begun = std::chrono::steady_clock::now();
  work();
  return Milliseconds{std::chrono::steady_clock::now() - begun}.count();
}

/// A PostgreSQL of its own in a folder of its own, with the settings of `amdahl dev`; gone at the
/// end.
class Server {
 public:
  Server() : folder_{make_folder()}, server_{must(ledger::PrivateServer::start(options()))} {}
  ~Server() {
    (void)server_.stop();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const fs::path& folder() const { return folder_; }
  fs::path sockets() const { return folder_ / "run"; }
  std::string service_url(const std::string& name) const { return server_.service_url(name); }
  /// Makes the database, with the schema; answers the owner's URL.
  std::string make_ledger(const std::string& name) {
    must(server_.ensure_database(name));
    must(ledger::migrate(server_.owner_url(name), "amdahl_service"));
    return server_.owner_url(name);
  }

 private:
  static fs::path make_folder() {
    auto pattern = (fs::temp_directory_path() / "amdahl-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"cannot make " + pattern};
    ::chmod(pattern.c_str(), 0711);  // the server's user must reach its own folder below
    return pattern;
  }
  ledger::PrivateServerOptions options() const {
    ledger::PrivateServerOptions options;
    options.data_dir = folder_ / "data";
    options.socket_dir = sockets();
    return options;
  }

  fs::path folder_;
  ledger::PrivateServer server_;
};

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

void count_turns(Server& server, int outstanding) {
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

void clock_cycles(Stand& empty, Stand& full) {
  std::vector<double> empty_ms, full_ms, live;
  for (int i = 0; i < cycles_before_clock + cycles_clocked; ++i) {
    // Side by side and in turn first, so that whatever else the machine does hits both.
    double first = 0, second = 0;
    const auto one = [&] { first = ms_of([&] { empty.cycle(); }); };
    const auto other = [&] { second = ms_of([&] { full.cycle(); }); };
    if (i % 2 == 0) one();
    other();
    if (i % 2 != 0) one();
    if (i < cycles_before_clock) continue;
    empty_ms.push_back(first);
    full_ms.push_back(second);
    live.push_back(static_cast<double>(full.outstanding()));
  }
  const double ratio = median(full_ms) / median(empty_ms);
  print_row("cycle at 200 outstanding, 100,000 finished runs / none",
            fmt::format("{:.2f} ({:.0f} / {:.0f} ms; {:.0f} outstanding)", ratio, median(full_ms),
                        median(empty_ms), median(live)),
            fmt::format("{}", ratio_max), ratio <= ratio_max);
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

void clock_verify(Stand& full) {
  nlohmann::json proved;
  const auto ms = ms_of([&] { proved = full.ledger().read("verify", nlohmann::json::object()); });
  if (!proved.value("ok", false)) throw std::runtime_error{"verify: " + proved.dump()};
  const double rate = proved.value("events", 0.0) / ms * 1000;
  print_row("verify, events a second, 100,000 finished runs",
            fmt::format("{:.0f} ({:.1f} s)", rate, ms / 1000),
            fmt::format("{:.0f}", verify_rate_min), rate >= verify_rate_min);
}

int run(const char* then) {
  Server server;
  count_turns(server, 1);
  count_turns(server, 200);
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
  clock_verify(full);
  if (then == nullptr) return 0;
  full.release();
  ::setenv("AMDAHL_BENCH_URL", server.service_url("full").c_str(), 1);
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
