#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/protocol.hpp"
#include "amdahl/core/states.hpp"
#include "amdahl/stats/interval.hpp"
#include "amdahl/stats/vetoes.hpp"

namespace amdahl::stats {

/// What the judge reads of one leg. Absent = unknown.
struct LegEvidence {
  bool failed = false;     ///< an attributable failure: crash, out of memory, time cap, bad numbers
  bool timed_out = false;  ///< failed, by the time cap
  std::string exit;        ///< for people: `exit 1`, `signal 11`, `time limit`; empty when fine
  double window_s = 0;
  double gpus = 0;  ///< the leg's own; 0 GPUs are costed as 1 slot of the machine
  std::optional<double> units;
  std::optional<double> quality;
  std::optional<std::string> sample_digest;
  std::optional<double> inside_s;  ///< hello → bye
  std::optional<double> peak_memory_bytes;
};

struct PairEvidence {
  std::int64_t index = 0;  ///< experiment-wide, never reused, from 1
  int check_no = 0;        ///< 0 discovery, 1…N checks, N+1 extension
  int coin = 0;            ///< 0 = baseline first
  core::PairState state = core::PairState::open;
  std::string void_reason;             ///< set when void; `operator…` = stopped by a person
  std::optional<core::Arm> ran_first;  ///< from the result
  std::vector<std::string> nodes;
  LegEvidence baseline;  ///< meaningful when complete
  LegEvidence variant;
};

/// Frozen when discovery nominated.
struct Nomination {
  double claim = 0;             ///< θ_c
  int pairs_per_check = 2;      ///< k
  std::int64_t last_index = 0;  ///< the last discovery pair counted in θ_c
};

struct ExperimentEvidence {
  core::Protocol protocol;
  std::vector<PairEvidence> pairs;  ///< by index, registered ones all, contiguous from 1
  std::optional<Nomination> nomination;
  bool extension_registered = false;
  std::int64_t wins_before = 0;  ///< R: wins already declared in the stream, read at decision
};

/// One check as it stands.
struct CheckStanding {
  int check_no = 0;
  core::CheckKind kind = core::CheckKind::discovery;
  int planned = 0;
  int complete = 0;
  int open = 0;
  std::optional<double> mean;      ///< of the complete pairs' d
  std::optional<core::Vote> vote;  ///< once all planned pairs are complete
};

/// All numbers of an experiment as it stands; shown while it runs and frozen with its verdict.
struct Standing {
  int pairs_complete = 0;
  int pairs_void = 0;
  int pairs_open = 0;
  int pairs_counted = 0;  ///< of the contiguous prefix, what E is read over
  double e_value = 1;
  std::array<double, 3> log_wealth{};
  double e_needed = 0;             ///< max(decide_at, 1/α_t) with the wins of now
  std::optional<double> futility;  ///< probability of an effect ≥ θ_MEI; absent below 3 pairs
  std::optional<double> mean;      ///< of d: fresh pairs once there are checks, else discovery
  Interval interval;               ///< 95 % confidence sequence over all complete pairs
  std::vector<CheckStanding> checks;
  std::vector<Gate> gates;
  int upholds = 0;
  int refutes = 0;
};

struct VerdictDraft {
  core::VerdictOutcome outcome = core::VerdictOutcome::void_;
  std::string reason;  ///< one sentence that names what decided: a gate, an exit, a number
};

/// What should happen next. Exactly one of the optionals is set, or `pairs` is not empty, or the
/// experiment waits for its open pairs.
struct PairNeed {
  int check_no = 0;
  int count = 0;  ///< further pairs that may be opened now, beside those open
};

struct Assessment {
  Standing standing;
  std::vector<PairNeed> pairs;
  std::optional<Nomination> nominate;
  bool register_extension = false;
  std::optional<std::string> hold;  ///< a missing input: why, and what would settle it
  std::optional<VerdictDraft> verdict;
};

/// d of a complete pair: ln(C_base/C_var); −inf when the variant failed; absent (factor 1) when the
/// baseline failed. C = GPUs × window / units.
struct PairScore {
  bool counts = false;  ///< false for a failed baseline: factor 1, no d
  double d = 0;
};
PairScore score(const PairEvidence& pair);

/// The judge: a pure function of what is frozen and what was measured (judge.md, design.md §8).
/// The same evidence gives the same assessment, so a verdict can be recomputed from the ledger.
/// Canaries (A/A): need `canary_pairs`, then a verdict `no_effect` whose reason states σ0.
Assessment assess(const ExperimentEvidence& evidence);

}  // namespace amdahl::stats
