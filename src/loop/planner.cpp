#include "amdahl/loop/planner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plan_context.hpp"

namespace amdahl::loop {
namespace {

constexpr double us_per_gpu_hour = 3600e6;

}  // namespace

core::Resources allocation_of(const core::Protocol& protocol) {
  return core::enclosing(protocol.baseline.resources, protocol.variant.resources);
}

double reserve_us(const core::JobSpec& job, const core::Resources& allocation, int legs) {
  const auto limit_us = static_cast<double>(job.time_limit.count()) * 1e3;
  return static_cast<double>(std::max<std::int64_t>(allocation.gpus, 1)) * limit_us * legs;
}

Room::Room(const ledger::Snapshot& snapshot, const View& view, const Settings& settings)
    : share_{settings.fleet_share},
      runs_left_{std::min(settings.concurrent_runs, core::limits::live_runs_max) -
                 static_cast<int>(snapshot.live_runs.size())},
      budget_us_left_{settings.gpu_hours_per_day * us_per_gpu_hour - snapshot.gpu_us_reserved -
                      snapshot.gpu_us_charged_today} {
  for (const auto& [name, cluster] : view.clusters) {
    auto& room = clusters_[name];
    room.unseen = cluster.unseen;
    if (!cluster.capacity) continue;
    room.known = true;
    room.total = room.free = *cluster.capacity;
    room.free.gpus =
        static_cast<std::int64_t>(std::floor(static_cast<double>(room.total.gpus) * share_));
  }
  for (const auto& run : snapshot.live_runs) {
    const auto it = clusters_.find(run.cluster);
    if (it == clusters_.end()) continue;
    core::Resources used;
    if (run.production) used = run.production->allocation;
    for (const auto& experiment : snapshot.experiments) {
      if (experiment.id == run.experiment) used = allocation_of(experiment.protocol);
    }
    it->second.free.gpus -= used.gpus;
    it->second.free.cpus -= used.cpus;
    it->second.free.memory_bytes -= used.memory_bytes;
    it->second.empty = false;
  }
}

bool Room::sees(const std::string& cluster, std::string& why) const {
  const auto it = clusters_.find(cluster);
  if (it == clusters_.end()) {
    why = fmt::format("cluster {} is not configured", cluster);
  } else if (!it->second.known) {
    const auto& unseen = it->second.unseen;
    why = fmt::format("cluster {} cannot be seen{}{}", cluster, unseen.empty() ? "" : ": ", unseen);
  } else {
    return true;
  }
  return false;
}

bool Room::take(const std::string& cluster, const core::Resources& allocation, double gpu_us,
                std::string& why) {
  if (!sees(cluster, why)) return false;
  if (runs_left_ < 1) {
    why = "capacity: as many runs are live as the configuration allows";
  } else if (gpu_us > budget_us_left_) {
    why = fmt::format("budget: a run may cost {:.4f} GPU-hours and {:.4f} are left of today's",
                      gpu_us / us_per_gpu_hour, std::max(0.0, budget_us_left_) / us_per_gpu_hour);
  } else {
    auto& room = clusters_.at(cluster);
    const bool fits = allocation.gpus <= room.free.gpus && allocation.cpus <= room.free.cpus &&
                      allocation.memory_bytes <= room.free.memory_bytes;
    const bool alone_fits = room.empty && allocation.gpus <= room.total.gpus &&
                            allocation.cpus <= room.total.cpus &&
                            allocation.memory_bytes <= room.total.memory_bytes;
    if (fits || alone_fits) {
      room.free.gpus -= allocation.gpus;
      room.free.cpus -= allocation.cpus;
      room.free.memory_bytes -= allocation.memory_bytes;
      room.empty = false;
      --runs_left_;
      budget_us_left_ -= gpu_us;
      return true;
    }
    why = fmt::format("capacity: {} has {} GPUs, {} CPUs free and the run needs {} and {}", cluster,
                      std::max<std::int64_t>(0, room.free.gpus),
                      std::max<std::int64_t>(0, room.free.cpus), allocation.gpus, allocation.cpus);
  }
  return false;
}

const ledger::JobRow* PlanContext::job(core::JobId id) const {
  const auto it = std::find_if(snapshot.jobs.begin(), snapshot.jobs.end(),
                               [&](const auto& row) { return row.id == id; });
  return it == snapshot.jobs.end() ? nullptr : &*it;
}

const ledger::ExperimentRow* PlanContext::experiment(core::ExperimentId id) const {
  const auto it = std::find_if(snapshot.experiments.begin(), snapshot.experiments.end(),
                               [&](const auto& row) { return row.id == id; });
  return it == snapshot.experiments.end() ? nullptr : &*it;
}

const ledger::PairRow* PlanContext::pair(core::PairId id) const {
  for (const auto& row : snapshot.experiments) {
    for (const auto& candidate : row.pairs) {
      if (candidate.id == id) return &candidate;
    }
  }
  return nullptr;
}

const ClusterView* PlanContext::cluster(const std::string& name) const {
  const auto it = view.clusters.find(name);
  return it == view.clusters.end() ? nullptr : &it->second;
}

core::RunKey PlanContext::new_run_key(int attempt) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t half = 0; half < 2; ++half) {
    auto word = random.next();
    for (std::size_t i = 0; i < 8; ++i, word >>= 8U) {
      bytes[half * 8 + i] = static_cast<std::uint8_t>(word & 0xFFU);
    }
  }
  return core::make_run_key(bytes, attempt);
}

void PlanContext::wait_for(std::string why) {
  if (std::find(actions.waiting.begin(), actions.waiting.end(), why) == actions.waiting.end()) {
    actions.waiting.push_back(std::move(why));
  }
}

bool Actions::empty() const {
  return add_jobs.empty() && add_hypotheses.empty() && proposed.empty() && approve.empty() &&
         reject.empty() && !set_paused && plan_production.empty() && adopt.empty() &&
         record_runs.empty() && record_production.empty() && retry_runs.empty() && abort.empty() &&
         advance.empty() && decide.empty() && register_.empty() && open_pairs.empty() &&
         submit.empty() && release.empty() && cancel.empty() && acknowledge.empty() &&
         finish_commands.empty();
}

namespace {

// A run outside knows a later head than the ledger has: its tail was lost, with a restore or a
// failover. What is missing may have been a submit, so nothing may be done on what is left.
std::optional<std::string> rewind_seen(const ledger::Snapshot& snapshot, const View& view) {
  for (const auto& [name, cluster] : view.clusters) {
    for (const auto& seen : cluster.listing.runs) {
      const auto& witness = seen.witness;
      const bool ahead =
          witness.fence > snapshot.head.fence || witness.head_seq > snapshot.head.head_seq;
      if (!ahead && !view.strangers.contains(seen.key)) continue;
      return fmt::format(
          "the ledger was rewound: {} on {} was submitted at event {} under fence {}, {}; nothing "
          "is done until its lost tail is restored (a new ledger needs a state directory of its "
          "own)",
          seen.key.text, name, witness.head_seq, witness.fence,
          ahead ? fmt::format("the ledger ends at event {} and fence {}", snapshot.head.head_seq,
                              snapshot.head.fence)
                : std::string{"the ledger has another event in that place"});
    }
  }
  return std::nullopt;
}

}  // namespace

Actions plan(const ledger::Snapshot& snapshot, const View& view, const Settings& settings,
             core::Random& random) {
  Actions actions;
  if (auto rewound = rewind_seen(snapshot, view)) {
    actions.waiting.push_back(std::move(*rewound));
    actions.rewound = true;
    actions.work_remains = true;  // `cycle --once` must not say that nothing is left to do
    return actions;
  }
  Room room{snapshot, view, settings};
  PlanContext context{snapshot, view, settings, random, room, actions};
  plan_commands(context);
  plan_runs(context);
  plan_orphans(context);
  plan_experiments(context);
  plan_hypotheses(context);
  actions.work_remains = actions.work_remains || !actions.empty() || !snapshot.live_runs.empty();
  return actions;
}

}  // namespace amdahl::loop
