#include "amdahl/loop/pace.hpp"

#include <algorithm>

namespace amdahl::loop {

// A run that is about to end is looked at again soon, then ever more rarely: no webhook tells when
// it has. Whatever changes begins that anew.
std::chrono::milliseconds Pace::after(const CycleReport& report) {
  using std::chrono::milliseconds;
  if (report.acted) {
    ending_pause_ = intervals_.busy;
    return milliseconds::zero();
  }
  if (!report.runs_live) return intervals_.idle;
  const auto rarely = std::max(intervals_.busy, report.poll_interval);
  if (!report.runs_ending) return rarely;
  const auto soon = std::clamp(ending_pause_, intervals_.busy, rarely);
  ending_pause_ = 2 * soon;
  return soon;
}

}  // namespace amdahl::loop
