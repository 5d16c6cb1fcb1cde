#pragma once

#include <filesystem>
#include <map>
#include <random>

#include "amdahl/scheduler_adapters/adapter.hpp"

namespace amdahl::bench {

/// A cluster in memory whose runs move by being looked at: each listing starts what was released
/// and ends the oldest runs, so every cycle of the engine finds work and none waits for time to
/// pass.
class Fleet final : public scheduler_adapters::Adapter {
 public:
  struct Options {
    int ends_per_look = 10;
    int starts_fail_percent = 2;  ///< of runs: the node is lost before a leg starts
    std::uint64_t seed = 1;
  };
  explicit Fleet(Options options) : options_{options}, random_{options.seed} {}

  std::string kind() const override { return "fleet"; }
  std::string cluster() const override { return "fleet"; }
  scheduler_adapters::Caps caps() const override { return {}; }
  core::Result<scheduler_adapters::Capacity> capacity() override;
  core::Result<void> validate(const core::RunSpec&) override { return {}; }
  scheduler_adapters::Submitted submit(const core::RunSpec& spec,
                                       std::chrono::milliseconds deadline) override;
  core::Result<void> release(const core::RunKey& key,
                             const scheduler_adapters::NativeRef& ref) override;
  scheduler_adapters::Listing list() override;
  std::vector<scheduler_adapters::FindResult> find(std::span<const core::RunKey> keys) override;
  scheduler_adapters::Cancelled cancel(const core::RunKey& key,
                                       const scheduler_adapters::NativeRef& ref,
                                       scheduler_adapters::CancelMode mode) override;
  core::Result<std::string> fetch_result(const core::RunKey& key) override;
  core::Result<std::string> fetch_log(const core::RunKey& key, core::Arm arm, bool error_stream,
                                      std::size_t bytes_max) override;
  void acknowledge(const core::RunKey& key) override { runs_.erase(key.text); }

  /// From the next look on.
  void ends_per_look(int ends) { options_.ends_per_look = ends; }
  std::size_t runs() const { return runs_.size(); }

  /// A cluster outlives the service: what runs and is queued, for a fleet in another process.
  void save(const std::filesystem::path& file) const;
  void load(const std::filesystem::path& file);

 private:
  struct Run {
    core::RunSpec spec;
    scheduler_adapters::Observation seen;
    std::int64_t place = 0;  ///< in the order of submission
    bool never_starts = false;
  };
  core::LegResult leg_of(const core::LegSpec& leg);
  void end(Run& run);

  Options options_;
  std::mt19937_64 random_;
  std::map<std::string, Run> runs_;
  std::int64_t submitted_ = 0;
};

}  // namespace amdahl::bench
