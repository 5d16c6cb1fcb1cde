#include "faults.hpp"

#include <array>
#include <span>

namespace amdahl::simulation {
namespace {

using enum FaultKind;

struct Possible {
  Seam seam;
  std::span<const FaultKind> kinds;
};

constexpr std::array halts{crash_before, crash_after, stall_before, stall_after};
constexpr std::array reading{crash_before, crash_after, stall_before, stall_after,
                             refused,      answer_lost, clock_step};
constexpr std::array writing{crash_before, crash_after, stall_before, stall_after, refused,
                             cut,          answer_lost, crash_after,  answer_lost};
constexpr std::array submitting{crash_before,   crash_after, stall_before,   stall_after,
                                request_lost,   answer_lost, request_late,   answered_error,
                                loses_accepted, queue_full,  answered_error, crash_after};
constexpr std::array releasing{crash_before, crash_after,  stall_before,   stall_after,
                               answer_lost,  request_lost, loses_accepted, blind};
constexpr std::array listing{crash_before, stall_after, listing_partial, listing_stale,
                             blind,        preempts,    requeues,        loses_node,
                             purges,       purges,      loses_accepted,  stopped_by_somebody};
constexpr std::array finding{crash_before, stall_after, blind, history_down, history_down};
constexpr std::array cancelling{crash_before, crash_after, stall_before, answer_lost, request_lost};
constexpr std::array fetching{crash_before, crash_after, stall_after};

constexpr std::array<Possible, 8> possible{{{Seam::ledger_read, reading},
                                            {Seam::ledger_write, writing},
                                            {Seam::submit, submitting},
                                            {Seam::release, releasing},
                                            {Seam::list, listing},
                                            {Seam::find, finding},
                                            {Seam::cancel, cancelling},
                                            {Seam::fetch, fetching}}};

constexpr bool is_ledger(Seam seam) {
  return seam == Seam::ledger_read || seam == Seam::ledger_write;
}

constexpr std::uint64_t first_halt_by = 80;

}  // namespace

bool is_crash(FaultKind kind) { return kind == crash_before || kind == crash_after; }
bool is_stall(FaultKind kind) { return kind == stall_before || kind == stall_after; }

FaultPlan::FaultPlan(Dice dice, Weather weather) : dice_{dice}, weather_{weather} {
  first_halt_ = 5 + dice_->next() % first_halt_by;
  if (weather.failover) {
    checkpoint_ = 20 + dice_->next() % (weather.calm_from / 2);
    failover_ = checkpoint_ + 1 + dice_->next() % 40;
  }
}

FaultPlan::FaultPlan(std::vector<Fault> again, Weather weather) : weather_{weather} {
  for (const auto& fault : again) again_.emplace(fault.seam, fault);
}

std::optional<FaultKind> FaultPlan::draw(Seam seam) {
  // Each draw is made whether it is used or not, so that one decision moves no other.
  const bool goes_wrong = dice_->chance(weather_.rate);
  const auto pick = dice_->next();
  if (seams_ >= weather_.calm_from) return std::nullopt;
  if (seams_ == first_halt_) return halts[pick % halts.size()];
  if (weather_.failover && seams_ == checkpoint_) return checkpoint;
  if (weather_.failover && seams_ == failover_) return failover;
  if (!goes_wrong) return std::nullopt;
  const auto kinds = possible[static_cast<std::size_t>(seam)].kinds;
  const auto kind = kinds[pick % kinds.size()];
  const bool wanted = is_crash(kind) || is_stall(kind) ||
                      (is_ledger(seam) ? weather_.ledger_faults : weather_.scheduler_faults);
  return wanted ? std::optional{kind} : std::nullopt;
}

std::optional<Fault> FaultPlan::at(Seam seam) {
  ++seams_;
  std::optional<Fault> fault;
  if (dice_) {
    const auto kind = draw(seam);
    const auto dice = dice_->next();
    if (kind) fault = Fault{seams_, *kind, dice};
  } else if (const auto it = again_.find(seams_); it != again_.end()) {
    fault = it->second;
  }
  if (fault) happened_.push_back(*fault);
  return fault;
}

std::string_view name(FaultKind kind) {
  switch (kind) {
    case crash_before:
      return "crash before";
    case crash_after:
      return "crash after";
    case stall_before:
      return "stall before";
    case stall_after:
      return "stall after";
    case refused:
      return "ledger unreachable";
    case cut:
      return "connection cut before the call arrived";
    case answer_lost:
      return "answer lost";
    case checkpoint:
      return "standby replayed up to here";
    case failover:
      return "standby promoted";
    case request_lost:
      return "request lost";
    case request_late:
      return "request arrives late";
    case answered_error:
      return "accepted, answered with an error";
    case queue_full:
      return "queue full";
    case listing_partial:
      return "listing partial";
    case listing_stale:
      return "listing stale";
    case blind:
      return "scheduler silent";
    case history_down:
      return "accounting down";
    case loses_accepted:
      return "controller restarted without its last job, ids reused";
    case preempts:
      return "run preempted";
    case requeues:
      return "run requeued";
    case loses_node:
      return "node lost";
    case stopped_by_somebody:
      return "run stopped by somebody";
    case purges:
      return "records purged";
    case clock_step:
      return "wall clock stepped";
  }
  return "?";
}

}  // namespace amdahl::simulation
