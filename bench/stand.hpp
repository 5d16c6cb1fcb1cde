#pragma once

#include <filesystem>
#include <memory>
#include <random>
#include <string>

#include "amdahl/ledger/ledger.hpp"
#include "amdahl/loop/engine.hpp"
#include "fleet.hpp"

namespace amdahl::bench {

/// A clock that stands still within a cycle and moves past the renewal of the lease between two:
/// each cycle pays for a renewal, as the rare cycle does that meets one.
class CycleClock final : public core::Clock {
 public:
  core::WallTime now() override { return core::WallTime{now_}; }
  core::BootTime since_boot() override { return now_; }
  void next_cycle() { now_ += core::limits::lease_ttl / 2; }

 private:
  core::BootTime now_{std::chrono::hours{1}};
};

class SeededRandom final : public core::Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_{seed} {}
  std::uint64_t next() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

/// The job of the benches: one knob of eight values, on the fleet in memory. `number` names it.
core::JobSpec bench_job(int number, const std::filesystem::path& workdir);

/// The real engine, led by itself, on a fleet in memory.
class Stand {
 public:
  struct Options {
    std::string ledger_url;
    std::filesystem::path folder;  ///< for code and its store
    int outstanding = 200;         ///< worker runs that are under way
    int jobs = 80;
    int ends_per_look = 10;
    scheduler_adapters::Adapter* adapter = nullptr;  ///< instead of the fleet in memory
  };
  explicit Stand(Options options);

  /// One turn of the service: lease, then cycle.
  loop::CycleReport cycle();

  /// Worker runs submitted and not ended, after the last cycle.
  int outstanding() const { return outstanding_; }
  /// Leads no more, so that another service may at once.
  void release() { leadership_.release(); }

  ledger::Ledger& ledger() { return *ledger_; }

 private:
  void add_jobs();

  Options options_;
  CycleClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<ledger::Ledger> ledger_;
  Fleet fleet_;
  loop::FileCodeStore code_;
  loop::Engine engine_;
  loop::Leadership leadership_;
  int outstanding_ = 0;
};

}  // namespace amdahl::bench
