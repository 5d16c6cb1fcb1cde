#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "amdahl/core/change.hpp"
#include "amdahl/core/job.hpp"
#include "amdahl/core/result.hpp"
#include "amdahl/core/run.hpp"
#include "amdahl/core/states.hpp"

namespace amdahl::core {

/// One of the N refute checks, fixed at registration. `check_no` 1…N in this order.
struct CheckPlan {
  CheckKind kind = CheckKind::seed_and_shard;
  std::int64_t seed = 0;    ///< what {seed} becomes
  std::int64_t shard = 0;   ///< what {shard} becomes
  std::int64_t length = 1;  ///< what {length} becomes
  bool fresh_layout = false;
  std::int64_t env_padding_bytes = 0;
  std::int64_t delay_s = 0;  ///< R1: begins so long after the nomination, at the earliest

  friend bool operator==(const CheckPlan&, const CheckPlan&) = default;
};

/// Everything frozen before the first run (judge.md §4); hashed into the experiment's row.
struct Protocol {
  ExperimentKind kind = ExperimentKind::trial;
  JobSpec job;
  std::string code_digest;
  std::string hardware_class;  ///< of the cluster, part of the fingerprint
  Configuration baseline;
  Configuration variant;
  std::vector<Change> changes;

  double sigma0 = 0.042;      ///< noise scale of d
  std::string sigma0_source;  ///< `8 A/A pairs of EXP-1` or `fallback`
  double theta_mei = 0;       ///< smallest effect of interest, −ln 0.97
  double nominate_at = 10;    ///< E
  double decide_at = 100;     ///< E, at least; 1/α_t if larger
  int pairs_min = 4;
  int pairs_max = 15;  ///< of discovery
  int extension_pairs = 6;
  int canary_pairs = 8;           ///< of an A/A canary
  double futility_below = 0.05;   ///< probability of an effect ≥ θ_MEI
  std::vector<CheckPlan> checks;  ///< odd count; empty for a canary
  double quality_margin = 0;      ///< absolute; copied from the job
  double void_share_max = 0.25;   ///< read from void_check_from registered pairs on
  int void_check_from = 16;
  std::int64_t seed = 1;  ///< of discovery pairs
  std::int64_t shard = 0;
  std::int64_t length = 1;

  // The place in the FDR stream, drawn by the ledger at registration; 0 for canaries.
  std::int64_t t = 0;
  double fdr_alpha = 0.10;

  friend bool operator==(const Protocol&, const Protocol&) = default;
};

nlohmann::json to_json(const Protocol& protocol);
Result<Protocol> protocol_from_json(const nlohmann::json& value);

/// SHA-256 (hex) of the canonical JSON without `t`.
std::string protocol_sha(const Protocol& protocol);

/// The experiment's identity (design §3): job identity, shape, baseline, change, primary metric.
/// Hex SHA-256 of canonical JSON; version 1.
inline constexpr int fingerprint_version = 1;
std::string fingerprint(const Protocol& protocol);

/// The run that measures one pair: a pure function of what is frozen, the pair and the coin
/// (0 = baseline first). `check_no` 0 is discovery, 1…N a check, N+1 the extension.
RunSpec make_run_spec(const Protocol& protocol, const std::string& experiment_name, int check_no,
                      std::int64_t pair_index, int coin, const RunKey& key);

}  // namespace amdahl::core
