#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/result.hpp"

namespace amdahl::telemetry {

/// What the read model `metrics` says, so that counters survive the service.
struct LedgerNumbers {
  struct Sample {
    std::vector<std::string> labels;  ///< values, in the order of the table
    double value = 0;
  };
  struct Check {
    std::string kind;
    std::string vote;
    double seconds = 0;
  };
  struct Queue {
    std::string name;
    double depth = 0;
    double oldest_s = 0;
  };

  std::vector<Sample> experiments;  ///< state
  std::vector<Sample> verdicts;     ///< verdict, mechanism
  std::vector<Sample> cost;         ///< cluster; GPU-seconds
  std::vector<Sample> guardrails;   ///< guardrail
  std::vector<Sample> votes;        ///< kind, vote
  std::vector<Sample> banked;       ///< cluster, mechanism; GPU-seconds
  std::vector<Sample> clawed_back;  ///< the same
  std::vector<Queue> queues;
  std::int64_t head_seq = 0;
  std::optional<std::int64_t> after;  ///< the event after which `checks` were decided
  std::vector<Check> checks;
};

/// Of the read model `metrics`; an error when it is not one.
core::Result<LedgerNumbers> ledger_numbers(const nlohmann::json& document);

}  // namespace amdahl::telemetry
