#include "scheduler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"

namespace amdahl::simulation {

using core::CauseClass;
using core::RunOutcome;
using core::RunState;
using scheduler_adapters::Cancelled;
using scheduler_adapters::CancelMode;
using scheduler_adapters::Observation;
using State = NativeJob::State;

namespace {

constexpr std::int64_t epoch_us = 1'700'000'000'000'000;  // any day will do

Observation observe(const NativeJob& job) {
  Observation seen;
  seen.key = job.spec.key;
  seen.ref = {job.native_id, job.submitted_at_us};
  seen.held_by_us = job.state == State::held;
  seen.state = job.state == State::ended     ? RunState::ended
               : job.state == State::running ? RunState::running
                                             : RunState::queued;
  seen.outcome = job.outcome;
  seen.cause = job.cause;
  seen.reason = job.reason;
  seen.tainted = job.tainted;
  seen.claimed = job.claimed;
  seen.nodes = job.nodes;
  seen.started_at_us = job.started_us;
  seen.ended_at_us = job.ended_us;
  seen.witness = job.spec.witness;
  return seen;
}

core::RunResult result_of(const NativeJob& job) {
  core::RunResult result;
  result.key = job.spec.key;
  result.spec_sha = core::spec_sha(job.spec);
  result.node = "n1";
  result.start_us = job.started_us;
  result.end_us = job.ended_us;
  result.witness = job.spec.witness;
  return result;
}

}  // namespace

SimulatedScheduler::SimulatedScheduler(Executor& executor, Dice dice, const Truth& truth)
    : executor_{executor}, dice_{dice}, truth_{truth} {}

std::int64_t SimulatedScheduler::wall_us() const { return epoch_us + executor_.now().count(); }

void SimulatedScheduler::due(NativeJob& job, Executor::Time after,
                             void (SimulatedScheduler::*step)(NativeJob&)) {
  const auto life = job.life;
  executor_.at(executor_.now() + after, [this, &job, life, step] {
    if (job.life == life) (this->*step)(job);
  });
}

NativeJob& SimulatedScheduler::submit_held(const core::RunSpec& spec) {
  auto& job = jobs_.emplace_back();
  job.native_id = std::to_string(next_id_++);
  job.spec = spec;
  job.submitted_at_us = wall_us();
  job.landed_at = executor_.now();
  if (on_landed) on_landed(job);
  return job;
}

void SimulatedScheduler::submit_later(const core::RunSpec& spec, Executor::Time after) {
  executor_.at(executor_.now() + after, [this, spec] { submit_held(spec); });
}

NativeJob* SimulatedScheduler::by_id(const std::string& native_id, const core::RunKey& key) {
  // Ids are used again: the newest of that id, and only when it carries our name.
  const auto it = std::find_if(jobs_.rbegin(), jobs_.rend(), [&](const auto& job) {
    return job.native_id == native_id && !job.forgotten && job.spec.key == key;
  });
  return it == jobs_.rend() ? nullptr : &*it;
}

bool SimulatedScheduler::release(const std::string& native_id, const core::RunKey& key) {
  auto* job = by_id(native_id, key);
  if (job == nullptr) return false;
  if (job->state != State::held) return true;
  job->state = State::pending;
  if (on_released) on_released(*job);
  due(*job, Executor::Time{dice_.between(1'000, 120'000)}, &SimulatedScheduler::start);
  return true;
}

Cancelled SimulatedScheduler::cancel(const std::string& native_id, const core::RunKey& key,
                                     CancelMode mode) {
  auto* job = by_id(native_id, key);
  if (job == nullptr) return Cancelled::not_visible;
  if (job->state == State::ended) return Cancelled::already_ended;
  if (mode == CancelMode::only_if_held && job->state != State::held) return Cancelled::failed;
  const bool ran = job->state == State::running;
  end(*job, RunOutcome::cancelled, CauseClass::operator_, "cancelled on request");
  if (ran && job->claimed) {
    auto result = result_of(*job);
    result.cancelled = true;
    directories_[key.text].result = core::canonical_json(core::to_json(result));
  }
  return Cancelled::requested;
}

void SimulatedScheduler::start(NativeJob& job) {
  if (job.state != State::pending) return;
  job.state = State::running;
  job.nodes = {"n1"};
  job.started_us = wall_us();
  ++job.life;
  if (on_started) on_started(job);
  auto& directory = directories_[job.spec.key.text];
  if (!directory.claim.empty()) {
    // The shim's first act finds the claim taken, by another submission or by its own earlier life.
    return end(job, RunOutcome::launch_failed, CauseClass::infra, "the claim is taken: duplicate");
  }
  directory.claim = job.native_id;
  job.claimed = true;
  executions_[job.spec.key.text].push_back(job.native_id);
  auto at_us = job.started_us + 1'000;
  for (const auto& spec : job.spec.legs) {
    auto& leg = job.legs.emplace_back(truth_.leg(spec, dice_));
    leg.start_us = at_us;
    at_us += leg.window_us;
  }
  due(job, Executor::Time{at_us + 1'000 - job.started_us}, &SimulatedScheduler::finish);
}

void SimulatedScheduler::finish(NativeJob& job) {
  if (job.state != State::running) return;
  job.measured = true;
  end(job, RunOutcome::succeeded, CauseClass::none, "");
  auto result = result_of(job);
  result.legs = job.legs;
  directories_[job.spec.key.text].result = core::canonical_json(core::to_json(result));
}

void SimulatedScheduler::end(NativeJob& job, RunOutcome outcome, CauseClass cause,
                             std::string reason) {
  job.state = State::ended;
  job.ended_us = wall_us();
  job.outcome = outcome;
  job.cause = cause;
  job.reason = std::move(reason);
  ++job.life;
}

std::vector<Observation> SimulatedScheduler::live_records() const {
  std::vector<Observation> seen;
  for (const auto& job : jobs_) {
    if (!job.purged && !job.forgotten) seen.push_back(observe(job));
  }
  return seen;
}

std::vector<Observation> SimulatedScheduler::records_of(const core::RunKey& key,
                                                        bool with_history) const {
  std::vector<Observation> seen;
  for (const auto& job : jobs_) {
    if (job.spec.key == key && !job.forgotten && (with_history || !job.purged))
      seen.push_back(observe(job));
  }
  return seen;
}

const RunDirectory* SimulatedScheduler::directory(const core::RunKey& key) const {
  const auto it = directories_.find(key.text);
  return it == directories_.end() ? nullptr : &it->second;
}

void SimulatedScheduler::acknowledge(const core::RunKey& key) {
  for (auto& job : jobs_) {
    if (job.spec.key == key && job.state == State::ended) job.forgotten = true;
  }
}

void SimulatedScheduler::lose_last_accepted() {
  if (jobs_.empty() || jobs_.back().state == State::ended || jobs_.back().claimed) return;
  auto& job = jobs_.back();
  job.state = State::ended;
  job.forgotten = true;
  ++job.life;
  next_id_ = std::stoll(job.native_id);
}

NativeJob* SimulatedScheduler::running(std::uint64_t dice) {
  std::vector<NativeJob*> all;
  for (auto& job : jobs_) {
    if (job.state == State::running) all.push_back(&job);
  }
  return all.empty() ? nullptr : all[dice % all.size()];
}

// A shim that is asked to end writes what its legs had come to by then, if it is given the time.
void SimulatedScheduler::cut_short(NativeJob& job, std::uint64_t dice) {
  if (job.claimed && Dice{dice}.fork("result").chance(0.5)) {
    auto result = result_of(job);
    result.end_us = wall_us();
    result.problem = "the run was cut short";
    for (auto leg : job.legs) {
      if (leg.start_us > result.end_us) break;
      if (leg.start_us + leg.window_us > result.end_us) {
        leg.window_us = result.end_us - leg.start_us;
        leg.exit_code.reset();
        leg.units.reset();
        leg.problem = "it was stopped";
      }
      result.legs.push_back(std::move(leg));
    }
    directories_[job.spec.key.text].result = core::canonical_json(core::to_json(result));
  }
  end(job, RunOutcome::preempted, CauseClass::infra, "preempted");
}

void SimulatedScheduler::preempt(std::uint64_t dice) {
  if (auto* job = running(dice)) cut_short(*job, dice);
}

void SimulatedScheduler::requeue(std::uint64_t dice) {
  if (auto* job = running(dice)) {
    job->tainted = true;
    if (Dice{dice}.fork("suspended").chance(0.5)) return;  // and resumed: it goes on
    job->state = State::pending;
    ++job->life;
    due(*job, Executor::Time{50'000}, &SimulatedScheduler::start);
  }
}

void SimulatedScheduler::lose_node(std::uint64_t dice) {
  if (auto* job = running(dice))
    end(*job, RunOutcome::node_failed, CauseClass::infra, "its node is gone");
}

void SimulatedScheduler::stop_by_somebody(std::uint64_t dice) {
  if (auto* job = running(dice))
    end(*job, RunOutcome::cancelled, CauseClass::operator_, "cancelled by uid 1000");
}

void SimulatedScheduler::purge_ended() {
  for (auto& job : jobs_) job.purged = job.purged || job.state == State::ended;
}

bool SimulatedScheduler::busy() const {
  return std::any_of(jobs_.begin(), jobs_.end(),
                     [](const auto& job) { return job.state != State::ended; });
}

std::int64_t SimulatedScheduler::gpu_us() const {
  std::int64_t sum = 0;
  for (const auto& job : jobs_) {
    if (job.started_us == 0) continue;
    const auto until = job.state == State::ended ? job.ended_us : wall_us();
    sum += std::max<std::int64_t>(job.spec.allocation.gpus, 1) * (until - job.started_us);
  }
  return sum;
}

}  // namespace amdahl::simulation
