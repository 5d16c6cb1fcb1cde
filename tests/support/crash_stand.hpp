#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "support/loop_stand.hpp"

namespace amdahl::test {

/// Where a program dies: the nth crossing of a failpoint; of a shim's or its starter's, the first
/// in the nth one started.
struct Death {
  std::string failpoint;
  int nth = 1;
};
std::string text_of(const Death& death);

/// Does `work` in a child that gets SIGKILL at its first crossing; whether it got there.
bool die_here(const std::function<void()>& work, const std::string& failpoint);

/// What a loop does from beginning to end, chosen so that together they cross every failpoint.
enum class Story {
  measured,  ///< a job is added, its A/A pairs measured, its champion runs in production
  refuted,   ///< a change that fails is tried and decided
  aborted,   ///< a change that never ends is tried and stopped, beside a held orphan
};

/// One story, told by processes that die: each a child of its own that gets SIGKILL, or whose shim
/// does.
class CrashStand {
 public:
  explicit CrashStand(Story story);

  /// Begins the story anew.
  void start_over();
  /// One process tells it on, until its end or its own death. True when the failpoint was crossed.
  /// Throws when the story came to no end.
  bool tell(std::uint64_t seed, const std::optional<Death>& death = std::nullopt);
  /// Every crossing of an undisturbed telling, with shims and starters at their places.
  const std::vector<Death>& crossings() const { return crossings_; }
  /// What is wrong at rest, one line each.
  std::vector<std::string> faults();

  /// Nothing that any ledger awaits, held at the local cluster.
  core::RunSpec orphan() const;

  LoopStand& stand() { return stand_; }

 private:
  int tell_in_child(std::uint64_t seed, const std::optional<Death>& death);
  void submit_orphan();
  bool story_goes_on(LoopStand::Service& service);
  bool was_crossed_outside(const std::string& failpoint) const;
  void check_executions(std::vector<std::string>& faults);
  void check_ledger(std::vector<std::string>& faults);
  void check_machine(std::vector<std::string>& faults);
  void check_rest(std::vector<std::string>& faults);

  Story story_;
  LoopStand stand_;
  std::vector<Death> crossings_;
};

}  // namespace amdahl::test
