#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/core/result.hpp"
#include "amdahl/ledger/accounting.hpp"
#include "amdahl/ledger/ledger.hpp"
#include "amdahl/loop/engine.hpp"
#include "amdahl/loop/planner.hpp"
#include "amdahl/scheduler_adapters/adapter.hpp"
#include "config.hpp"

namespace amdahl::cli {

class HttpLedger;

/// How far to drive the loop.
struct Drive {
  enum class Until { stopped, nothing_left, one_cycle };
  Until until = Until::stopped;
  bool observe = false;        ///< start no trial
  bool commands_only = false;  ///< start no run either: only what people asked for
  bool sole = false;  ///< an outside lock proves that the last leader is gone: do not wait for it
  std::chrono::milliseconds patience{0};  ///< one_cycle: how long to wait for the lease
  std::function<bool()> done;             ///< asked between cycles: stop here
  /// Instead of sleeping between cycles; true while this process leads. Whether it ended early.
  std::function<bool(std::chrono::milliseconds, bool)> pause{};
  std::function<void(std::string_view, const nlohmann::json&)> log;
  /// Told of each cycle that was led; null when it failed.
  std::function<void(const loop::CycleReport*)> on_cycle;
  std::function<void(std::chrono::microseconds)> on_write;  ///< how long a stage took
  /// Asked between cycles: the configuration from now on, where it changed.
  std::function<std::optional<Config>()> reload{};
  std::function<void()> on_proved;  ///< the chain was verified
};

struct Driven {
  enum class End { stopped, nothing_left, cycled, not_leading } end = End::stopped;
  std::string leader;                ///< who leads instead
  std::vector<std::string> waiting;  ///< why something does not move
};

/// What commands reach outside the process, made when it is first asked for (assemble.cpp). What
/// does not answer throws the ledger's types; what is configured wrongly is an error.
class Services {
 public:
  virtual ~Services() = default;

  virtual core::Result<Config> configuration() = 0;
  /// What commands read and ask: a service that runs, else the ledger itself.
  virtual core::Result<ledger::Ledger*> ledger() = 0;
  /// The ledger itself, connected as the service's role; one connection for the process.
  virtual core::Result<ledger::Ledger*> own_ledger() { return ledger(); }
  /// The service that `ledger` answered with; null where that was the ledger itself.
  virtual HttpLedger* service() { return nullptr; }
  virtual core::Result<scheduler_adapters::Adapter*> adapter(const std::string& cluster) = 0;
  /// Where the ledger is, for connections of one's own.
  virtual core::Result<std::string> ledger_url() = 0;
  /// The ledger's door for accounting, on a connection of its own.
  virtual core::Result<std::unique_ptr<ledger::Accounting>> accounting() = 0;
  /// Leads, when nobody else does, and runs cycles.
  virtual core::Result<Driven> drive(const Drive& drive) = 0;
  /// What the next cycle would do, and why nothing moves.
  virtual core::Result<loop::Actions> dry_run() = 0;
};

}  // namespace amdahl::cli
