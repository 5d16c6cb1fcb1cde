#include "slurm_run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/core/quantity.hpp"
#include "amdahl/core/sha256.hpp"
#include "amdahl/run_files/durable.hpp"
#include "amdahl/run_files/formats.hpp"
#include "amdahl/run_files/life_lock.hpp"
#include "amdahl/run_files/names.hpp"

namespace amdahl::scheduler_adapters::slurm {

namespace fs = std::filesystem;
namespace names = run_files::names;
using core::CauseClass;
using core::RunOutcome;
using core::RunState;
using nlohmann::json;

namespace {

constexpr std::string_view comment_mark = "amdahl1";
constexpr std::int64_t us_per_s = 1'000'000;
constexpr std::size_t small_file_bytes = 64 * 1024;

bool is_there(const fs::path& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string text_in(const fs::path& path) {
  auto text = run_files::read_file(path, small_file_bytes);
  return text ? std::move(*text) : std::string{};
}

std::optional<json> object_in(const fs::path& path) {
  const auto text = run_files::read_file(path, small_file_bytes);
  if (!text) return std::nullopt;
  auto value = core::parse_json(*text, path.string());
  if (!value || !value->is_object()) return std::nullopt;
  return std::move(*value);
}

void end_run(Observation& seen, RunOutcome outcome, CauseClass cause, std::string reason) {
  seen.state = RunState::ended;
  seen.outcome = outcome;
  seen.cause = cause;
  seen.reason = std::move(reason);
}

// Slurm's word for an end that a whole result does not contradict: the shim was told to stop.
bool explains_a_stop(const std::optional<RunOutcome>& outcome) {
  return outcome == RunOutcome::preempted || outcome == RunOutcome::node_failed ||
         outcome == RunOutcome::timed_out;
}

void end_by_result_file(Observation& seen, const core::RunResult& result, const Meaning* meaning) {
  seen.started_at_us = result.start_us;
  seen.ended_at_us = result.end_us;
  if (!result.node.empty())
    seen.nodes = expand_hosts(result.node).value_or(std::vector{result.node});
  if (result.cancelled && meaning != nullptr && explains_a_stop(meaning->outcome)) {
    const auto cause =
        meaning->outcome == RunOutcome::timed_out ? CauseClass::policy : CauseClass::infra;
    return end_run(seen, *meaning->outcome, cause, meaning->raw);
  }
  if (result.cancelled)
    return end_run(seen, RunOutcome::cancelled, CauseClass::operator_, "cancelled");
  if (!result.problem.empty())
    return end_run(seen, RunOutcome::launch_failed, CauseClass::infra, result.problem);
  // Legs that failed are in the result: the run did its work.
  end_run(seen, RunOutcome::succeeded, CauseClass::none, "");
}

// What the adapter wrote before it cancelled a job that would never have started.
bool end_by_giving_up(Observation& seen, const fs::path& directory) {
  const auto given_up = text_in(directory / files::given_up);
  const auto space = given_up.find(' ');
  const auto outcome = core::parse<RunOutcome>(given_up.substr(0, space));
  if (!outcome) return false;
  const auto cause = *outcome == RunOutcome::unschedulable ? CauseClass::policy : CauseClass::infra;
  end_run(seen, *outcome, cause, given_up.substr(std::min(space, given_up.size() - 1) + 1));
  return true;
}

// Slurm says that it is over and there is no result, although a shared disk had time to show one.
void end_without_result_file(Observation& seen, const fs::path& directory, const Meaning& meaning,
                             const core::Error& why) {
  using enum RunOutcome;
  const bool garbage = why.code != core::ErrorCode::not_found;
  if (meaning.outcome == cancelled && end_by_giving_up(seen, directory)) return;
  switch (meaning.outcome.value_or(lost)) {
    case cancelled:
      return end_run(seen, cancelled, meaning.cause, meaning.raw);
    case preempted:
    case node_failed:
    case timed_out:
    case out_of_memory:
      return end_run(seen, *meaning.outcome, meaning.cause, meaning.raw);
    default:
      break;
  }
  if (seen.claimed) {
    // A leg that fails does not end the shim: the shim itself did not get to write.
    return end_run(
        seen, lost, CauseClass::infra,
        (garbage ? why.message : "the shim ended without a result") + "; " + meaning.raw);
  }
  const auto failure =
      run_files::read_file(directory / names::failure, core::limits::error_tail_bytes);
  if (failure) return end_run(seen, launch_failed, CauseClass::infra, *failure);
  const auto log = run_files::read_file_end(directory / names::log, core::limits::error_tail_bytes);
  end_run(seen, launch_failed, CauseClass::infra,
          meaning.raw + (log && !log->empty() ? ": " + *log : ""));
}

void end_job(Observation& seen, const Job& job, const fs::path& directory, const Meaning& meaning,
             const Patience& patience) {
  const auto result = run_files::read_result(directory);
  const auto claim = claimed_by(directory);
  seen.claimed = claim && (claim->empty() || *claim == job.id);
  // Another submission of the key has the claim: its result is not this one's.
  const bool others = claim && !seen.claimed;
  if (result && result->key == seen.key && !others)
    return end_by_result_file(seen, *result, &meaning);
  const bool may_have_one = seen.claimed || meaning.outcome == RunOutcome::succeeded ||
                            meaning.outcome == RunOutcome::failed;
  if (may_have_one && !others && job.end_s &&
      patience.now_s < *job.end_s + patience.result_grace.count()) {
    seen.state = RunState::finishing;
    seen.reason = "its result is not visible yet";
    return;
  }
  if (others) return end_run(seen, RunOutcome::launch_failed, CauseClass::infra, "a duplicate");
  end_without_result_file(
      seen, directory, meaning,
      result ? core::invalid_input("result.json names another run") : result.error());
}

}  // namespace

std::string scope_of(const fs::path& run_dir) {
  constexpr std::size_t scope_bytes = 4;
  const auto digest = core::sha256(run_dir.string());
  return core::hex(std::span{digest}.first(scope_bytes));
}

std::string comment_of(const Carried& carried) {
  const auto& [term, fence, head_seq, head_hash] = carried.witness;
  return fmt::format("{} {} {} {} {} {}", comment_mark, carried.scope, term.empty() ? "-" : term,
                     fence, head_seq, head_hash.empty() ? "-" : head_hash);
}

std::optional<Carried> read_comment(std::string_view comment) {
  std::array<std::string_view, 6> words;
  std::size_t count = 0;
  while (!comment.empty()) {
    const auto space = comment.find(' ');
    if (const auto word = comment.substr(0, space); !word.empty()) {
      if (count == words.size()) return std::nullopt;
      words[count++] = word;
    }
    comment.remove_prefix(space == std::string_view::npos ? comment.size() : space + 1);
  }
  const auto fence = core::parse_whole(words[3]), head_seq = core::parse_whole(words[4]);
  if (count != words.size() || words[0] != comment_mark || !fence || !head_seq) return std::nullopt;
  const auto text = [](std::string_view word) { return std::string{word == "-" ? "" : word}; };
  return Carried{std::string{words[1]}, {text(words[2]), *fence, *head_seq, text(words[5])}};
}

NativeRef ref_of(const Job& job) { return {job.id, job.submit_s.value_or(0) * us_per_s}; }

core::Result<void> write_submitted(const fs::path& directory, const NativeRef& ref) {
  const json value{{"job_id", ref.native_id}, {"submitted_at_us", ref.submitted_at_us}};
  return run_files::write_file(directory / files::submitted, core::canonical_json(value));
}

std::optional<NativeRef> read_submitted(const fs::path& directory) {
  const auto value = object_in(directory / files::submitted);
  if (!value) return std::nullopt;
  const auto id = value->find("job_id"), at = value->find("submitted_at_us");
  if (id == value->end() || !id->is_string() || at == value->end() || !at->is_number_integer())
    return std::nullopt;
  return NativeRef{id->get<std::string>(), at->get<std::int64_t>()};
}

std::optional<std::string> claimed_by(const fs::path& directory) {
  const auto claim = directory / names::claim;
  const auto value = object_in(claim);
  // Unreadable is not unclaimed.
  if (!value) return is_there(claim) ? std::optional<std::string>{""} : std::nullopt;
  const auto id = value->find("job_id");
  return id != value->end() && id->is_string() ? id->get<std::string>() : std::string{};
}

Observation observe_job(const Job& job, const fs::path& directory, const Patience& patience) {
  Observation seen;
  seen.key = core::RunKey{job.name};
  seen.ref = ref_of(job);
  seen.nodes = job.nodes;
  seen.started_at_us = job.start_s.value_or(0) * us_per_s;
  seen.ended_at_us = job.end_s.value_or(0) * us_per_s;
  if (const auto carried = read_comment(job.comment)) {
    seen.witness = carried->witness;
  } else if (const auto spec = run_files::read_spec(directory)) {
    seen.witness = spec->witness;
  }
  const auto meaning = meaning_of(job);
  seen.tainted = meaning.tainted;
  seen.reason = meaning.raw;
  if (!meaning.state) {
    // Neither an end nor a lie: it is there, and nobody here knows the word for it.
    seen.state = is_there(directory / names::claim) ? RunState::running : RunState::queued;
    seen.reason = "a state that is not known here: " + meaning.raw;
    return seen;
  }
  seen.state = *meaning.state;
  if (seen.state == RunState::ended) {
    end_job(seen, job, directory, meaning, patience);
    return seen;
  }
  const auto claim = claimed_by(directory);
  seen.claimed = claim && (claim->empty() || *claim == job.id);
  if (seen.state == RunState::held || seen.state == RunState::queued) {
    const bool others = job.reason == "JobHeldAdmin" || job.reason == "launch_failed_requeued_held";
    // A controller that came back with an older state has forgotten that it ran.
    seen.held_by_us = seen.state == RunState::held && !others && !meaning.tainted && !seen.claimed;
    if (seen.state == RunState::queued && !meaning.hopeless) seen.reason = job.reason;
  } else if (!seen.claimed && seen.state == RunState::running) {
    seen.state = RunState::starting;
  }
  return seen;
}

std::optional<Observation> observe_without_job(const core::RunKey& key, const fs::path& directory) {
  Observation seen;
  seen.key = key;
  const auto claim = claimed_by(directory);
  seen.claimed = claim.has_value();
  const auto submitted = read_submitted(directory);
  if (submitted) seen.ref = *submitted;
  // Of two submissions it was the one that took the claim.
  if (claim && !claim->empty() && *claim != seen.ref.native_id) seen.ref = {*claim, 0};
  if (const auto spec = run_files::read_spec(directory)) seen.witness = spec->witness;
  const auto result = run_files::read_result(directory);
  if (result && result->key == key) {
    end_by_result_file(seen, *result, nullptr);
    return seen;
  }
  if (!seen.claimed) {
    if (submitted && end_by_giving_up(seen, directory)) return seen;
    return std::nullopt;
  }
  const auto locked = run_files::is_locked(directory / names::lock);
  if (!locked || *locked) {
    // A controller may forget a job that goes on; where locks cannot be seen it may do so as well.
    seen.state = RunState::running;
    seen.reason = locked ? "Slurm has forgotten its job, the shim lives"
                         : "Slurm has forgotten its job; " + locked.error().message;
    return seen;
  }
  end_run(seen, RunOutcome::lost, CauseClass::infra,
          "Slurm has forgotten its job, and the shim ended without a result");
  return seen;
}

}  // namespace amdahl::scheduler_adapters::slurm
