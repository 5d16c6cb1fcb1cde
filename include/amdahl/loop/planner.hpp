#pragma once

#include <string>
#include <vector>

#include "amdahl/core/clock.hpp"
#include "amdahl/ledger/ledger.hpp"
#include "amdahl/ledger/snapshot.hpp"
#include "amdahl/loop/settings.hpp"
#include "amdahl/loop/view.hpp"
#include "amdahl/stats/judge.hpp"

namespace amdahl::loop {

struct Submit {
  core::RunId run;
  std::string cluster;
  core::RunSpec spec;  ///< without code_dir and witness, which the engine adds
};
struct Release {
  core::RunId run;
  std::string cluster;
  core::RunKey key;
  scheduler_adapters::NativeRef ref;
};
struct Cancel {
  std::string cluster;
  core::RunKey key;
  scheduler_adapters::NativeRef ref;
  scheduler_adapters::CancelMode mode = scheduler_adapters::CancelMode::only_if_held;
};
struct Acknowledge {
  std::string cluster;
  core::RunKey key;
};

/// How an experiment stands when it takes a step: for logs and people, nothing is done with it.
struct Standing {
  core::ExperimentId experiment;
  core::ExperimentKind kind = core::ExperimentKind::trial;
  stats::Standing standing;
};

/// Everything one cycle does, in the order in which the engine does it.
struct Actions {
  std::vector<ledger::NewJob> add_jobs;
  std::vector<ledger::NewHypothesis> add_hypotheses;
  std::vector<ledger::ProposedFor> proposed;
  std::vector<core::HypothesisId> approve;
  std::vector<ledger::RejectHypothesis> reject;
  std::optional<std::pair<bool, std::string>> set_paused;
  std::vector<ledger::PlanProduction> plan_production;
  std::vector<ledger::RecordSubmit> adopt;  ///< runs found although nobody recorded them
  std::vector<ledger::RecordRun> record_runs;
  std::vector<ledger::ProductionRun> record_production;
  std::vector<ledger::RetryRun> retry_runs;
  std::vector<std::pair<core::ExperimentId, std::string>> abort;
  std::vector<ledger::Advance> advance;
  std::vector<ledger::Decision> decide;
  std::vector<ledger::Registration> register_;
  std::vector<ledger::OpenPair> open_pairs;
  std::vector<Submit> submit;
  std::vector<Release> release;
  std::vector<Cancel> cancel;
  std::vector<Acknowledge> acknowledge;
  std::vector<ledger::CommandDone> finish_commands;

  std::vector<Standing> standings;  ///< of the experiments that take a step now
  std::vector<std::string>
      waiting;           ///< why something does not move: capacity, budget, approval, hold
  bool rewound = false;  ///< the ledger lost its tail: nothing may be done on what is left of it
  bool work_remains = false;  ///< something is under way or could start without a person
  bool empty() const;         ///< nothing to do but wait
};

/// Decides the next step of everything, from what was read and seen alone: same input, same
/// actions. Total: any snapshot gives actions, never an exception.
Actions plan(const ledger::Snapshot& snapshot, const View& view, const Settings& settings,
             core::Random& random);

}  // namespace amdahl::loop
