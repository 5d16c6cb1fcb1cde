// What it costs to reconcile 1,000 worker runs that are outstanding on Slurm: the real engine,
// ledger and Slurm adapter, with its commands; the far side is a script (slurm_far_side.sh).
#include <fmt/format.h>
#include <stdlib.h>

#include <ctime>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "amdahl/scheduler_adapters/slurm.hpp"
#include "scratch_server.hpp"
#include "stand.hpp"
#include "table.hpp"
#include "wire_counter.hpp"

namespace amdahl::bench {
namespace {

namespace fs = std::filesystem;

constexpr int outstanding_wanted = 1000;
constexpr int jobs = 400;
constexpr int cycles_max = 200;  // to get there
constexpr int cycles_measured = 7;
constexpr int turns_max = 10;
constexpr double service_ms_max = 500;

/// The folder of the far side, with its commands first in PATH.
class FarSide {
 public:
  explicit FarSide(const fs::path& folder) : folder_{folder} {
    fs::create_directories(folder_ / "jobs");
    fs::create_directories(folder_ / "bin");
    std::ofstream{folder_ / "next"} << "1\n";
    for (const auto* name : {"sbatch", "squeue", "scontrol", "scancel", "sinfo", "sacct"})
      fs::create_symlink(fs::path{AMDAHL_BENCH_DIR} / "slurm_far_side.sh", folder_ / "bin" / name);
    ::setenv("PATH", ((folder_ / "bin").string() + ":/usr/bin:/bin").c_str(), 1);
    ::setenv("HOME", folder_.c_str(), 1);
  }
  /// Lines of a file that the script appends to.
  int count(const char* name) const {
    std::ifstream in{folder_ / name};
    int lines = 0;
    for (std::string line; std::getline(in, line);) ++lines;
    return lines;
  }
  /// Every job goes from one state to another between two looks.
  void move_all(const std::string& from, const std::string& to) const {
    for (const auto& entry : fs::directory_iterator{folder_ / "jobs"}) {
      std::string line;
      std::getline(std::ifstream{entry.path()}, line);
      if (const auto at = line.find(from); at != std::string::npos)
        line.replace(at, from.size(), to);
      std::ofstream{entry.path()} << line << '\n';
    }
  }

 private:
  fs::path folder_;
};

double cpu_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

struct Look {
  int listings = 0;
  std::int64_t turns = 0;
  double wall_ms = 0, service_ms = 0;
};

Look look(Stand& stand, const FarSide& far, const WireCounter& wire) {
  const auto listings = far.count("listings");
  const auto turns = wire.turns();
  const auto cpu = cpu_ms();
  Look seen;
  seen.wall_ms = ms_of([&] { stand.cycle(); });
  seen.service_ms = cpu_ms() - cpu;
  seen.turns = wire.turns() - turns;
  seen.listings = far.count("listings") - listings;
  return seen;
}

void print_looks(const std::string& what, const std::vector<Look>& looks, int outstanding) {
  std::vector<double> wall, service;
  int listings = 0;
  std::int64_t turns = 0;
  for (const auto& seen : looks) {
    wall.push_back(seen.wall_ms);
    service.push_back(seen.service_ms);
    listings = std::max(listings, seen.listings);
    turns = std::max(turns, seen.turns);
  }
  const auto name = fmt::format("{} runs on Slurm, {}: ", outstanding, what);
  print_row(name + "listings", fmt::format("{}", listings), "1", listings == 1);
  print_row(name + "round trips", fmt::format("{}", turns), fmt::format("{}", turns_max),
            turns <= turns_max);
  const auto most = *std::max_element(service.begin(), service.end());
  print_row(name + "service time",
            fmt::format("{:.0f} ms (median {:.0f}; {:.0f} ms with Slurm and PostgreSQL)", most,
                        median(service), median(wall)),
            fmt::format("{:.0f} ms", service_ms_max), most <= service_ms_max);
}

void run() {
  ScratchServer server;
  server.make_ledger("slurm");
  const auto sockets = server.folder() / "wire";
  fs::create_directory(sockets);
  const WireCounter wire{sockets, server.sockets()};
  auto url = server.service_url("slurm");
  url.replace(url.find(server.sockets().string()), server.sockets().string().size(),
              sockets.string());
  const FarSide far{server.folder() / "slurm"};
  CycleClock clock;
  scheduler_adapters::SlurmOptions options;
  options.cluster = "fleet";
  options.run_dir = server.folder() / "runs";
  options.shim = "/usr/bin/amdahl-run";
  const auto slurm = scheduler_adapters::make_slurm_adapter(options, clock);
  Stand stand{{url, server.folder() / "stand", outstanding_wanted, jobs, 10, slurm.get()}};
  for (int i = 0; stand.outstanding() < outstanding_wanted; ++i) {
    if (i == cycles_max)
      throw std::runtime_error{fmt::format("only {} runs outstanding", stand.outstanding())};
    stand.cycle();
  }
  std::vector<Look> quiet, moved;
  for (int i = 0; i < cycles_measured; ++i) quiet.push_back(look(stand, far, wire));
  far.move_all("|PENDING|Priority|", "|RUNNING|None|");
  moved.push_back(look(stand, far, wire));
  print_looks("nothing new", quiet, stand.outstanding());
  print_looks("all of them start", moved, stand.outstanding());
}

}  // namespace
}  // namespace amdahl::bench

int main() {
  try {
    amdahl::bench::run();
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_slurm: {}\n", error.what());
    return 1;
  }
}
