#pragma once

#include <random>
#include <string>
#include <vector>

#include "ledger_twins.hpp"

namespace amdahl::test {

/// Seeded calls on a ledger, as a loop makes them and as no loop should: half follow what the
/// ledger holds, the others ask for what it must refuse, or for the same again.
class LedgerCalls {
 public:
  LedgerCalls(LedgerTwins& twins, unsigned seed);
  void step();

 private:
  int roll(int sides) { return std::uniform_int_distribution{0, sides - 1}(dice_); }
  bool rarely() { return roll(12) == 0; }
  template <class T>
  const T* any(const std::vector<T>& items) {
    if (items.empty()) return nullptr;
    return &items[static_cast<std::size_t>(roll(static_cast<int>(items.size())))];
  }
  template <class Stage>
  void ask(const std::string& what, const Stage& stage);

  // Any id: mostly of what is open, now and then of what is closed or never was.
  core::JobId job_id();
  core::HypothesisId hypothesis_id();
  core::ExperimentId experiment_id();
  core::RunId run_id();
  /// Mostly a live one in this state.
  core::RunId run_in(core::RunState state);
  core::PairId pair_id();
  std::string text(std::size_t limit);
  core::RunKey run_key(int attempt);

  void lead();
  void pause_or_note();
  void add_job();
  void propose();
  void review();
  void register_experiment();
  ledger::Registration trial(const ledger::HypothesisRow& idea);
  ledger::Registration canary();
  void spoil(ledger::Registration& item);
  void open();
  void retry();
  void arm();
  void answer_submit();
  void move_run();
  void end_run();
  ledger::RecordRun run_record(core::RunId id);
  void advance();
  void decide();
  void vote(ledger::Decision& decision, const ledger::ExperimentRow& row);
  void win();
  void abort();
  void cancel();
  void plan_production();
  void record_production();
  void commands();
  void ask_known();
  core::Protocol protocol(const ledger::JobRow& job, std::vector<core::Change> changes);
  std::vector<core::Change> changes();
  ledger::Lease lease();

  LedgerTwins& twins_;
  std::mt19937 dice_;
  ledger::Lease lease_;
  ledger::Lease old_lease_;
  ledger::Head seen_;
  int terms_ = 0;
  int keys_ = 0;
  std::vector<core::RunKey> used_keys_;
  std::vector<std::string> fingerprints_;
  std::vector<core::PairId> pairs_;
  std::vector<std::string> production_ids_;
};

}  // namespace amdahl::test
