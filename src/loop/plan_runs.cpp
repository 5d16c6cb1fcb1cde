#include <fmt/format.h>

#include <algorithm>

#include "observed.hpp"
#include "plan_context.hpp"

// What becomes of each live worker run, given what its scheduler shows (ledger.md §2, schedulers.md
// §2).

namespace amdahl::loop {
namespace {

using core::CauseClass;
using core::PairState;
using core::RunOutcome;
using core::RunState;
using ledger::RecordRun;
using ledger::RunRow;
using scheduler_adapters::Found;
using scheduler_adapters::Observation;

core::RunSpec spec_of(const PlanContext& context, const RunRow& run) {
  if (run.production) return *run.production;
  const auto* experiment = context.experiment(run.experiment);
  const auto* pair = context.pair(run.pair);
  return core::make_run_spec(experiment->protocol, fmt::format("EXP-{}", experiment->id.value),
                             pair->check_no, pair->index, pair->coin, run.key);
}

bool has_plan(const PlanContext& context, const RunRow& run) {
  return run.production ||
         (context.experiment(run.experiment) != nullptr && context.pair(run.pair) != nullptr);
}

void submit(PlanContext& context, const RunRow& run) {
  if (!has_plan(context, run)) return;
  context.actions.submit.push_back({run.id, run.cluster, spec_of(context, run)});
}

// Charged from allocation to release, for the whole allocation. What is not known costs what was
// set aside for it: missing data is no zero, and a budget errs on the side of the cluster.
double charge_us(const core::RunSpec& spec, const RunRow& run, std::int64_t start_us,
                 std::int64_t end_us) {
  if (start_us <= 0 || end_us < start_us) return run.gpu_us_reserved;
  return static_cast<double>(std::max<std::int64_t>(spec.allocation.gpus, 1)) *
         static_cast<double>(end_us - start_us);
}

// An end without usable measurements: void, unless no leg can have started. Then the pair stays
// open without a run, and plan_experiments gives it another attempt.
void end_without_result(PlanContext& context, const RunRow& run, RecordRun record,
                        bool may_have_started) {
  const bool retry = !may_have_started && !run.cancel_requested && !run.production &&
                     run.attempt < core::limits::attempts_max && record.cause == CauseClass::infra;
  record.pair = retry || run.production ? PairState::open : PairState::void_;
  if (!retry) {
    record.void_reason = fmt::format("{}: {}", core::name(record.cause), record.reason);
  }
  context.actions.record_runs.push_back(std::move(record));
}

void record_production(PlanContext& context, const RunRow& run, const core::RunResult& result) {
  if (!run.production || result.legs.empty()) return;
  const auto& leg = result.legs.front();
  ledger::ProductionRun production;
  production.cluster = run.cluster;
  production.native_id = run.key.text;
  production.submitted_at_us = run.native_at_us;
  production.job = run.job;
  production.start_us = leg.start_us;
  production.end_us = leg.start_us + leg.window_us;
  production.gpus = leg.gpus;
  production.state = leg.exit_code.value_or(1) == 0 && leg.units ? "succeeded" : "failed";
  production.units = leg.units;
  production.champion = production.state == "succeeded";
  context.actions.record_production.push_back(std::move(production));
}

void end_with_result(PlanContext& context, const RunRow& run, const Observation& seen,
                     const core::RunResult& result) {
  RecordRun record;
  record.run = run.id;
  record.state = RunState::ended;
  record.outcome = seen.outcome.value_or(RunOutcome::succeeded);
  record.cause = seen.cause;
  record.reason = result.problem.empty() ? seen.reason : result.problem;
  record.nodes = seen.nodes;
  record.legs = result.legs;
  const auto spec = spec_of(context, run);
  const bool never_allocated = result.cancelled && result.start_us == 0 && result.legs.empty();
  if (!never_allocated)
    record.gpu_us_charged = charge_us(spec, run, result.start_us, result.end_us);
  // Whoever stops a run that no shim holds writes its end without having read the specification.
  const bool names_none = never_allocated && result.spec_sha.empty();
  if (!names_none && result.spec_sha != core::spec_sha(spec)) {
    record.cause = CauseClass::infra;
    record.reason = "the result belongs to another specification";
    record.legs.clear();
    record.gpu_us_charged = run.gpu_us_reserved;
    return end_without_result(context, run, std::move(record), true);
  }
  // A shim cannot tell who stopped it; its scheduler can, where it was not a person.
  const bool explained = seen.cause == CauseClass::infra || seen.cause == CauseClass::policy;
  if (result.cancelled && !explained) {
    record.outcome = RunOutcome::cancelled;
    record.cause = CauseClass::operator_;
    record.reason = "stopped on request";
  }
  if (result.cancelled) {
    return end_without_result(context, run, std::move(record), true);
  }
  const std::size_t legs = run.production ? 1 : 2;
  if (!result.problem.empty() || result.legs.size() != legs || seen.tainted) {
    record.cause = CauseClass::infra;
    if (record.reason.empty()) {
      record.reason = seen.tainted ? "suspended or requeued on the way" : "the result lacks an arm";
    }
    const bool started = std::any_of(result.legs.begin(), result.legs.end(),
                                     [](const auto& leg) { return leg.started; });
    return end_without_result(context, run, std::move(record), started);
  }
  record.outcome = RunOutcome::succeeded;
  record.cause = CauseClass::app;
  record.pair = run.production ? PairState::open : PairState::complete;
  context.actions.record_runs.push_back(std::move(record));
  record_production(context, run, result);
}

void end(PlanContext& context, const ClusterView& cluster, const RunRow& run,
         const Observation& seen) {
  const auto it = cluster.results.find(run.key);
  if (it != cluster.results.end() && it->second.has_value()) {
    return end_with_result(context, run, seen, *it->second);
  }
  RecordRun record;
  record.run = run.id;
  record.state = RunState::ended;
  record.outcome = seen.outcome.value_or(RunOutcome::lost);
  record.cause = seen.cause == CauseClass::none ? CauseClass::infra : seen.cause;
  record.reason = !seen.reason.empty()          ? seen.reason
                  : it != cluster.results.end() ? it->second.error().message
                                                : "ended without a result";
  record.nodes = seen.nodes;
  if (seen.claimed || seen.started_at_us > 0) {
    record.gpu_us_charged =
        charge_us(spec_of(context, run), run, seen.started_at_us, seen.ended_at_us);
  }
  end_without_result(context, run, std::move(record), seen.claimed);
}

// Something has it that has no id yet: a shim between its lock and its record. Nothing can be
// recorded of it but its end.
void await_id(PlanContext& context, const ClusterView& cluster, const RunRow& run,
              const Observation& seen) {
  if (seen.state == RunState::ended) return end(context, cluster, run, seen);
  context.wait_for(fmt::format("{}: its scheduler has not named it yet", run.key.text));
}

void follow(PlanContext& context, const ClusterView& cluster, const RunRow& run,
            const Observation& seen) {
  auto& actions = context.actions;
  if (run.state == RunState::submitting) {
    if (seen.ref.native_id.empty()) return await_id(context, cluster, run, seen);
    // The submit happened although its answer was lost, or it was never recorded: adopt it.
    actions.adopt.push_back({run.id, ledger::RecordSubmit::Kind::accepted, seen.ref.native_id,
                             seen.ref.submitted_at_us, "adopted"});
    return;
  }
  if (seen.state == RunState::ended) return end(context, cluster, run, seen);
  if (run.cancel_requested) {
    actions.cancel.push_back(
        {run.cluster, run.key, seen.ref, scheduler_adapters::CancelMode::stop});
    return;
  }
  if (seen.held_by_us) {
    actions.release.push_back({run.id, run.cluster, run.key, seen.ref});
    return;
  }
  if (core::may_follow(run.state, seen.state) || !run.released) {
    RecordRun record;
    record.run = run.id;
    record.state = core::may_follow(run.state, seen.state) ? seen.state : run.state;
    record.reason = seen.reason;
    record.nodes = seen.nodes;
    record.released = true;
    actions.record_runs.push_back(std::move(record));
  }
}

RecordRun missed(const RunRow& run) {
  RecordRun record;
  record.run = run.id;
  record.state = run.state;
  record.misses = run.misses + 1;
  return record;
}

// A submit in doubt: whether it may be sent again. The quiet period counts from the first look of a
// leader that found nothing, for only then whatever was to be sent had been.
bool may_submit_again(PlanContext& context, const ClusterView& cluster, const RunRow& run,
                      bool authoritative) {
  const auto quiet_us = std::chrono::microseconds{cluster.caps.quiet_period}.count();
  if (authoritative && run.absent_since_us == 0) {
    context.actions.record_runs.push_back(missed(run));
    context.actions.work_remains = true;
    return false;
  }
  if (authoritative && context.snapshot.now_us - run.absent_since_us >= quiet_us) return true;
  context.wait_for(fmt::format("{}: whether its submit arrived is not known yet", run.key.text));
  return false;
}

// Of a recorded run also where a namesake was found: that one is not exchanged for it.
bool surely_absent(const ClusterView& cluster, const RunRow& run) {
  const auto it = cluster.found.find(run.key);
  if (it == cluster.found.end()) return false;
  return it->second.found == Found::not_found_authoritative ||
         (it->second.found == Found::found && it->second.whole && !run.native_id.empty());
}

// Absence from a complete listing and from history both: still only counted, until it is certain.
void missing(PlanContext& context, const ClusterView& cluster, const RunRow& run) {
  const bool authoritative = surely_absent(cluster, run);
  if (run.state == RunState::submitting) {
    if (!may_submit_again(context, cluster, run, authoritative)) return;
    if (!run.cancel_requested) return submit(context, run);
  } else if (!authoritative) {
    return;
  }
  auto record = missed(run);
  if (record.misses < context.settings.misses_max && run.state != RunState::submitting) {
    context.actions.record_runs.push_back(std::move(record));
    return;
  }
  record.state = RunState::ended;
  record.misses.reset();
  record.outcome = run.cancel_requested ? RunOutcome::cancelled : RunOutcome::lost;
  record.cause = run.cancel_requested ? CauseClass::operator_ : CauseClass::infra;
  record.reason = "the scheduler and its history do not know it";
  // Recorded means that it may have been released: what it did then is unknown, not nothing.
  const bool may_have_started = run.state >= RunState::submitted;
  if (may_have_started) record.gpu_us_charged = run.gpu_us_reserved;
  end_without_result(context, run, std::move(record), may_have_started);
}

void cancel_planned(PlanContext& context, const RunRow& run) {
  RecordRun record;
  record.run = run.id;
  record.state = RunState::ended;
  record.outcome = RunOutcome::cancelled;
  record.cause = CauseClass::operator_;
  record.reason = "stopped before it was submitted";
  end_without_result(context, run, std::move(record), false);
}

}  // namespace

void plan_runs(PlanContext& context) {
  for (const auto& run : context.snapshot.live_runs) {
    const auto* cluster = context.cluster(run.cluster);
    if (cluster == nullptr) {
      context.wait_for(fmt::format("cluster {} is not configured here", run.cluster));
      continue;
    }
    if (!has_plan(context, run)) continue;
    if (run.state == RunState::planned) {
      if (run.cancel_requested) {
        cancel_planned(context, run);
      } else if (cluster->listing.complete) {
        submit(context, run);
      } else {
        context.wait_for(fmt::format("cluster {}: {}", run.cluster, cluster->listing.problem));
      }
      continue;
    }
    if (const auto* seen = observed(*cluster, run)) {
      follow(context, *cluster, run, *seen);
    } else if (cluster->listing.complete) {
      missing(context, *cluster, run);
    }
  }
}

namespace {

// Whether the ledger waits for this very submission. A second one of a recorded run is an orphan.
bool is_awaited(const PlanContext& context, const Observation& seen) {
  const auto& runs = context.snapshot.live_runs;
  const auto run =
      std::find_if(runs.begin(), runs.end(), [&](const auto& row) { return row.key == seen.key; });
  if (run == runs.end()) return false;
  return run->native_id.empty() || is_recorded(*run, seen) || !seen.held_by_us;
}

}  // namespace

void plan_orphans(PlanContext& context) {
  for (const auto& [name, cluster] : context.view.clusters) {
    for (const auto& seen : cluster.listing.runs) {
      if (is_awaited(context, seen)) continue;
      if (seen.state == RunState::ended) {
        context.actions.acknowledge.push_back({name, seen.key});
      } else if (seen.held_by_us) {
        context.actions.cancel.push_back(
            {name, seen.key, seen.ref, scheduler_adapters::CancelMode::only_if_held});
      } else {
        context.wait_for(
            fmt::format("{} runs on {} although the ledger does not await it: it is left alone",
                        seen.key.text, name));
      }
    }
    for (const auto& key : cluster.listing.leftovers) {
      const auto& runs = context.snapshot.live_runs;
      const bool awaited =
          std::any_of(runs.begin(), runs.end(), [&](const auto& run) { return run.key == key; });
      if (!awaited) context.actions.acknowledge.push_back({name, key});
    }
  }
}

}  // namespace amdahl::loop
