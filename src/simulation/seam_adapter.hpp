#pragma once

#include <map>

#include "amdahl/scheduler_adapters/adapter.hpp"
#include "world.hpp"

namespace amdahl::simulation {

/// One program's adapter to the simulated scheduler: two-phase, without native idempotency, every
/// call fallible. It tells the world when a program does what it could know to be wrong.
class SeamAdapter final : public scheduler_adapters::Adapter {
 public:
  explicit SeamAdapter(Program& program) : program_{program} {}

  std::string kind() const override { return "simulated"; }
  std::string cluster() const override { return "sim"; }
  scheduler_adapters::Caps caps() const override;
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
  core::Result<std::string> fetch_log(const core::RunKey&, core::Arm, bool, std::size_t) override;
  void acknowledge(const core::RunKey& key) override;

 private:
  /// What this program was last told of a key.
  enum class Told { nothing, there, absent };

  Program& program_;
  scheduler_adapters::Listing last_listing_;
  std::map<core::RunKey, Told> told_;
};

}  // namespace amdahl::simulation
