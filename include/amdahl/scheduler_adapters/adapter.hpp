#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "amdahl/core/clock.hpp"
#include "amdahl/core/result.hpp"
#include "amdahl/core/run.hpp"
#include "amdahl/core/states.hpp"

namespace amdahl::scheduler_adapters {

/// The scheduler's own name of a run: a hint, never an identity.
struct NativeRef {
  std::string native_id;
  std::int64_t submitted_at_us = 0;

  friend bool operator==(const NativeRef&, const NativeRef&) = default;
};

/// How a call failed; decides what the engine may do next (schedulers.md §1).
enum class FailureClass {
  retryable,  ///< provably not accepted: same key again
  throttled,
  auth,
  permanent,        ///< the request itself is wrong: rejected
  key_conflict,     ///< the name is taken by a different spec: alarm, never adopt
  unknown_outcome,  ///< may have been accepted: only find is allowed next
  unavailable,      ///< could not see: absence of data is not a state
};
struct Failure {
  FailureClass kind = FailureClass::unavailable;
  std::string message;
};

struct Submitted {
  enum class Kind { accepted, already_exists, failed } kind = Kind::failed;
  NativeRef ref;  ///< when accepted or already there, always with an id
  bool held = false;
  Failure failure;  ///< when failed
};

/// What the scheduler says of one of our runs at one moment.
struct Observation {
  core::RunKey key;
  NativeRef ref;  ///< without an id it is there, but no run yet that could be recorded
  core::RunState state = core::RunState::queued;
  bool held_by_us = false;                  ///< submitted but not released: cannot run
  std::optional<core::RunOutcome> outcome;  ///< set exactly when state is ended
  core::CauseClass cause = core::CauseClass::none;
  std::string reason;    ///< the scheduler's words
  bool tainted = false;  ///< suspended, requeued or preempted on the way
  bool claimed = false;  ///< the shim took the exclusive claim: work may have begun
  std::vector<std::string> nodes;
  std::int64_t started_at_us = 0;  ///< allocation start; 0 = unknown
  std::int64_t ended_at_us = 0;
  core::Witness witness;  ///< what the submit carried, where readable
};

/// One bulk look at everything of ours.
struct Listing {
  bool complete = false;  ///< false: what is absent is unknown
  std::string problem;    ///< why it is not complete
  std::vector<Observation> runs;
  /// What submits left that never became a run: nothing to follow, `acknowledge` removes it.
  std::vector<core::RunKey> leftovers;
};

enum class Found { found, not_found_authoritative, not_found_inconclusive };
struct FindResult {
  core::RunKey key;
  Found found = Found::not_found_inconclusive;
  std::vector<Observation> runs;  ///< more than one only after a double submit
  /// The live list was read and has none of it.
  bool forgotten = false;
  /// Found, and history was asked too: a submission of the key that is not among `runs` is gone.
  bool whole = false;
};

enum class CancelMode { only_if_held, stop };
/// `already_requested` where the adapter can tell: what was asked before is on its way.
enum class Cancelled { requested, already_requested, already_ended, not_visible, failed };

struct Capacity {
  std::int64_t gpus = 0;
  std::int64_t cpus = 0;
  std::int64_t memory_bytes = 0;
  std::string hardware_class;  ///< for the fingerprint and for people
};

struct Caps {
  bool two_phase = true;
  std::chrono::milliseconds quiet_period{0};  ///< after an unknown submit, before trusting absence
  /// How often it may be asked while runs are in it; news of them may come sooner by webhook.
  std::chrono::milliseconds poll_interval{0};
  bool several_node_sets = false;  ///< can offer R2
  bool posts_results = false;      ///< results may come by post, not by fetch_result
  bool tells_ends = false;         ///< by webhooks that `told_end` reads
  bool runs_images = false;        ///< a leg runs in the image that its arm names
};

/// One thing that is right or wrong with the way to a scheduler, and what to do.
struct Finding {
  enum class Grade { fine, warning, failure } grade = Grade::fine;
  std::string text;
  std::string fix;
};

/// Where the workers of a cluster that share no disk with the service hand in their results.
struct ResultPost {
  std::string url;
  std::string ca;  ///< PEM; empty = what the worker's system trusts
  std::function<std::string(const core::RunKey&)> token;
};

/// One cluster's scheduler. Calls block, each with a deadline of its own; none throws for what a
/// scheduler does: that is an answer. The local one and each later one pass tests/conformance.
class Adapter {
 public:
  virtual ~Adapter() = default;

  virtual std::string kind() const = 0;  ///< `local`, `slurm`, `kubernetes`
  virtual std::string cluster() const = 0;
  virtual Caps caps() const = 0;
  virtual core::Result<Capacity> capacity() = 0;

  /// What `amdahl doctor` should say of the way to it.
  virtual std::vector<Finding> examine() { return {}; }

  /// Whether the cluster could ever run this: `Permanent` errors before anything is submitted.
  virtual core::Result<void> validate(const core::RunSpec& spec) = 0;

  /// Submits held where `two_phase`. Idempotent by key as far as the scheduler allows. Answers
  /// within `deadline`: what is not known by then is an unknown outcome.
  virtual Submitted submit(const core::RunSpec& spec, std::chrono::milliseconds deadline) = 0;

  /// Lets a held run go. Repeating it is harmless.
  virtual core::Result<void> release(const core::RunKey& key, const NativeRef& ref) = 0;

  /// Everything of ours that is not acknowledged yet, in one call.
  virtual Listing list() = 0;

  /// Looks for these keys as deep as the scheduler allows, history included.
  virtual std::vector<FindResult> find(std::span<const core::RunKey> keys) = 0;

  /// How a run ended by what a webhook of this scheduler told (the members of the event); none
  /// where that names another run, no time of submission or no end. Only a run that neither the
  /// live list nor history shows may be ended by it.
  virtual std::optional<Observation> told_end(const core::RunKey& /*key*/,
                                              const nlohmann::json& /*told*/) {
    return std::nullopt;
  }

  virtual Cancelled cancel(const core::RunKey& key, const NativeRef& ref, CancelMode mode) = 0;

  /// The shim's result.json, verbatim and at most limits::result_bytes; not_found when there is
  /// none.
  virtual core::Result<std::string> fetch_result(const core::RunKey& key) = 0;

  /// The last bytes of what a leg wrote.
  virtual core::Result<std::string> fetch_log(const core::RunKey& key, core::Arm arm,
                                              bool error_stream, std::size_t bytes_max) = 0;

  /// The ledger holds the end: the scheduler's traces may be tidied away. Idempotent.
  virtual void acknowledge(const core::RunKey& key) = 0;
};

}  // namespace amdahl::scheduler_adapters
