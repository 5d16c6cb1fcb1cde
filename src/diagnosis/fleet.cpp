#include "amdahl/diagnosis/fleet.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "amdahl/core/run.hpp"

namespace amdahl::diagnosis {
namespace {

using core::RunOutcome;

constexpr double hour_s = 3600;
constexpr double day_s = 86'400;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Words that a number after them only counts.
bool ends_in_counter(std::string_view word) {
  constexpr std::array<std::string_view, 12> counters{"seed", "run",   "trial", "fold",
                                                      "part", "shard", "task",  "rep",
                                                      "try",  "chunk", "split", "job"};
  return std::any_of(counters.begin(), counters.end(), [&](auto counter) {
    if (!word.ends_with(counter)) return false;
    const auto before = word.size() - counter.size();
    return before == 0 || !is_letter(word[before - 1]);
  });
}

double& part_of(FleetHours& hours, RunOutcome outcome) {
  switch (outcome) {
    case RunOutcome::succeeded:
      return hours.unknown;
    case RunOutcome::timed_out:
      return hours.timed_out;
    case RunOutcome::cancelled:
      return hours.cancelled;
    case RunOutcome::preempted:
    case RunOutcome::node_failed:
    case RunOutcome::launch_failed:
    case RunOutcome::lost:
      return hours.redo;
    case RunOutcome::failed:
    case RunOutcome::out_of_memory:
    case RunOutcome::unschedulable:
    case RunOutcome::rejected:
      break;
  }
  return hours.failed;
}

// Over-allocated GPUs are charged first, all else on used ones only.
void charge(FleetHours& hours, const core::Attempt& attempt, RunOutcome outcome) {
  const auto gpus = static_cast<double>(*attempt.gpus);
  const auto used = static_cast<double>(
      std::clamp(attempt.step_gpus.value_or(*attempt.gpus), std::int64_t{0}, *attempt.gpus));
  const auto lasted = static_cast<double>(*attempt.end_s - *attempt.start_s) / hour_s;
  const auto first =
      std::clamp(attempt.first_step_s.value_or(*attempt.start_s), *attempt.start_s, *attempt.end_s);
  const auto launched = static_cast<double>(first - *attempt.start_s) / hour_s;
  hours.paid += gpus * lasted;
  hours.over += (gpus - used) * lasted;
  hours.launch += used * launched;
  part_of(hours, outcome) += used * (lasted - launched);
  if (attempt.eligible_s && *attempt.eligible_s < *attempt.start_s)
    hours.queue += gpus * static_cast<double>(*attempt.start_s - *attempt.eligible_s) / hour_s;
}

}  // namespace

struct Fleet::State {
  using Key =
      std::tuple<std::string, std::string, std::string, std::string, std::string, std::int64_t>;
  std::map<Key, Family> families;
  Counts counts;
  std::optional<std::int64_t> first_s, last_s;
};

Fleet::Fleet() : state_{std::make_unique<State>()} {}
Fleet::~Fleet() = default;
const Fleet::Counts& Fleet::counts() const { return state_->counts; }

void Fleet::add(const core::Attempt& attempt) {
  auto& counts = state_->counts;
  ++counts.attempts;
  if (core::is_run_key(attempt.name)) {
    ++counts.experiments;
    return;
  }
  if (!attempt.outcome) {
    ++counts.not_ended;
    return;
  }
  // What was cancelled in the queue was never given any.
  if (attempt.gpus.value_or(0) <= 0) {
    ++counts.without_gpus;
    return;
  }
  if (!attempt.start_s || !attempt.end_s || *attempt.end_s < *attempt.start_s) {
    ++counts.without_times;
    return;
  }
  const auto name = family_name(attempt.name);
  auto& family = state_->families[{name, attempt.cluster, attempt.account, attempt.user,
                                   attempt.partition, *attempt.gpus}];
  if (family.runs == 0) {
    family.name = name;
    family.cluster = attempt.cluster;
    family.account = attempt.account;
    family.user = attempt.user;
    family.partition = attempt.partition;
    family.gpus = *attempt.gpus;
  }
  ++family.runs;
  charge(family.hours, attempt, *attempt.outcome);
  state_->first_s = std::min(state_->first_s.value_or(*attempt.start_s), *attempt.start_s);
  state_->last_s = std::max(state_->last_s.value_or(*attempt.end_s), *attempt.end_s);
}

std::optional<double> Fleet::days() const {
  if (!state_->first_s || !state_->last_s) return std::nullopt;
  return static_cast<double>(*state_->last_s - *state_->first_s) / day_s;
}

std::size_t Fleet::families() const { return state_->families.size(); }

std::vector<Family> Fleet::ranked(std::size_t most) const {
  std::vector<const Family*> all;
  for (const auto& [key, family] : state_->families) all.push_back(&family);
  std::stable_sort(all.begin(), all.end(), [](const Family* a, const Family* b) {
    return std::tuple{-a->hours.waste(), -a->hours.paid} <
           std::tuple{-b->hours.waste(), -b->hours.paid};
  });
  std::vector<Family> first;
  for (const auto* family : all) {
    if (first.size() == most) break;
    first.push_back(*family);
  }
  return first;
}

std::string family_name(const std::string& job_name) {
  std::string name;
  for (std::size_t i = 0; i < job_name.size();) {
    if (!is_digit(job_name[i])) {
      name += job_name[i++];
      continue;
    }
    auto end = i;
    while (end < job_name.size() && is_digit(job_name[end])) ++end;
    const bool part_of_a_word = !name.empty() && is_letter(name.back()) && !ends_in_counter(name);
    if (part_of_a_word) {
      name.append(job_name, i, end - i);
    } else if (!name.ends_with('#')) {
      name += '#';
    }
    i = end;
  }
  return name;
}

}  // namespace amdahl::diagnosis
