#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "amdahl/core/ids.hpp"
#include "amdahl/core/run.hpp"
#include "amdahl/scheduler_adapters/adapter.hpp"

namespace amdahl::loop {

/// A job's code as it lies in the store.
struct CodeSnapshot {
  std::string digest;  ///< hex SHA-256 over sorted (path, mode, SHA-256)
  std::string dir;     ///< absolute, read only
  int files = 0;
};

/// What the engine saw of one cluster before planning.
struct ClusterView {
  std::string kind;  ///< the adapter's
  scheduler_adapters::Caps caps;
  std::optional<scheduler_adapters::Capacity> capacity;  ///< absent = could not be seen
  std::string unseen;                                    ///< why it, or what runs there, could not
  scheduler_adapters::Listing listing;
  std::map<core::RunKey, scheduler_adapters::FindResult> found;   ///< of runs the listing lacks
  std::map<core::RunKey, core::Result<core::RunResult>> results;  ///< of runs that ended
};

/// Everything outside the ledger that a plan rests on.
struct View {
  std::map<std::string, ClusterView> clusters;
  std::map<core::JobId, core::Result<CodeSnapshot>> code;  ///< of jobs with something to register
  std::map<std::string, nlohmann::json> known;        ///< command key → the `known` read model
  std::map<core::HypothesisId, core::Error> unfit;    ///< whose patch does not apply to the code
  std::set<core::RunKey> strangers;                   ///< whose witness the ledger does not have
  std::map<std::string, core::Error> unfit_commands;  ///< the same for propose commands, by key
};

}  // namespace amdahl::loop
