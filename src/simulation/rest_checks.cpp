#include "rest_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace amdahl::simulation {

using core::Arm;
using core::ExperimentState;
using core::PairState;
using core::RunOutcome;
using core::RunState;

namespace {

const NativeJob* job_of(const World& world, const MemoryRun& run) {
  const auto& jobs = world.scheduler.jobs();
  const auto it = std::find_if(jobs.begin(), jobs.end(), [&](const auto& job) {
    return job.spec.key == run.key && job.native_id == run.native_id &&
           job.submitted_at_us == run.native_at_us;
  });
  return it == jobs.end() ? nullptr : &*it;
}

bool same_legs(const std::vector<core::LegResult>& a, const std::vector<core::LegResult>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.arm == y.arm && x.window_us == y.window_us && x.exit_code == y.exit_code;
  });
}

void check_complete(World& world, const MemoryPair& pair) {
  const auto& run = *world.ledger.run(pair.run);
  const auto* job = job_of(world, run);
  if (job == nullptr || !job->measured || job->tainted || !same_legs(pair.legs, job->legs)) {
    world.breaks("a complete pair was measured",
                 fmt::format("pair {} of EXP-{} counts what run {} did not measure", pair.index,
                             pair.experiment.value, run.key.text));
    return;
  }
  const auto first = pair.coin == 1 ? Arm::variant : Arm::baseline;
  if (pair.legs.empty() || pair.legs.front().arm != first || pair.ran_first != first) {
    world.breaks("the coin decides the order", fmt::format("pair {} of EXP-{} ran the other way",
                                                           pair.index, pair.experiment.value));
  }
}

void check_void(World& world, const MemoryPair& pair) {
  for (const auto& run : world.ledger.runs) {
    if (run.pair != pair.id || run.cancel_requested || run.state != RunState::ended) continue;
    const auto* job = job_of(world, run);
    if (job == nullptr || !job->measured || job->tainted || job->forgotten) continue;
    world.breaks("no measured pair is dropped",
                 fmt::format("pair {} of EXP-{} is void ({}) although {} measured it", pair.index,
                             pair.experiment.value, pair.void_reason, run.key.text));
  }
}

}  // namespace

void check_executions(World& world) {
  for (const auto& [key, ids] : world.scheduler.executions()) {
    if (ids.size() > 1) {
      world.breaks("a run executes at most once",
                   fmt::format("{} was executed by {}", key, fmt::join(ids, " and ")));
    }
    if (world.lossy) continue;
    for (const auto& run : world.ledger.runs) {
      if (run.key.text == key && run.native_id != ids.front()) {
        world.breaks("the id that ran is recorded",
                     fmt::format("{} was executed by job {}, the ledger has `{}`", key, ids.front(),
                                 run.native_id));
      }
    }
  }
}

// Attempts are for runs that did not begin.
void check_attempts(World& world) {
  if (world.lossy) return;
  std::map<std::int64_t, std::string> began;
  for (const auto& run : world.ledger.runs) {
    const auto& jobs = world.scheduler.jobs();
    const bool leg_began = std::any_of(jobs.begin(), jobs.end(), [&](const auto& job) {
      return job.spec.key == run.key && !job.legs.empty() &&
             job.legs.front().start_us <= job.ended_us;
    });
    if (!run.pair || !leg_began) continue;
    const auto [it, first] = began.emplace(run.pair.value, run.key.text);
    if (!first) {
      world.breaks(
          "a pair that began is not run again",
          fmt::format("pair {} was run as {} and as {}", run.pair.value, it->second, run.key.text));
    }
  }
}

// How a run ended is what its own job did, not one with its id or its name.
void check_ends(World& world) {
  if (world.lossy) return;
  for (const auto& run : world.ledger.runs) {
    if (!run.outcome || run.outcome == RunOutcome::lost || run.outcome == RunOutcome::cancelled)
      continue;
    const auto* job = job_of(world, run);
    if (job != nullptr && !job->outcome) {
      world.breaks("a run ends as its job did",
                   fmt::format("{} is {} though job {} never ended so", run.key.text,
                               core::name(*run.outcome), job->native_id));
    }
  }
}

void check_nothing_left(World& world) {
  if (world.lossy) return;
  for (const auto& job : world.scheduler.jobs()) {
    if (job.state == NativeJob::State::ended) continue;
    world.breaks("no orphan is left",
                 fmt::format("job {} of {} is still {}", job.native_id, job.spec.key.text,
                             job.state == NativeJob::State::held ? "held" : "there"));
  }
  for (const auto id : world.ledger.live_runs) {
    world.breaks("every run ends", world.ledger.run(core::RunId{id})->key.text + " is live");
  }
}

void check_pairs(World& world) {
  if (world.lossy) return;
  for (const auto& pair : world.ledger.pairs) {
    if (pair.state == PairState::complete) check_complete(world, pair);
    if (pair.state == PairState::void_) check_void(world, pair);
  }
}

void check_sums(World& world) {
  const auto& state = world.ledger;
  std::int64_t spent = 0, banked = 0;
  for (const auto& run : state.runs) {
    if (run.experiment && run.state == RunState::ended) spent += run.gpu_us_charged;
    const auto* job = job_of(world, run);
    if (world.lossy || job == nullptr || job->started_us == 0 || run.state != RunState::ended)
      continue;
    // Charged for the whole allocation, to the microsecond where it is known, else the reservation.
    const auto gpus = std::max<std::int64_t>(job->spec.allocation.gpus, 1);
    if (run.gpu_us_charged < gpus * (job->ended_us - job->started_us)) {
      world.breaks("what ran is charged",
                   fmt::format("{} ran {} µs on {} GPUs and cost {} GPU-µs", run.key.text,
                               job->ended_us - job->started_us, gpus, run.gpu_us_charged));
    }
  }
  for (const auto& entry : state.bank) banked += entry.gpu_us;
  if (spent != state.spent_gpu_us || banked != state.banked_gpu_us) {
    world.breaks("the sums are those of the rows",
                 fmt::format("spent {} of {}, banked {} of {}", state.spent_gpu_us, spent,
                             state.banked_gpu_us, banked));
  }
  std::set<std::pair<std::int64_t, std::int64_t>> credited;
  for (const auto& entry : state.bank) {
    if (!credited.emplace(entry.experiment.value, entry.production).second)
      world.breaks("hours are banked once", fmt::format("bank entry {} again", entry.id));
  }
}

void check_events(World& world) {
  std::set<std::pair<std::string, std::string>> once;
  std::set<std::string> ended, closed, decided;
  for (const auto& event : world.ledger.events) {
    const bool transition = event.kind == "run_ended" || event.kind == "verdict_recorded" ||
                            event.kind == "pair_completed" || event.kind == "pair_voided" ||
                            event.kind == "experiment_registered" ||
                            event.kind == "run_submitted" || event.kind == "experiment_aborted" ||
                            event.kind == "run_planned";
    if (transition && !once.emplace(event.kind, event.ref).second)
      world.breaks("each transition is one event", event.kind + " of " + event.ref + " twice");
    if (event.kind == "run_ended") ended.insert(event.ref);
    if (event.kind == "pair_completed" || event.kind == "pair_voided") closed.insert(event.ref);
    if (event.kind == "verdict_recorded") decided.insert(event.ref);
  }
  const auto agrees = [&](bool row, const std::set<std::string>& events, const std::string& ref) {
    if (row != events.contains(ref))
      world.breaks("the tables are the fold of the events", ref + " differs");
  };
  for (const auto& run : world.ledger.runs)
    agrees(run.state == RunState::ended, ended, fmt::format("run-{}", run.id.value));
  for (const auto& row : world.ledger.experiments)
    agrees(row.verdict.has_value(), decided, fmt::format("exp-{}", row.id.value));
  for (const auto& pair : world.ledger.pairs) {
    if (pair.state == PairState::complete)
      agrees(true, closed, fmt::format("pair-{}", pair.id.value));
  }
}

}  // namespace amdahl::simulation
