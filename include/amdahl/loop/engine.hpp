#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/core/clock.hpp"
#include "amdahl/ledger/ledger.hpp"
#include "amdahl/loop/code_store.hpp"
#include "amdahl/loop/leadership.hpp"
#include "amdahl/loop/planner.hpp"
#include "amdahl/loop/settings.hpp"
#include "amdahl/scheduler_adapters/adapter.hpp"

namespace amdahl::loop {

/// What a cycle did, for logs, `cycle --once` and the pace of the service.
struct CycleReport {
  bool acted = false;         ///< something changed: the next cycle may follow at once
  bool work_remains = false;  ///< false: nothing is under way and nothing can start by itself
  bool runs_live = false;     ///< worth looking again soon
  bool runs_ending = false;   ///< of them some that a scheduler is about to end
  /// How often the clusters of live runs may be asked, the shortest.
  std::chrono::milliseconds poll_interval{0};
  int submitted = 0;
  int ended = 0;
  int decided = 0;
  std::vector<std::string> waiting;           ///< why something does not move
  std::map<std::string, std::string> unseen;  ///< clusters that could not be looked at, and why
  /// How long its phases took; zero without a clock.
  core::BootTime look{0};  ///< reading the ledger included
  core::BootTime plan{0};
  core::BootTime perform{0};
};

/// Performs what the planner decides: reads the ledger cold, looks at every cluster, plans, and
/// carries out the actions, each effect between its committed intent and its record. Holds nothing
/// across cycles. Synchronous: one thread owns it (docs/decisions/0005).
class Engine {
 public:
  struct Parts {
    ledger::Ledger& ledger;
    std::vector<scheduler_adapters::Adapter*> adapters;
    CodeStore& code;
    core::Random& random;
    Settings settings;
    /// One event for the log: a past-tense word and its fields.
    std::function<void(std::string_view, const nlohmann::json&)> log;
    core::Clock* clock = nullptr;  ///< times the phases; nothing depends on it
  };

  explicit Engine(Parts parts);

  /// From the next cycle on.
  void use(Settings settings) { parts_.settings = std::move(settings); }

  /// One cycle. Throws what the ledger throws; nothing is lost then, the next cycle reads cold.
  CycleReport cycle(const ledger::Lease& lease, Leadership& leadership);

  /// What the next cycle would do, and nothing more.
  Actions dry_run();

 private:
  View look(const ledger::Snapshot& snapshot);
  void look_at_cluster(const ledger::Snapshot& snapshot, scheduler_adapters::Adapter& adapter,
                       ClusterView& view);
  void look_for_told(const ledger::Snapshot& snapshot, scheduler_adapters::Adapter& adapter,
                     ClusterView& view);
  void look_for_posted(View& view);
  void look_at_code(const ledger::Snapshot& snapshot, View& view);
  void look_for_known(const ledger::Snapshot& snapshot, View& view);

  void perform_decisions(const ledger::Lease& lease, const Actions& actions, CycleReport& report);
  void perform_runs(const ledger::Lease& lease, const Actions& actions, CycleReport& report);
  void perform_submits(const ledger::Lease& lease, const Actions& actions, Leadership& leadership,
                       CycleReport& report);
  void perform_releases(const std::vector<Release>& releases, Leadership& leadership);
  void perform_rest(const ledger::Lease& lease, const Actions& actions, Leadership& leadership);
  void perform_hypotheses(const ledger::Lease& lease, const Actions& actions);

  void log_standings(const Actions& actions) const;
  core::BootTime since_boot() const;
  scheduler_adapters::Adapter* adapter(const std::string& cluster) const;

  Parts parts_;
};

}  // namespace amdahl::loop
