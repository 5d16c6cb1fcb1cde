#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/core/limits.hpp"
#include "amdahl/ledger/errors.hpp"
#include "amdahl/ledger/snapshot.hpp"

namespace amdahl::ledger {

struct Lease {
  std::string term;
  std::int64_t fence = 0;
};

// ---- what the stages write; each vector is one call, one transaction, one round trip ----

struct NewJob {
  core::JobSpec
      spec;  ///< same name and same spec = no-op; other spec: champion kept where it applies
  core::Configuration champion;  ///< what the champion becomes when the spec changed
  std::string note;              ///< why the champion was reset; empty = kept
};
struct NewHypothesis {
  core::JobId job;
  core::HypothesisSource source = core::HypothesisSource::playbook;
  std::string phase;
  std::optional<double> ceiling;
  std::vector<core::Change> changes;
  std::string rationale;
  int replicate = 0;
  bool needs_approval = false;
  /// Key of the command that asked for it: answered with its number in the same transaction.
  std::string command;
};
/// Knob proposals of this job are made for `proposed_for` (see JobRow).
struct ProposedFor {
  core::JobId job;
  std::string proposed_for;
};
struct RejectHypothesis {
  core::HypothesisId hypothesis;
  std::string reason;
};
struct Registration {
  core::HypothesisId hypothesis;  ///< 0 for a canary
  core::JobId job;
  core::Protocol protocol;  ///< the ledger fills t for trials
  std::string fingerprint;  ///< hex
  int replicate = 0;
  std::optional<std::string>
      salt;  ///< owner role only (seeded tests); normally the database draws it
  bool near_duplicate_ok = false;  ///< the phase's share has grown by half since
};
struct OpenPair {
  core::ExperimentId experiment;
  int check_no = 0;
  std::string cluster;
  core::RunKey run_key;  ///< of attempt 1; pair and planned run are made together
  std::string worker_run_id;
  double gpu_us_reserved = 0;
};
/// The same pair once more, after an end that was nobody's evidence and in which no leg started.
struct RetryRun {
  core::PairId pair;
  int part = 1;
  std::string cluster;
  core::RunKey run_key;
  std::string worker_run_id;
  double gpu_us_reserved = 0;
};
struct RecordSubmit {
  core::RunId run;
  enum class Kind { accepted, rejected, retry, unknown } kind = Kind::accepted;
  std::string native_id;
  std::int64_t native_at_us = 0;
  std::string message;
};
struct RecordRun {
  core::RunId run;
  core::RunState state = core::RunState::queued;
  std::optional<core::RunOutcome> outcome;  ///< exactly when ended
  core::CauseClass cause = core::CauseClass::none;
  std::string reason;
  double gpu_us_charged = 0;  ///< whole allocation, start to release; when ended
  std::vector<std::string> nodes;
  std::vector<core::LegResult> legs;  ///< when ended with a result, in executed order
  bool released = false;              ///< note that it was released
  std::optional<int> misses;          ///< set the counter of authoritative absences
  /// What becomes of the pair when the run ended: complete (legs are the measurements), void, or
  /// open (a retry follows).
  core::PairState pair = core::PairState::open;
  std::string void_reason;
};
struct CheckVote {
  core::ExperimentId experiment;
  int check_no = 0;
  core::CheckKind kind = core::CheckKind::discovery;
  core::Vote vote = core::Vote::inconclusive;
  double mean = 0;
};
struct Advance {
  core::ExperimentId experiment;
  std::optional<NominationRow> nomination;  ///< discovering → refuting
  bool register_extension = false;
  std::optional<std::string> hold;  ///< set; empty string clears
};
struct BankCredit {
  double gpu_us = 0;
  std::string note;
};
struct Decision {
  core::ExperimentId experiment;
  core::VerdictOutcome outcome = core::VerdictOutcome::void_;
  std::string reason;
  int upholds = 0;
  int refutes = 0;
  double e_value = 1;
  double e_needed = 0;
  std::optional<double> effect;        ///< mean of fresh d; saving = 1 − e^−effect
  std::optional<double> lower, upper;  ///< 95 % confidence sequence of θ; absent = unbounded
  std::int64_t wins_before = 0;        ///< R read for α_t; the ledger refuses if it moved
  nlohmann::json evidence;             ///< Standing as JSON: checks, gates, counts
  std::vector<CheckVote> votes;
  std::optional<core::Configuration> champion;               ///< on a win: the job's new champion
  std::optional<double> sigma0;                              ///< of a canary
  std::optional<std::map<std::string, double>> phase_share;  ///< of this experiment's better arm
  bool release_fingerprint = false;  ///< void, aborted, hold-inconclusive: one more try
};
struct CommandDone {
  std::string key;
  nlohmann::json answer;  ///< {"ok":true,…} or {"ok":false,"error":…,"hint":…}
};

/// `amdahl run JOB`: the champion once, as production, through the adapter. Idempotent by run key.
struct PlanProduction {
  core::JobId job;
  core::RunSpec spec;
  std::string cluster;
  std::string worker_run_id;
  double gpu_us_reserved = 0;
};

/// A production run that somebody else started, or a finished PlanProduction.
struct ProductionRun {
  std::string cluster;
  std::string native_id;
  std::int64_t submitted_at_us = 0;
  int attempt = 1;
  core::JobId job;
  std::int64_t start_us = 0;
  std::int64_t end_us = 0;
  std::int64_t gpus = 0;
  std::string state;
  std::optional<double> units;  ///< unknown where the job did not say
  bool champion = false;        ///< ran the champion: counts for the bank
};

/// What the ledger keeps of a document: broken UTF-8 and U+0000, which jsonb has not, are
/// replacement characters in it.
nlohmann::json as_stored(const nlohmann::json& document);

/// The ledger: PostgreSQL behind named functions. Every call ends within the time to connect and
/// the patience for an answer, even when the server stands still, and throws only the types of
/// errors.hpp. Every mutator is idempotent by key and checks term and fence in its own transaction.
/// Not thread-safe: one object per thread.
class Ledger {
 public:
  virtual ~Ledger() = default;

  // -- leading --
  virtual Head head() = 0;
  /// CAS on the head as seen one TTL ago: empty when it moved meanwhile (somebody lives).
  virtual std::optional<Lease> acquire(const Head& seen, std::string_view new_term,
                                       std::string_view holder) = 0;
  virtual void renew(const Lease& lease) = 0;
  /// Gives the lease back: the next acquirer needs no wait.
  virtual void release(const Lease& lease) = 0;

  // -- the cold read --
  virtual Snapshot read_snapshot() = 0;

  // -- stages --
  virtual void add_jobs(const Lease& lease, std::span<const NewJob> jobs) = 0;
  /// An open hypothesis with the same job and change is left as it is; a decided one does not stand
  /// in the way (registration recognises what is known). Answers the ids, old or new, in order.
  virtual std::vector<core::HypothesisId> add_hypotheses(const Lease& lease,
                                                         std::span<const NewHypothesis> hypotheses,
                                                         std::span<const ProposedFor> proposed) = 0;
  virtual void reject_hypotheses(const Lease& lease,
                                 std::span<const RejectHypothesis> rejections) = 0;
  virtual void approve_hypotheses(const Lease& lease, std::span<const core::HypothesisId> ids) = 0;
  /// Registers each, or marks its hypothesis rejected as a duplicate of the experiment that has the
  /// fingerprint (or a near duplicate). Answers the experiments made, 0 where it was a duplicate.
  virtual std::vector<core::ExperimentId> register_experiments(
      const Lease& lease, std::span<const Registration> registrations) = 0;
  /// Both in one round trip and one transaction, in this order.
  virtual void open_and_retry(const Lease& lease, std::span<const OpenPair> pairs,
                              std::span<const RetryRun> retries) = 0;
  void open_pairs(const Lease& lease, std::span<const OpenPair> pairs) {
    open_and_retry(lease, pairs, {});
  }
  void retry_runs(const Lease& lease, std::span<const RetryRun> retries) {
    open_and_retry(lease, {}, retries);
  }
  /// planned → submitting, committed before the first byte leaves. Answers the head with that
  /// intent in it: the witness that the submit carries, so a ledger without the intent is known by
  /// it.
  virtual Head arm_submits(const Lease& lease, std::span<const core::RunId> runs,
                           std::span<const std::string> spec_shas) = 0;
  virtual void record_submits(const Lease& lease, std::span<const RecordSubmit> submits) = 0;
  virtual void record_runs(const Lease& lease, std::span<const RecordRun> runs) = 0;
  /// Both in one round trip and one transaction, in this order.
  virtual void advance_and_decide(const Lease& lease, std::span<const Advance> steps,
                                  std::span<const Decision> decisions) = 0;
  void advance(const Lease& lease, std::span<const Advance> steps) {
    advance_and_decide(lease, steps, {});
  }
  void decide(const Lease& lease, std::span<const Decision> decisions) {
    advance_and_decide(lease, {}, decisions);
  }
  /// Marks them, asks their live runs to be cancelled and, where no run is live any more, makes
  /// them `aborted` and releases the fingerprint. Repeated until that is so.
  virtual void abort_experiments(const Lease& lease, std::span<const core::ExperimentId> ids,
                                 std::string_view reason) = 0;
  virtual void request_cancel(const Lease& lease, std::span<const core::RunId> runs) = 0;
  virtual void set_paused(const Lease& lease, bool paused, std::string_view reason) = 0;
  virtual void plan_production(const Lease& lease, std::span<const PlanProduction> runs) = 0;
  virtual void record_production(const Lease& lease, std::span<const ProductionRun> runs) = 0;
  virtual void finish_commands(const Lease& lease, std::span<const CommandDone> commands) = 0;
  /// The deliveries up to this number were there when this cycle began to look: they are done with.
  virtual void finish_deliveries(const Lease& lease, std::int64_t upto) = 0;
  /// An event without a row of its own: a rewind noticed, an orphan swept.
  virtual void note(const Lease& lease, std::string_view kind, std::string_view ref,
                    const nlohmann::json& payload) = 0;

  // -- open to everybody with the service's role --
  /// Asks the leader for something; the same key twice is one command. Kept are `as_stored(args)`.
  virtual void put_command(std::string_view key, std::string_view verb,
                           const nlohmann::json& args) = 0;
  /// The answer, once the leader has given it.
  virtual std::optional<nlohmann::json> command_answer(std::string_view key) = 0;
  /// Read models as JSON, for CLI and API alike: the SQL function `read_<view>(args jsonb)`.
  /// Views: status, rank, jobs, job, hypotheses, experiments, experiment, runs, bank, events,
  /// verify, tokens, deliveries, `posted` {"run_keys"}: {"posted": {key: body}},
  /// `endings` {"cluster", "run_keys"}: {"endings": [{"run_key", "told"}]}, `hooks`
  /// {"clusters"}, and `known` {fingerprint, job, changes}: {"experiment": summary|null, "near":
  /// summary|null}; {"questions": [such]} is answered by {"answers": [such]} in order. `witnesses`
  /// {"witnesses": [{"head_seq", "head_hash"}]}: {"unknown": [indexes of those that this chain does
  /// not have]}; `known` answers them too, so that a cycle asks once.
  virtual nlohmann::json read(std::string_view view, const nlohmann::json& args) = 0;
  /// Statements sent since construction: the cost contract is counted, not believed.
  virtual std::int64_t round_trips() const = 0;
  /// Why nothing may be written (ConnectOptions::or_read_only); empty = everything may.
  virtual std::string why_read_only() const { return {}; }
  /// Looks again: somebody may have migrated the ledger since this connected to it.
  virtual std::string why_read_only_now() { return why_read_only(); }
};

struct ConnectOptions {
  bool allow_owner =
      false;  ///< seeded tests only: the owner may choose salts, so it knows the coins
  /// How long a stage may wait for its answer before the server counts as lost.
  std::chrono::milliseconds patience = core::limits::answer_timeout;
  /// A ledger of another version, or half migrated, is read as far as its read models go; whatever
  /// would lead or write throws SchemaMismatch.
  bool or_read_only = false;
  /// Told how long each stage's write took that was answered, from the thread that wrote.
  std::function<void(std::chrono::microseconds)> on_write{};
};

/// Connects as the service's role (`url`: a libpq connection string). Throws Unavailable,
/// SchemaMismatch when the server is too old or the ledger was made by another version, or Refused
/// when the role has the owner's rights.
std::unique_ptr<Ledger> connect(const std::string& url, ConnectOptions options = {});

}  // namespace amdahl::ledger
