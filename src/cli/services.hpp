#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "amdahl/core/result.hpp"
#include "amdahl/ledger/ledger.hpp"
#include "amdahl/scheduler_adapters/adapter.hpp"
#include "config.hpp"

namespace amdahl::cli {

/// What commands reach outside the process, made when it is first asked for (assemble.cpp). What does
/// not answer throws the ledger's types; what is configured wrongly is an error.
class Services {
 public:
  virtual ~Services() = default;

  virtual core::Result<Config> configuration() = 0;
  /// Connected as the service's role; one connection for the process.
  virtual core::Result<ledger::Ledger*> ledger() = 0;
  virtual core::Result<scheduler_adapters::Adapter*> adapter(const std::string& cluster) = 0;
  /// Leads for one moment to carry out waiting commands; false when somebody else leads.
  virtual core::Result<bool> run_commands_once() = 0;
};

}  // namespace amdahl::cli
