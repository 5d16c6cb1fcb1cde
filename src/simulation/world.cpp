#include "world.hpp"

#include <fmt/format.h>

namespace amdahl::simulation {

using enum FaultKind;

namespace {

constexpr std::int64_t wall_epoch_us = 1'700'000'000'000'000;
constexpr std::int64_t latency_us_max = 3'000;
constexpr std::int64_t stall_us_max = 6'000'000;  // four leases
constexpr std::int64_t step_us_max = 3'600'000'000;
constexpr std::int64_t outage_us_max = 5'000'000;

}  // namespace

World::World(Dice dice_, FaultPlan plan, Truth what_is_true)
    : dice{dice_},
      faults{std::move(plan)},
      truth{std::move(what_is_true)},
      scheduler{executor, dice.fork("scheduler"), truth} {}

void World::breaks(std::string invariant, std::string what) {
  if (!broken) broken = Broken{std::move(invariant), std::move(what)};
}

void World::happened(const Fault& fault, const std::string& process, std::string_view call) {
  if (is_crash(fault.kind)) ++crashes;
  if (is_stall(fault.kind)) ++stalls;
  trace.push_back(fmt::format("seam {} ({:.3f} s) {} {}: {}", fault.seam,
                              static_cast<double>(executor.now().count()) / 1e6, process, call,
                              name(fault.kind)));
}

// Half of what is out of order is so for this call only.
Executor::Time World::end_of_outage(const Fault& fault) const {
  auto stream = Dice{fault.dice}.fork("outage");
  if (stream.chance(0.5)) return executor.now();
  return executor.now() + Executor::Time{stream.between(0, outage_us_max)};
}

bool World::unreadable() const { return executor.now() < partial_until; }

bool World::hides(const core::RunKey& key) const {
  return Dice{partial_dice}.fork(key.text).chance(0.5);
}

void World::befall(const Fault& fault) {
  switch (fault.kind) {
    case loses_accepted:
      return scheduler.lose_last_accepted();
    case preempts:
      return scheduler.preempt(fault.dice);
    case requeues:
      return scheduler.requeue(fault.dice);
    case loses_node:
      return scheduler.lose_node(fault.dice);
    case stopped_by_somebody:
      return scheduler.stop_by_somebody(fault.dice);
    case purges:
      return scheduler.purge_ended();
    case history_down:
      history_down_until = end_of_outage(fault);
      return;
    case listing_partial:
      partial_until = end_of_outage(fault);
      partial_dice = fault.dice;
      return;
    case checkpoint:
      standby = ledger;
      return;
    case failover:
      if (!standby) return;
      // Renewals are no events: without them a follower may take over sooner than a lease lasts.
      lossy = lossy || standby->head.head_seq != ledger.head.head_seq ||
              standby->head.renew_seq != ledger.head.renew_seq;
      ledger = *standby;
      last_head = ledger.head;  // as it stood when somebody may have seen it long ago
      renewed_at = {};
      ++ledger_epoch;
      return;
    default:
      return;
  }
}

core::WallTime HostClock::now() {
  return core::WallTime{std::chrono::microseconds{wall_epoch_us + skew_us_} + executor_.now()};
}

void Program::stall(const Fault& fault) {
  stalled = true;
  auto dice = Dice{fault.dice};
  world.executor.pass(Executor::Time{dice.between(1'000, stall_us_max)});
}

std::optional<Fault> Program::enter(Seam seam, std::string_view call) {
  ++calls;
  stalled = false;
  auto fault = world.faults.at(seam);
  if (fault) {
    world.happened(*fault, name, call);
    world.befall(*fault);
    if (fault->kind == crash_before) throw Killed{};
    if (fault->kind == stall_before) stall(*fault);
    if (fault->kind == clock_step) {
      auto dice = Dice{fault->dice};
      clock.step(dice.between(-step_us_max, step_us_max));
    }
  }
  world.executor.pass(Executor::Time{world.dice.between(50, latency_us_max)});
  return fault;
}

void Program::leave(const std::optional<Fault>& fault) {
  if (fault && fault->kind == crash_after) throw Killed{};
  if (fault && fault->kind == stall_after) stall(*fault);
  world.executor.pass(Executor::Time{world.dice.between(50, latency_us_max)});
}

}  // namespace amdahl::simulation
