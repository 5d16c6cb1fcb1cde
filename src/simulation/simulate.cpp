#include "amdahl/simulation/simulate.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "dice.hpp"
#include "schedule.hpp"

namespace amdahl::simulation {
namespace {

constexpr std::size_t violations_shown = 20;  // one is enough to work with
constexpr int replays_max = 300;              // of one violation, to shorten it

/// Fewer faults that still break the same rule: halves first, then one at a time.
ScheduleResult shortest(std::uint64_t seed, ScheduleResult found) {
  int replays = 0;
  for (auto chunk = std::max<std::size_t>(found.faults.size() / 2, 1);; chunk /= 2) {
    for (std::size_t from = 0; from < found.faults.size() && replays < replays_max;) {
      auto fewer = found.faults;
      const auto first = fewer.begin() + static_cast<std::ptrdiff_t>(from);
      fewer.erase(first, first + static_cast<std::ptrdiff_t>(std::min(chunk, fewer.size() - from)));
      ++replays;
      auto again = run_schedule(seed, fewer);
      if (again.broken && again.broken->invariant == found.broken->invariant) {
        found = std::move(again);
      } else {
        from += chunk;
      }
    }
    if (chunk <= 1) return found;
  }
}

class Runs {
 public:
  explicit Runs(const SimulateOptions& options) : options_{options} {}

  void work() {
    for (auto number = next_++; number < options_.schedules; number = next_++) {
      if (options_.first && broken_) return;
      const auto seed = schedule_seed(options_.seed, number);
      const auto result = run_schedule(seed);
      const std::lock_guard lock{mutex_};
      add(number, seed, result);
      if (options_.progress) options_.progress(report_.schedules);
    }
  }

  SimulateReport finish() {
    std::sort(found_.begin(), found_.end(),
              [](const auto& a, const auto& b) { return a.number < b.number; });
    found_.resize(std::min(found_.size(), violations_shown));
    for (auto& entry : found_) {
      auto shown =
          options_.first ? std::move(entry.result) : shortest(entry.seed, std::move(entry.result));
      report_.violation_list.push_back(
          {entry.seed, shown.broken->invariant, shown.broken->what, std::move(shown.trace)});
    }
    return std::move(report_);
  }

 private:
  struct Found {
    std::uint64_t number, seed;
    ScheduleResult result;
  };

  void add(std::uint64_t number, std::uint64_t seed, const ScheduleResult& result) {
    ++report_.schedules;
    report_.crashes += result.crashes;
    report_.stalls += result.stalls;
    report_.seam_calls += result.seam_calls;
    if (!result.broken) return;
    ++report_.violations;
    broken_ = true;
    found_.push_back({number, seed, result});
  }

  const SimulateOptions& options_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<bool> broken_{false};
  std::mutex mutex_;
  SimulateReport report_;
  std::vector<Found> found_;
};

}  // namespace

std::uint64_t schedule_seed(std::uint64_t seed, std::uint64_t number) {
  return number == 0 ? seed : Dice::mixed(seed + number * 0x9E3779B97F4A7C15U);
}

SimulateReport simulate(const SimulateOptions& options) {
  Runs runs{options};
  const auto cores = std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::thread> others;
  for (unsigned i = 1; i < (options.threads == 0 ? cores : options.threads); ++i)
    others.emplace_back([&runs] { runs.work(); });
  runs.work();
  for (auto& thread : others) thread.join();
  return runs.finish();
}

}  // namespace amdahl::simulation
