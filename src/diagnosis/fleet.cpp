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

Charge::Part part_of(RunOutcome outcome) {
  switch (outcome) {
    case RunOutcome::succeeded:
      return Charge::Part::unknown;
    case RunOutcome::timed_out:
      return Charge::Part::timed_out;
    case RunOutcome::cancelled:
      return Charge::Part::cancelled;
    case RunOutcome::preempted:
    case RunOutcome::node_failed:
    case RunOutcome::launch_failed:
    case RunOutcome::lost:
      return Charge::Part::redo;
    case RunOutcome::failed:
    case RunOutcome::out_of_memory:
    case RunOutcome::unschedulable:
    case RunOutcome::rejected:
      break;
  }
  return Charge::Part::failed;
}

std::int64_t& part_in(GpuSeconds& spent, Charge::Part part) {
  switch (part) {
    case Charge::Part::unknown:
      return spent.unknown;
    case Charge::Part::timed_out:
      return spent.timed_out;
    case Charge::Part::cancelled:
      return spent.cancelled;
    case Charge::Part::redo:
      return spent.redo;
    case Charge::Part::failed:
      break;
  }
  return spent.failed;
}

// A file may say anything: a sum that no fleet reaches stays where it is.
void add_seconds(std::int64_t& sum, std::int64_t seconds) {
  constexpr std::int64_t sum_max = std::int64_t{1} << 58;  // eight of them still fit into one
  sum = std::min(sum_max, sum + seconds);
}

void add_charge(GpuSeconds& spent, const Charge& charge) {
  add_seconds(spent.over, charge.over);
  add_seconds(spent.launch, charge.launch);
  add_seconds(part_in(spent, charge.part), charge.rest);
  add_seconds(spent.queue, charge.queue);
}

FleetHours hours_of(const GpuSeconds& spent) {
  const auto hours = [](std::int64_t seconds) { return static_cast<double>(seconds) / hour_s; };
  FleetHours in;
  in.paid = hours(spent.paid());
  in.launch = hours(spent.launch);
  in.over = hours(spent.over);
  in.failed = hours(spent.failed);
  in.timed_out = hours(spent.timed_out);
  in.cancelled = hours(spent.cancelled);
  in.redo = hours(spent.redo);
  in.unknown = hours(spent.unknown);
  in.queue = hours(spent.queue);
  return in;
}

// From one moment to the next, as long as times of Slurm can be apart.
std::int64_t seconds_between(std::int64_t from_s, std::int64_t to_s) {
  constexpr std::int64_t apart_max = std::int64_t{1} << 32;
  return std::clamp(to_s - from_s, std::int64_t{0}, apart_max);
}

}  // namespace

Standing standing_of(const core::Attempt& attempt) {
  if (core::is_run_key(attempt.name)) return Standing::experiment;
  if (!attempt.outcome) return Standing::not_ended;
  // What was cancelled in the queue was never given any.
  if (attempt.gpus.value_or(0) <= 0) return Standing::without_gpus;
  if (!attempt.start_s || !attempt.end_s || *attempt.end_s < *attempt.start_s)
    return Standing::without_times;
  return Standing::counted;
}

// Over-allocated GPUs are charged first, all else on used ones only.
Charge charge_of(const core::Attempt& attempt) {
  const auto gpus = std::min(*attempt.gpus, gpus_max);
  const auto used = std::clamp(attempt.step_gpus.value_or(gpus), std::int64_t{0}, gpus);
  const auto lasted = seconds_between(*attempt.start_s, *attempt.end_s);
  const auto launched = std::min(
      lasted, seconds_between(*attempt.start_s, attempt.first_step_s.value_or(*attempt.start_s)));
  Charge charge;
  charge.part = part_of(*attempt.outcome);
  charge.over = (gpus - used) * lasted;
  charge.launch = used * launched;
  charge.rest = used * (lasted - launched);
  if (attempt.eligible_s)
    charge.queue = gpus * seconds_between(*attempt.eligible_s, *attempt.start_s);
  return charge;
}

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
  switch (standing_of(attempt)) {
    case Standing::counted:
      break;
    case Standing::not_ended:
      ++counts.not_ended;
      return;
    case Standing::without_gpus:
      ++counts.without_gpus;
      return;
    case Standing::without_times:
      ++counts.without_times;
      return;
    case Standing::experiment:
      ++counts.experiments;
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
  add_charge(family.spent, charge_of(attempt));
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
    return std::tuple{-a->spent.waste(), -a->spent.unknown} <
           std::tuple{-b->spent.waste(), -b->spent.unknown};
  });
  std::vector<Family> first;
  for (const auto* family : all) {
    if (first.size() == most) break;
    first.push_back(*family);
    first.back().hours = hours_of(family->spent);
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
