#include "amdahl/loop/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "amdahl/core/failpoint.hpp"
#include "amdahl/loop/evidence.hpp"
#include "observed.hpp"

namespace amdahl::loop {

using ledger::Lease;
using ledger::RecordSubmit;
using scheduler_adapters::FailureClass;
using scheduler_adapters::Submitted;

namespace {

constexpr std::chrono::milliseconds submit_patience = core::limits::submit_timeout;

}  // namespace

Engine::Engine(Parts parts) : parts_{std::move(parts)} {}

scheduler_adapters::Adapter* Engine::adapter(const std::string& cluster) const {
  const auto it =
      std::find_if(parts_.adapters.begin(), parts_.adapters.end(),
                   [&](const auto* candidate) { return candidate->cluster() == cluster; });
  return it == parts_.adapters.end() ? nullptr : *it;
}

core::BootTime Engine::since_boot() const {
  return parts_.clock == nullptr ? core::BootTime{0} : parts_.clock->since_boot();
}

Actions Engine::dry_run() {
  const auto look_and_plan = [&] {
    const auto snapshot = parts_.ledger.read_snapshot();
    return plan(snapshot, look(snapshot), parts_.settings, parts_.random);
  };
  auto actions = look_and_plan();
  // Beside a leader at work, what it submitted between the two looks seems to know a later head.
  return actions.rewound ? look_and_plan() : actions;
}

namespace {

// How soon the next look is worth its cost.
void tell_pace(const ledger::Snapshot& snapshot, const View& view, CycleReport& report) {
  std::optional<std::chrono::milliseconds> shortest;
  for (const auto& run : snapshot.live_runs) {
    const auto cluster = view.clusters.find(run.cluster);
    if (cluster == view.clusters.end()) continue;
    const auto interval = cluster->second.caps.poll_interval;
    shortest = std::min(shortest.value_or(interval), interval);
    const auto* seen = observed(cluster->second, run);
    if (seen != nullptr && seen->state == core::RunState::finishing) report.runs_ending = true;
  }
  report.runs_live = !snapshot.live_runs.empty();
  report.poll_interval = shortest.value_or(std::chrono::milliseconds{0});
}

}  // namespace

CycleReport Engine::cycle(const Lease& lease, Leadership& leadership) {
  const auto begun = since_boot();
  const auto snapshot = parts_.ledger.read_snapshot();
  if (snapshot.head.term != lease.term || snapshot.head.fence != lease.fence) {
    throw ledger::Fenced{fmt::format("{} leads now", snapshot.head.holder)};
  }
  const auto view = look(snapshot);
  const auto looked = since_boot();
  const auto actions = plan(snapshot, view, parts_.settings, parts_.random);
  const auto planned = since_boot();
  CycleReport report;
  report.look = looked - begun;
  report.plan = planned - looked;
  report.acted = !actions.empty();
  report.work_remains = actions.work_remains;
  tell_pace(snapshot, view, report);
  report.waiting = actions.waiting;
  for (const auto& [name, cluster] : view.clusters)
    if (!cluster.unseen.empty()) report.unseen.emplace(name, cluster.unseen);
  if (actions.rewound) parts_.log("ledger_rewound", {{"why", actions.waiting.front()}});
  core::failpoint("engine.planned");
  perform_hypotheses(lease, actions);
  perform_runs(lease, actions, report);
  perform_decisions(lease, actions, report);
  perform_submits(lease, actions, leadership, report);
  perform_rest(lease, actions, leadership);
  if (!actions.finish_commands.empty())
    parts_.ledger.finish_commands(lease, actions.finish_commands);
  if (snapshot.deliveries_upto > 0)
    parts_.ledger.finish_deliveries(lease, snapshot.deliveries_upto);
  report.perform = since_boot() - planned;
  return report;
}

void Engine::perform_hypotheses(const Lease& lease, const Actions& actions) {
  auto& ledger = parts_.ledger;
  if (!actions.add_jobs.empty()) ledger.add_jobs(lease, actions.add_jobs);
  if (!actions.add_hypotheses.empty() || !actions.proposed.empty())
    ledger.add_hypotheses(lease, actions.add_hypotheses, actions.proposed);
  if (!actions.approve.empty()) ledger.approve_hypotheses(lease, actions.approve);
  if (!actions.reject.empty()) ledger.reject_hypotheses(lease, actions.reject);
  if (actions.set_paused) {
    ledger.set_paused(lease, actions.set_paused->first, actions.set_paused->second);
  }
  if (!actions.plan_production.empty()) ledger.plan_production(lease, actions.plan_production);
}

void Engine::perform_runs(const Lease& lease, const Actions& actions, CycleReport& report) {
  auto& ledger = parts_.ledger;
  if (!actions.adopt.empty()) ledger.record_submits(lease, actions.adopt);
  // Production first: its bank entries are keyed by the run, and the run is live until recorded.
  if (!actions.record_production.empty())
    ledger.record_production(lease, actions.record_production);
  if (!actions.record_runs.empty()) ledger.record_runs(lease, actions.record_runs);
  for (const auto& record : actions.record_runs) {
    if (record.state != core::RunState::ended) continue;
    ++report.ended;
    parts_.log("run_ended",
               {{"run", record.run.value},
                {"outcome", core::name(record.outcome.value_or(core::RunOutcome::lost))},
                {"cause", core::name(record.cause)},
                {"pair_state", core::name(record.pair)},
                {"reason", record.reason}});
  }
}

void Engine::log_standings(const Actions& actions) const {
  for (const auto& [experiment, kind, standing] : actions.standings) {
    auto fields = standing_json(standing);
    fields["experiment"] = experiment.value;
    fields["kind"] = core::name(kind);
    parts_.log("experiment_stands", fields);
  }
  for (const auto& step : actions.advance) {
    if (step.nomination) {
      parts_.log("experiment_nominated", {{"experiment", step.experiment.value},
                                          {"claim", step.nomination->claim},
                                          {"pairs_per_check", step.nomination->pairs_per_check}});
    }
    if (step.register_extension)
      parts_.log("extension_registered", {{"experiment", step.experiment.value}});
    if (!step.hold.value_or("").empty())
      parts_.log("experiment_held",
                 {{"experiment", step.experiment.value}, {"reason", *step.hold}});
  }
}

void Engine::perform_decisions(const Lease& lease, const Actions& actions, CycleReport& report) {
  auto& ledger = parts_.ledger;
  for (const auto& [experiment, reason] : actions.abort) {
    const core::ExperimentId ids[] = {experiment};
    ledger.abort_experiments(lease, ids, reason);
  }
  ledger.advance_and_decide(lease, actions.advance, actions.decide);
  log_standings(actions);
  for (const auto& decision : actions.decide) {
    ++report.decided;
    nlohmann::json fields{{"experiment", decision.experiment.value},
                          {"verdict", core::name(decision.outcome)},
                          {"reason", decision.reason}};
    if (decision.sigma0) fields["sigma0"] = *decision.sigma0;
    parts_.log("experiment_decided", fields);
  }
  if (!actions.register_.empty()) {
    const auto ids = ledger.register_experiments(lease, actions.register_);
    for (std::size_t i = 0; i < ids.size() && i < actions.register_.size(); ++i) {
      const auto& protocol = actions.register_[i].protocol;
      if (!ids[i]) continue;
      parts_.log("experiment_registered", {{"experiment", ids[i].value},
                                           {"job", protocol.job.name},
                                           {"kind", core::name(protocol.kind)},
                                           {"change", core::to_json(protocol.changes)},
                                           {"baseline", core::to_json(protocol.baseline)}});
    }
  }
  ledger.open_and_retry(lease, actions.open_pairs, actions.retry_runs);
}

namespace {

RecordSubmit record_of(core::RunId run, const Submitted& submitted) {
  RecordSubmit record{run, RecordSubmit::Kind::accepted, submitted.ref.native_id,
                      submitted.ref.submitted_at_us, ""};
  if (submitted.kind != Submitted::Kind::failed) return record;
  record.message = submitted.failure.message;
  switch (submitted.failure.kind) {
    case FailureClass::permanent:
    case FailureClass::key_conflict:
      record.kind = RecordSubmit::Kind::rejected;
      break;
    case FailureClass::unknown_outcome:
      record.kind = RecordSubmit::Kind::unknown;
      break;
    default:
      record.kind = RecordSubmit::Kind::retry;
  }
  return record;
}

}  // namespace

void Engine::perform_submits(const Lease& lease, const Actions& actions, Leadership& leadership,
                             CycleReport& report) {
  auto releases = actions.release;
  std::vector<core::RunId> runs;
  std::vector<std::string> shas;
  for (const auto& submit : actions.submit) {
    runs.push_back(submit.run);
    shas.push_back(core::spec_sha(submit.spec));
  }
  ledger::Head armed;
  if (!runs.empty()) armed = parts_.ledger.arm_submits(lease, runs, shas);
  std::vector<RecordSubmit> records;
  for (const auto& submit : actions.submit) {
    auto* target = adapter(submit.cluster);
    if (target == nullptr) continue;
    const auto trusted = leadership.trusted_for_effect();
    if (trusted <= trusted.zero()) break;
    auto spec = submit.spec;
    spec.witness = {lease.term, lease.fence, armed.head_seq, armed.head_hash.substr(0, 16)};
    const auto code = parts_.code.find(spec.code_digest);
    if (!code) {
      records.push_back(
          {submit.run, RecordSubmit::Kind::rejected, "", 0,
           fmt::format("the code snapshot {} is gone from the state directory", spec.code_digest)});
      continue;
    }
    spec.code_dir = code->string();
    const auto submitted = target->submit(spec, std::min(trusted, submit_patience));
    core::failpoint("engine.submitted");
    records.push_back(record_of(submit.run, submitted));
    if (submitted.kind == Submitted::Kind::failed) {
      parts_.log("submit_failed",
                 {{"run_key", spec.key.text}, {"problem", submitted.failure.message}});
    } else {
      ++report.submitted;
      releases.push_back({submit.run, submit.cluster, spec.key, submitted.ref});
      parts_.log("run_submitted", {{"run_key", spec.key.text},
                                   {"native_id", submitted.ref.native_id},
                                   {"name", spec.name}});
    }
  }
  if (!records.empty()) parts_.ledger.record_submits(lease, records);
  perform_releases(releases, leadership);
}

// The next cycle sees them released and records it with whatever else it sees: until then a release
// may be repeated, which is harmless, and one round trip is saved.
void Engine::perform_releases(const std::vector<Release>& releases, Leadership& leadership) {
  for (const auto& release : releases) {
    if (leadership.trusted_for_effect() <= std::chrono::milliseconds::zero()) return;
    auto* target = adapter(release.cluster);
    if (target == nullptr) continue;
    const auto done = target->release(release.key, release.ref);
    core::failpoint("engine.released");
    if (done.has_error()) {
      parts_.log("release_failed",
                 {{"run_key", release.key.text}, {"problem", done.error().message}});
    }
  }
}

void Engine::perform_rest(const Lease& lease, const Actions& actions, Leadership& leadership) {
  for (const auto& cancel : actions.cancel) {
    // What looks like an orphan may be what the next leader has just submitted.
    if (leadership.trusted_for_effect() <= std::chrono::milliseconds::zero()) return;
    auto* target = adapter(cancel.cluster);
    if (target == nullptr) continue;
    const auto done = target->cancel(cancel.key, cancel.ref, cancel.mode);
    core::failpoint("engine.cancelled");
    if (cancel.mode == scheduler_adapters::CancelMode::only_if_held &&
        done == scheduler_adapters::Cancelled::requested) {
      parts_.ledger.note(lease, "orphan_swept", cancel.key.text, {{"cluster", cancel.cluster}});
    }
  }
  for (const auto& done : actions.acknowledge) {
    // What looks like a leftover may be what the next leader begins.
    if (leadership.trusted_for_effect() <= std::chrono::milliseconds::zero()) return;
    if (auto* target = adapter(done.cluster)) target->acknowledge(done.key);
    core::failpoint("engine.acknowledged");
  }
}

}  // namespace amdahl::loop
