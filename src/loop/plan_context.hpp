#pragma once

#include <map>
#include <string>

#include "amdahl/loop/planner.hpp"

namespace amdahl::loop {

/// What is still free while one plan is made: capacity per cluster, runs, budget.
class Room {
 public:
  Room(const ledger::Snapshot& snapshot, const View& view, const Settings& settings);

  /// Whether there is anything to go by; else `why` says why not.
  bool sees(const std::string& cluster, std::string& why) const;
  /// Takes the room of one more run and answers true; else says in `why` what is missing.
  bool take(const std::string& cluster, const core::Resources& allocation, double gpu_us,
            std::string& why);

 private:
  struct Cluster {
    bool known = false;
    scheduler_adapters::Capacity total, free;
    bool empty = true;  ///< one run always fits the share
    std::string unseen{};
  };
  std::map<std::string, Cluster> clusters_;
  double share_;
  int runs_left_;
  double budget_us_left_;
};

/// Everything the parts of one plan share.
struct PlanContext {
  const ledger::Snapshot& snapshot;
  const View& view;
  const Settings& settings;
  core::Random& random;
  Room& room;
  Actions& actions;

  const ledger::JobRow* job(core::JobId id) const;
  const ledger::ExperimentRow* experiment(core::ExperimentId id) const;
  const ledger::PairRow* pair(core::PairId id) const;
  const ClusterView* cluster(const std::string& name) const;
  core::RunKey new_run_key(int attempt);
  void wait_for(std::string why);
};

/// GPU-microseconds that one run may cost at most: both legs to their time limit.
double reserve_us(const core::JobSpec& job, const core::Resources& allocation, int legs);
core::Resources allocation_of(const core::Protocol& protocol);

void plan_commands(PlanContext& context);
void plan_runs(PlanContext& context);
void plan_orphans(PlanContext& context);
void plan_experiments(PlanContext& context);
void plan_hypotheses(PlanContext& context);

}  // namespace amdahl::loop
