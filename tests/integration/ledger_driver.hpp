#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "amdahl/ledger/ledger.hpp"
#include "support/test_database.hpp"

namespace amdahl::test {

/// One row, where a stage takes many.
template <class T>
std::span<const T> one(const T& item) {
  return std::span{&item, 1};
}

/// A leader with a ledger of its own, and the shortest way through each stage.
class LedgerDriver {
 public:
  explicit LedgerDriver(ledger::ConnectOptions options = {});

  TestDatabase db;
  std::unique_ptr<ledger::Ledger> ledger;
  ledger::Lease lease;

  core::JobId add_job(const std::string& name = "eval");
  core::HypothesisId propose(core::JobId job, std::vector<core::Change> changes);
  /// A frozen trial of `changes` on the job's champion; `checks` voters.
  core::Protocol trial(core::JobId job, const std::vector<core::Change>& changes, int checks = 3);
  core::Protocol canary(core::JobId job);
  ledger::Registration registration(core::HypothesisId hypothesis, core::JobId job,
                                    const core::Protocol& protocol);
  /// Proposes and registers; the experiment must be new.
  core::ExperimentId start_trial(core::JobId job, const std::vector<core::Change>& changes);

  ledger::OpenPair pair_for(core::ExperimentId experiment, int check_no = 0);
  /// Opens a pair and takes its run to where `state` says (planned, submitting, submitted,
  /// running).
  core::RunId live_run(core::ExperimentId experiment, core::RunState state, int check_no = 0);
  /// A pair from opening to complete: the variant costs `ratio` of the baseline.
  void complete_pair(core::ExperimentId experiment, int check_no = 0, double ratio = 0.5);
  void finish_run(core::RunId run, double ratio = 0.5);
  /// Nominates, runs one pair per check and answers a winning decision with all votes.
  ledger::Decision win_of(core::ExperimentId experiment, core::Configuration champion);

  ledger::Snapshot snapshot() { return ledger->read_snapshot(); }
  std::int64_t head_seq() { return ledger->head().head_seq; }
  core::RunKey next_key(int attempt = 1);

 private:
  int keys_ = 0;
};

core::JobSpec example_job(const std::string& name);
core::Change workers(int value);
core::Change gpus(int value);
core::LegResult example_leg(core::Arm arm, double seconds);

}  // namespace amdahl::test
