#pragma once

#include "amdahl/core/clock.hpp"
#include "amdahl/ledger/snapshot.hpp"
#include "amdahl/loop/planner.hpp"

namespace amdahl::test {

/// Random numbers that count up: a plan that draws twice sees two values.
class CountingRandom final : public core::Random {
 public:
  std::uint64_t next() override { return ++drawn_; }

 private:
  std::uint64_t drawn_ = 0;
};

/// A job that every check can refute, with two knobs, four GPUs and known noise.
inline ledger::JobRow some_job() {
  ledger::JobRow job;
  job.id = {1};
  job.spec.name = "eval";
  job.spec.cluster = "local";
  job.spec.command = {"run", "{workers}", "{seed}", "{length}"};
  job.spec.resources = {1, 4, 2, 1 << 20};
  job.spec.time_limit = std::chrono::seconds{60};
  job.spec.knobs = {{"workers", "input", "", "", "0", {"2"}},
                    {"gpus", "over", "gpus", "", "4", {"2"}}};
  job.champion = core::baseline_configuration(job.spec);
  job.sigma0 = 0.01;
  job.sigma0_from = {1};
  return job;
}

inline loop::View some_view() {
  loop::View view;
  auto& cluster = view.clusters["local"];
  cluster.kind = "local";
  cluster.capacity = scheduler_adapters::Capacity{4, 4, 1 << 30, "test"};
  cluster.listing.complete = true;
  view.code.emplace(core::JobId{1}, loop::CodeSnapshot{"digest", "/code", 1});
  return view;
}

inline ledger::HypothesisRow some_hypothesis(std::int64_t id, std::vector<core::Change> changes,
                                             std::string phase) {
  ledger::HypothesisRow row;
  row.id = {id};
  row.job = {1};
  row.changes = std::move(changes);
  row.phase = std::move(phase);
  return row;
}

/// A trial of `workers 0 → 2`, registered as EXP-7, without pairs.
inline ledger::ExperimentRow some_experiment() {
  ledger::ExperimentRow row;
  row.id = {7};
  row.job = {1};
  row.t = 1;
  row.protocol.job = some_job().spec;
  row.protocol.baseline = some_job().champion;
  row.protocol.changes = {{core::ChangeKind::arg, "workers", "2"}};
  row.protocol.variant = core::apply(row.protocol.baseline, row.protocol.changes).value();
  row.protocol.sigma0 = 0.01;
  row.protocol.theta_mei = 0.0304592074847;
  row.protocol.checks = {{core::CheckKind::seed_and_shard, 2, 1, 1, false, 0},
                         {core::CheckKind::clean_rebuild, 1, 0, 1, true, 4096},
                         {core::CheckKind::scale, 1, 0, 2, false, 0},
                         {core::CheckKind::seed_and_shard, 12, 2, 1, false, 0},
                         {core::CheckKind::clean_rebuild, 11, 0, 1, true, 7168}};
  return row;
}

/// A pair of EXP-7 whose only run is live in `state`.
inline void add_live_pair(ledger::Snapshot& snapshot, std::int64_t index, core::RunState state) {
  auto& experiment = snapshot.experiments.front();
  ledger::PairRow pair;
  pair.id = {100 + index};
  pair.experiment = experiment.id;
  pair.index = index;
  pair.attempts = 1;
  experiment.pairs.push_back(pair);
  ledger::RunRow run;
  run.id = {200 + index};
  run.key = core::make_run_key({static_cast<std::uint8_t>(index)}, 1);
  run.pair = pair.id;
  run.experiment = experiment.id;
  run.cluster = "local";
  run.state = state;
  run.released = state >= core::RunState::queued;
  snapshot.live_runs.push_back(run);
}

/// How the scheduler shows the run of pair `index`.
inline scheduler_adapters::Observation seen(const ledger::Snapshot& snapshot, std::int64_t index,
                                            core::RunState state) {
  scheduler_adapters::Observation observation;
  for (const auto& run : snapshot.live_runs) {
    if (run.pair.value == 100 + index) observation.key = run.key;
  }
  observation.ref = {"native", 1};
  observation.state = state;
  return observation;
}

/// All that a plan is made from: one job, and what a test puts beside it.
struct Scene {
  ledger::Snapshot snapshot;
  loop::View view = some_view();
  loop::Settings settings;
  CountingRandom random;

  Scene() { snapshot.jobs = {some_job()}; }
  loop::ClusterView& cluster() { return view.clusters["local"]; }
  loop::Actions plan() { return loop::plan(snapshot, view, settings, random); }
};

/// A scene a second after the epoch, with one experiment.
struct ExperimentScene : Scene {
  ExperimentScene() {
    snapshot.experiments = {some_experiment()};
    snapshot.now_us = 1'000'000;
  }
};

}  // namespace amdahl::test
