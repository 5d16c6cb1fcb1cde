#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "amdahl/core/clock.hpp"
#include "amdahl/ledger/ledger.hpp"
#include "amdahl/simulation/memory_state.hpp"

namespace amdahl::simulation {

/// Whether a stage that changed a row ends with an event `rows_changed`.
inline constexpr bool seal_rows = true;

/// The ledger without PostgreSQL: one connection's view on a state that others may share. It
/// answers, refuses and chains as migrations/functions/ do, which a differential test keeps true;
/// it may not serve where that test does not look: `read` knows the view `known` alone. One thread
/// at a time may use a state.
class MemoryLedger final : public ledger::Ledger {
 public:
  /// All three outlive the ledger. `salts` decides the coins of what is registered without a salt.
  MemoryLedger(MemoryState& state, core::Clock& database_clock, core::Random& salts);

  ledger::Head head() override;
  std::optional<ledger::Lease> acquire(const ledger::Head& seen, std::string_view new_term,
                                       std::string_view holder) override;
  void renew(const ledger::Lease& lease) override;
  void release(const ledger::Lease& lease) override;
  ledger::Snapshot read_snapshot() override;

  void add_jobs(const ledger::Lease& lease, std::span<const ledger::NewJob> jobs) override;
  std::vector<core::HypothesisId> add_hypotheses(
      const ledger::Lease& lease, std::span<const ledger::NewHypothesis> hypotheses,
      std::span<const ledger::ProposedFor> proposed) override;
  void reject_hypotheses(const ledger::Lease& lease,
                         std::span<const ledger::RejectHypothesis> rejections) override;
  void approve_hypotheses(const ledger::Lease& lease,
                          std::span<const core::HypothesisId> ids) override;
  std::vector<core::ExperimentId> register_experiments(
      const ledger::Lease& lease, std::span<const ledger::Registration> registrations) override;
  void open_and_retry(const ledger::Lease& lease, std::span<const ledger::OpenPair> pairs,
                      std::span<const ledger::RetryRun> retries) override;
  ledger::Head arm_submits(const ledger::Lease& lease, std::span<const core::RunId> runs,
                           std::span<const std::string> spec_shas) override;
  void record_submits(const ledger::Lease& lease,
                      std::span<const ledger::RecordSubmit> submits) override;
  void record_runs(const ledger::Lease& lease, std::span<const ledger::RecordRun> runs) override;
  void advance_and_decide(const ledger::Lease& lease, std::span<const ledger::Advance> steps,
                          std::span<const ledger::Decision> decisions) override;
  void abort_experiments(const ledger::Lease& lease, std::span<const core::ExperimentId> ids,
                         std::string_view reason) override;
  void request_cancel(const ledger::Lease& lease, std::span<const core::RunId> runs) override;
  void set_paused(const ledger::Lease& lease, bool paused, std::string_view reason) override;
  void plan_production(const ledger::Lease& lease,
                       std::span<const ledger::PlanProduction> runs) override;
  void record_production(const ledger::Lease& lease,
                         std::span<const ledger::ProductionRun> runs) override;
  void finish_commands(const ledger::Lease& lease,
                       std::span<const ledger::CommandDone> commands) override;
  void finish_deliveries(const ledger::Lease& lease, std::int64_t upto) override;
  void note(const ledger::Lease& lease, std::string_view kind, std::string_view ref,
            const nlohmann::json& payload) override;

  void put_command(std::string_view key, std::string_view verb,
                   const nlohmann::json& args) override;
  std::optional<nlohmann::json> command_answer(std::string_view key) override;
  nlohmann::json read(std::string_view view, const nlohmann::json& args) override;
  std::int64_t round_trips() const override { return round_trips_; }

 private:
  template <class Work>
  void stage(const ledger::Lease& lease, const Work& work);

  MemoryState& state_;
  core::Clock& clock_;
  core::Random& salts_;
  std::int64_t round_trips_ = 0;
};

}  // namespace amdahl::simulation
