#pragma once

#include <functional>
#include <map>

#include "amdahl/scheduler_adapters/adapter.hpp"

namespace amdahl::test {

/// A cluster in memory where no time passes: what was released has run at the next listing. It
/// outlives the services that use it, as a real one does, and counts what it executed.
class InstantCluster final : public scheduler_adapters::Adapter {
 public:
  explicit InstantCluster(std::string name) : name_{std::move(name)} {}

  std::string kind() const override { return "instant"; }
  std::string cluster() const override { return name_; }
  scheduler_adapters::Caps caps() const override { return {}; }
  core::Result<scheduler_adapters::Capacity> capacity() override {
    return scheduler_adapters::Capacity{8, 64, std::int64_t{1} << 40, "instant"};
  }
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
  core::Result<std::string> fetch_log(const core::RunKey&, core::Arm, bool, std::size_t) override {
    return std::string{};
  }
  void acknowledge(const core::RunKey& key) override { runs_.erase(key.text); }

  /// What happens meanwhile, each time that somebody looks.
  std::function<void()> while_listing;

  /// How often each key was executed; acknowledged ones included.
  const std::map<std::string, int>& executions() const { return executions_; }
  /// Submits of a key that was there already.
  int repeated_submits() const { return repeated_submits_; }
  /// Not acknowledged yet.
  std::size_t left() const { return runs_.size(); }

 private:
  struct Run {
    core::RunSpec spec;
    scheduler_adapters::Observation seen;
  };
  std::string name_;
  std::map<std::string, Run> runs_;
  std::map<std::string, int> executions_;
  std::int64_t submitted_ = 0;
  int repeated_submits_ = 0;
};

}  // namespace amdahl::test
