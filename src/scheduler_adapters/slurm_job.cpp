#include "slurm_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "amdahl/core/quantity.hpp"

namespace amdahl::scheduler_adapters::slurm {

using core::CauseClass;
using core::RunOutcome;
using core::RunState;

namespace {

constexpr std::size_t hosts_max = 10'000;

struct Word {
  std::string_view word;
  RunState state;
  std::optional<RunOutcome> outcome = std::nullopt;
  CauseClass cause = CauseClass::none;
  bool tainted = false;
};

// Words that are not here are no state: a newer Slurm may have more.
constexpr std::array<Word, 27> state_words{{
    {"PENDING", RunState::queued},
    {"CONFIGURING", RunState::starting},
    {"RUNNING", RunState::running},
    {"RESIZING", RunState::running},
    {"SIGNALING", RunState::running},
    {"EXPEDITING", RunState::running},
    {"SUSPENDED", RunState::suspended, {}, CauseClass::none, true},
    {"STOPPED", RunState::suspended, {}, CauseClass::none, true},
    {"COMPLETING", RunState::finishing},
    {"STAGE_OUT", RunState::finishing},
    {"REQUEUED", RunState::queued, {}, CauseClass::none, true},
    {"REQUEUE_FED", RunState::queued, {}, CauseClass::none, true},
    {"REQUEUE_HOLD", RunState::held, {}, CauseClass::none, true},
    {"SPECIAL_EXIT", RunState::held, {}, CauseClass::none, true},
    {"COMPLETED", RunState::ended, RunOutcome::succeeded, CauseClass::app},
    {"FAILED", RunState::ended, RunOutcome::failed, CauseClass::app},
    {"TIMEOUT", RunState::ended, RunOutcome::timed_out, CauseClass::app},
    {"DEADLINE", RunState::ended, RunOutcome::timed_out, CauseClass::app},
    {"OUT_OF_MEMORY", RunState::ended, RunOutcome::out_of_memory, CauseClass::app},
    {"CANCELLED", RunState::ended, RunOutcome::cancelled, CauseClass::operator_},
    {"PREEMPTED", RunState::ended, RunOutcome::preempted, CauseClass::infra},
    {"NODE_FAIL", RunState::ended, RunOutcome::node_failed, CauseClass::infra},
    {"BOOT_FAIL", RunState::ended, RunOutcome::launch_failed, CauseClass::infra},
    {"LAUNCH_FAILED", RunState::ended, RunOutcome::launch_failed, CauseClass::infra},
    {"RECONFIG_FAIL", RunState::ended, RunOutcome::launch_failed, CauseClass::infra},
    {"POWER_UP_NODE", RunState::starting},
    {"UPDATE_DB", RunState::finishing},
}};

// Reasons of a pending job that never go away by themselves.
constexpr std::array<std::string_view, 10> hopeless{
    "PartitionTimeLimit", "PartitionNodeLimit", "BadConstraints", "DependencyNeverSatisfied",
    "InvalidAccount",     "InvalidQOS",         "QOSNotAllowed",  "AccountNotAllowed",
    "PartitionDown",      "PartitionInactive"};

const Word* find_word(std::string_view text) {
  const auto word = text.substr(0, text.find(' '));  // `CANCELLED by 0`
  const auto it = std::find_if(state_words.begin(), state_words.end(),
                               [&](const Word& each) { return each.word == word; });
  return it == state_words.end() ? nullptr : &*it;
}

bool is_one_of_hopeless(std::string_view reason) {
  return std::find(hopeless.begin(), hopeless.end(), reason) != hopeless.end() ||
         reason.starts_with("AssocMax") || reason.starts_with("QOSMax");
}

// An end waits for what still goes on: COMPLETING beside COMPLETED is no end.
bool goes_before(const Word& flag, const Word& base) {
  return base.state == RunState::ended && flag.state != RunState::ended;
}

struct Range {
  std::int64_t first = 0, last = 0;
  std::size_t digits = 0;
};

std::optional<Range> range_of(std::string_view text) {
  const auto dash = text.find('-');
  const auto low = text.substr(0, dash);
  const auto high = dash == std::string_view::npos ? low : text.substr(dash + 1);
  const auto first = core::parse_whole(low), last = core::parse_whole(high);
  if (!first || !last || *last < *first) return std::nullopt;
  return Range{*first, *last, low.size()};
}

// One entry without its commas: `n[1-3,07]x`.
bool expand_one(std::string_view entry, std::vector<std::string>& all) {
  const auto open = entry.find('[');
  if (open == std::string_view::npos) {
    all.emplace_back(entry);
    return !entry.empty() && all.size() <= hosts_max;
  }
  const auto close = entry.find(']', open);
  if (close == std::string_view::npos || entry.find('[', close) != std::string_view::npos)
    return false;
  auto ranges = entry.substr(open + 1, close - open - 1);
  for (;;) {
    const auto comma = ranges.find(',');
    const auto range = range_of(ranges.substr(0, comma));
    if (!range) return false;
    if (static_cast<std::size_t>(range->last - range->first) >= hosts_max) return false;
    for (auto i = range->first; i <= range->last; ++i) {
      all.push_back(fmt::format("{}{:0{}}{}", entry.substr(0, open), i, range->digits,
                                entry.substr(close + 1)));
      if (all.size() > hosts_max) return false;
    }
    if (comma == std::string_view::npos) return true;
    ranges.remove_prefix(comma + 1);
  }
}

}  // namespace

Meaning meaning_of(const Job& job) {
  Meaning meaning;
  meaning.raw = fmt::format("{}", fmt::join(job.states, "+"));
  if (!job.reason.empty() && job.reason != "None") meaning.raw += ": " + job.reason;
  const Word* decides = nullptr;
  for (const auto& state : job.states) {
    const auto* word = find_word(state);
    if (word == nullptr) return meaning;  // an end beside a word that nobody knows is not trusted
    meaning.tainted |= word->tainted;
    if (decides == nullptr || goes_before(*word, *decides) ||
        (decides->state == RunState::queued && word->state == RunState::held))
      decides = word;
  }
  if (decides == nullptr) return meaning;
  meaning.state = decides->state;
  meaning.outcome = decides->outcome;
  meaning.cause = decides->cause;
  meaning.tainted |= job.restarts > 0;
  if (meaning.state == RunState::queued) {
    if (job.reason == "JobHeldUser" || job.reason == "JobHeldAdmin" ||
        job.reason == "launch_failed_requeued_held" || job.priority == 0)
      meaning.state = RunState::held;
    meaning.hopeless = is_one_of_hopeless(job.reason);
  }
  // Ended before it began: the limit was the queue's, not the program's.
  if (decides->word == "DEADLINE" && !job.start_s) meaning.cause = CauseClass::policy;
  return meaning;
}

std::optional<std::vector<std::string>> expand_hosts(std::string_view list) {
  std::vector<std::string> all;
  while (!list.empty()) {
    const auto open = list.find('[');
    auto comma = list.find(',');
    if (open < comma) {
      const auto close = list.find(']', open);
      if (close == std::string_view::npos) return std::nullopt;
      comma = list.find(',', close);
    }
    if (!expand_one(list.substr(0, comma), all)) return std::nullopt;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
    if (list.empty()) return std::nullopt;
  }
  return all;
}

std::optional<std::int64_t> gpus_of_tres(std::string_view tres) {
  std::optional<std::int64_t> gpus;
  bool allocated = false;
  while (!tres.empty()) {
    const auto comma = tres.find(',');
    const auto item = tres.substr(0, comma);
    const auto equals = item.find('=');
    const auto name = item.substr(0, equals);
    const auto value = equals == std::string_view::npos
                           ? std::nullopt
                           : core::parse_whole(item.substr(equals + 1));
    if (name == "node") allocated = value.has_value();
    if (name == "gres/gpu" && value) gpus = *value;  // `gres/gpu:h100` says the same once more
    tres.remove_prefix(comma == std::string_view::npos ? tres.size() : comma + 1);
  }
  if (!allocated) return std::nullopt;
  return gpus.value_or(0);
}

}  // namespace amdahl::scheduler_adapters::slurm
