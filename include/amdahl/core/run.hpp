#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/change.hpp"
#include "amdahl/core/clock.hpp"
#include "amdahl/core/job.hpp"
#include "amdahl/core/result.hpp"
#include "amdahl/core/states.hpp"

namespace amdahl::core {

/// `al-` + lower-case base32 of 16 random bytes + `-` + attempt; a DNS label of at most 40 chars.
struct RunKey {
  std::string text;
  friend auto operator<=>(const RunKey&, const RunKey&) = default;
};
RunKey make_run_key(const std::array<std::uint8_t, 16>& uuid, int attempt);
bool is_run_key(std::string_view text);
/// `<adapter>/<cluster>/<run key>`: known before the submit.
std::string worker_run_id(std::string_view adapter, std::string_view cluster, const RunKey& key);

/// The service's position in the ledger when it submitted; carried outside as a witness.
struct Witness {
  std::string term;
  std::int64_t fence = 0;
  std::int64_t head_seq = 0;
  std::string head_hash;  ///< 16 hex digits: 8 bytes of the chain head

  friend bool operator==(const Witness&, const Witness&) = default;
};

/// One arm's execution inside a worker run.
struct LegSpec {
  Arm arm = Arm::baseline;
  std::vector<std::string> command;  ///< placeholders filled
  std::map<std::string, std::string> env;
  std::int64_t nodes = 1;            ///< the first of the allocation's
  std::int64_t gpus = 0;             ///< over these; the leg's own, what it is charged for
  std::vector<std::string> patches;  ///< applied to the leg's copy of the code

  friend bool operator==(const LegSpec&, const LegSpec&) = default;
};

/// Everything a scheduler and the shim need; a pure function of protocol, pair and run key.
struct RunSpec {
  RunKey key;
  std::string name;         ///< for people: `eval-qa EXP-12 pair 3`
  std::string code_digest;  ///< of the snapshot the legs copy
  std::string code_dir;     ///< where the snapshot lies; set by the service that submits
  std::string workdir;      ///< of the job file: where relative data paths point (read only)
  Resources allocation;     ///< what holds either arm
  std::vector<std::string> pinned_nodes;  ///< the allocation's nodes, by name; empty = any
  std::chrono::milliseconds leg_time_limit{0};
  std::vector<LegSpec> legs;  ///< in execution order: the coin's order
  Source units;
  Source quality;
  bool has_quality = false;
  std::string quality_metric;
  bool fresh_layout = false;           ///< R5: other address layout and environment size
  std::int64_t env_padding_bytes = 0;  ///< R5
  Witness witness;

  friend bool operator==(const RunSpec&, const RunSpec&) = default;
};

/// What one leg yielded. Absent = unknown, never zero.
struct LegResult {
  Arm arm = Arm::baseline;
  bool started = false;
  std::optional<int> exit_code;
  std::optional<int> signal;
  bool timed_out = false;
  bool out_of_memory = false;
  std::int64_t window_us = 0;  ///< exec to exit
  std::int64_t gpus = 0;
  std::optional<double> units;
  std::optional<double> quality;
  std::optional<std::string> sample_digest;
  std::map<std::string, double> phase_seconds;  ///< exclusive; with `unknown` adds up to the window
  std::optional<std::int64_t> inside_us;        ///< hello → bye, absent without events
  std::optional<std::int64_t> peak_memory_bytes;
  std::int64_t start_us = 0;  ///< wall, µs since the epoch
  std::string problem;        ///< why units or quality are unknown, in words; empty = none
  std::string error_tail;     ///< last lines of stderr, at most limits::error_tail_bytes

  friend bool operator==(const LegResult&, const LegResult&) = default;
};

/// `result.json`, written by the shim by rename.
struct RunResult {
  RunKey key;
  std::string spec_sha;
  std::vector<LegResult> legs;       ///< in the order executed
  std::string node;                  ///< of several nodes the scheduler's list of them, `n[1-2]`
  std::vector<std::string> gpu_ids;  ///< of the first node
  std::int64_t start_us = 0;
  std::int64_t end_us = 0;
  std::string
      problem;  ///< why the run as a whole failed (snapshot missing, patch refused), else empty
  bool cancelled = false;
  Witness witness;  ///< the specification's

  friend bool operator==(const RunResult&, const RunResult&) = default;
};

/// Canonical JSON; `spec_sha` is SHA-256 (hex) of the spec without witness and code_dir.
nlohmann::json to_json(const RunSpec& spec);
nlohmann::json to_json(const RunResult& result);
nlohmann::json to_json(const LegResult& leg);
Result<RunSpec> run_spec_from_json(const nlohmann::json& value);
Result<RunResult> run_result_from_json(const nlohmann::json& value);
Result<LegResult> leg_result_from_json(const nlohmann::json& value);
std::string spec_sha(const RunSpec& spec);

}  // namespace amdahl::core
