#pragma once

#include "amdahl/ledger/ledger.hpp"
#include "amdahl/simulation/memory_ledger.hpp"
#include "world.hpp"

namespace amdahl::simulation {

/// One program's connection to the ledger: each call may be refused, cut, or lose its answer.
class SeamLedger final : public ledger::Ledger {
 public:
  SeamLedger(Program& program, core::Clock& database_clock, core::Random& salts)
      : program_{program}, memory_{program.world.ledger, database_clock, salts} {}

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
  std::int64_t round_trips() const override { return memory_.round_trips(); }

 private:
  template <class Call>
  auto through(Seam seam, std::string_view name, const Call& call);

  Program& program_;
  MemoryLedger memory_;
};

}  // namespace amdahl::simulation
