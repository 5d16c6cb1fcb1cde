#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace amdahl::core {

// Every enumerator is spelled as in SQL and JSON, and numbered as in SQL (smallint); a test
// compares them with the CHECK constraints. `name(e)` gives the word, `parse<E>(word)` reads it.

/// Where an experiment stands (design: the life of an experiment).
enum class ExperimentState : std::int16_t {
  registered = 0,
  discovering = 1,
  refuting = 2,
  decided = 3,
  aborted = 4,
};

enum class ExperimentKind : std::int16_t { trial = 0, canary = 1, reproof = 2 };

enum class HypothesisState : std::int16_t {
  proposed = 0,
  awaiting_approval = 1,
  registered = 2,
  decided = 3,
  rejected = 4,
  withdrawn = 5,
};

enum class HypothesisSource : std::int16_t { playbook = 0, prior_win = 1, agent = 2, human = 3 };

enum class PairState : std::int16_t { open = 0, complete = 1, void_ = 2 };

/// The life of a worker run.
enum class RunState : std::int16_t {
  planned = 0,     ///< committed intent, nothing left this process
  submitting = 1,  ///< a submit may have left this process
  submitted = 2,   ///< the scheduler's id is recorded; still held there
  queued = 3,      ///< released to the scheduler
  held = 4,        ///< held by somebody else
  starting = 5,
  running = 6,
  suspended = 7,
  finishing = 8,
  ended = 9,
};

/// How a worker run ended.
enum class RunOutcome : std::int16_t {
  succeeded = 0,
  failed = 1,
  timed_out = 2,
  out_of_memory = 3,
  cancelled = 4,
  preempted = 5,
  node_failed = 6,
  launch_failed = 7,
  unschedulable = 8,
  rejected = 9,
  lost = 10,
};

/// Whose doing an end was: only `app` counts as evidence against an arm.
enum class CauseClass : std::int16_t { none = 0, app = 1, infra = 2, policy = 3, operator_ = 4 };

enum class Arm : std::int16_t { baseline = 0, variant = 1 };

enum class VerdictOutcome : std::int16_t {
  win = 0,
  provisional = 1,
  refuted = 2,
  no_effect = 3,
  inconclusive = 4,
  void_ = 5,
};

enum class Vote : std::int16_t { uphold = 0, refute = 1, inconclusive = 2 };

/// What a refute check changes; `discovery` and `extension` are not voters.
enum class CheckKind : std::int16_t {
  discovery = 0,
  later_replication = 1,  ///< R1
  node_swap = 2,          ///< R2
  seed_and_shard = 3,     ///< R3
  scale = 4,              ///< R4
  clean_rebuild = 5,      ///< R5
  neighbour_job = 6,      ///< R6
  extension = 7,
};

/// Exclusive phases of an attempt (waste.md §1.1). `unknown` is the remainder, never zero by fiat.
enum class Phase : std::int16_t {
  held = 0,
  queue,
  launch,
  init,
  restore,
  warmup,
  input,
  h2d,
  host,
  compute,
  comm,
  straggle,
  ckpt,
  eval,
  tail,
  redo,
  recover,
  over,
  unknown,
};

template <class E>
struct Named {
  E value;
  std::string_view word;
};

/// All words of an enum, in order; specialised in states.cpp's header part below.
template <class E>
constexpr auto words();

template <>
constexpr auto words<ExperimentState>() {
  using enum ExperimentState;
  return std::to_array<Named<ExperimentState>>({{registered, "registered"},
                                                {discovering, "discovering"},
                                                {refuting, "refuting"},
                                                {decided, "decided"},
                                                {aborted, "aborted"}});
}
template <>
constexpr auto words<ExperimentKind>() {
  using enum ExperimentKind;
  return std::to_array<Named<ExperimentKind>>(
      {{trial, "trial"}, {canary, "canary"}, {reproof, "reproof"}});
}
template <>
constexpr auto words<HypothesisState>() {
  using enum HypothesisState;
  return std::to_array<Named<HypothesisState>>({{proposed, "proposed"},
                                                {awaiting_approval, "awaiting_approval"},
                                                {registered, "registered"},
                                                {decided, "decided"},
                                                {rejected, "rejected"},
                                                {withdrawn, "withdrawn"}});
}
template <>
constexpr auto words<HypothesisSource>() {
  using enum HypothesisSource;
  return std::to_array<Named<HypothesisSource>>(
      {{playbook, "playbook"}, {prior_win, "prior_win"}, {agent, "agent"}, {human, "human"}});
}
template <>
constexpr auto words<PairState>() {
  using enum PairState;
  return std::to_array<Named<PairState>>({{open, "open"}, {complete, "complete"}, {void_, "void"}});
}
template <>
constexpr auto words<RunState>() {
  using enum RunState;
  return std::to_array<Named<RunState>>({{planned, "planned"},
                                         {submitting, "submitting"},
                                         {submitted, "submitted"},
                                         {queued, "queued"},
                                         {held, "held"},
                                         {starting, "starting"},
                                         {running, "running"},
                                         {suspended, "suspended"},
                                         {finishing, "finishing"},
                                         {ended, "ended"}});
}
template <>
constexpr auto words<RunOutcome>() {
  using enum RunOutcome;
  return std::to_array<Named<RunOutcome>>({{succeeded, "succeeded"},
                                           {failed, "failed"},
                                           {timed_out, "timed_out"},
                                           {out_of_memory, "out_of_memory"},
                                           {cancelled, "cancelled"},
                                           {preempted, "preempted"},
                                           {node_failed, "node_failed"},
                                           {launch_failed, "launch_failed"},
                                           {unschedulable, "unschedulable"},
                                           {rejected, "rejected"},
                                           {lost, "lost"}});
}
template <>
constexpr auto words<CauseClass>() {
  using enum CauseClass;
  return std::to_array<Named<CauseClass>>({{none, "none"},
                                           {app, "app"},
                                           {infra, "infra"},
                                           {policy, "policy"},
                                           {operator_, "operator"}});
}
template <>
constexpr auto words<Arm>() {
  return std::to_array<Named<Arm>>({{Arm::baseline, "baseline"}, {Arm::variant, "variant"}});
}
template <>
constexpr auto words<VerdictOutcome>() {
  using enum VerdictOutcome;
  return std::to_array<Named<VerdictOutcome>>({{win, "win"},
                                               {provisional, "provisional"},
                                               {refuted, "refuted"},
                                               {no_effect, "no_effect"},
                                               {inconclusive, "inconclusive"},
                                               {void_, "void"}});
}
template <>
constexpr auto words<Vote>() {
  using enum Vote;
  return std::to_array<Named<Vote>>(
      {{uphold, "uphold"}, {refute, "refute"}, {inconclusive, "inconclusive"}});
}
template <>
constexpr auto words<CheckKind>() {
  using enum CheckKind;
  return std::to_array<Named<CheckKind>>({{discovery, "discovery"},
                                          {later_replication, "later_replication"},
                                          {node_swap, "node_swap"},
                                          {seed_and_shard, "seed_and_shard"},
                                          {scale, "scale"},
                                          {clean_rebuild, "clean_rebuild"},
                                          {neighbour_job, "neighbour_job"},
                                          {extension, "extension"}});
}
template <>
constexpr auto words<Phase>() {
  using enum Phase;
  return std::to_array<Named<Phase>>({{held, "held"},
                                      {queue, "queue"},
                                      {launch, "launch"},
                                      {init, "init"},
                                      {restore, "restore"},
                                      {warmup, "warmup"},
                                      {input, "input"},
                                      {h2d, "h2d"},
                                      {host, "host"},
                                      {compute, "compute"},
                                      {comm, "comm"},
                                      {straggle, "straggle"},
                                      {ckpt, "ckpt"},
                                      {eval, "eval"},
                                      {tail, "tail"},
                                      {redo, "redo"},
                                      {recover, "recover"},
                                      {over, "over"},
                                      {unknown, "unknown"}});
}

/// The word of an enumerator, as SQL and JSON spell it.
template <class E>
constexpr std::string_view name(E value) {
  for (const auto& entry : words<E>()) {
    if (entry.value == value) return entry.word;
  }
  return "?";
}

/// The enumerator of a word, or nothing.
template <class E>
constexpr std::optional<E> parse(std::string_view word) {
  for (const auto& entry : words<E>()) {
    if (entry.word == word) return entry.value;
  }
  return std::nullopt;
}

/// Whether a run in `from` may be recorded as `to`: forward only, and nothing follows `ended`.
constexpr bool may_follow(RunState from, RunState to) {
  using enum RunState;
  if (from == to || from == ended) return false;
  const bool live_on_scheduler = from >= submitted;
  if (to == ended) return true;
  if (to == submitting) return from == planned;
  if (to == submitted) return from == submitting;
  return live_on_scheduler && to > submitted;
}

}  // namespace amdahl::core
