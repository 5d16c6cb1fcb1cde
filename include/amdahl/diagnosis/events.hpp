#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reads a job's events: line protocol `amdahl/1`. The reader trusts nothing.
namespace amdahl::diagnosis {

/// When the leg ran, on the clock that `m` counts, and the wall clock at its begin.
struct EventWindow {
  double begin_s = 0;       ///< monotonic seconds at exec
  double end_s = 0;         ///< monotonic seconds at exit
  double begin_unix_s = 0;  ///< ties other clocks through `hello.t`; 0 = unknown

  double seconds() const { return end_s - begin_s; }
};

/// What the events of one leg say. Absent = unknown.
struct EventSummary {
  /// Exclusive seconds; `unknown` is the rest, and all of them add up to the window.
  std::map<std::string, double> phase_seconds;
  bool input_is_upper_bound = false;  ///< from waits of steps: the GPU may have been busy meanwhile
  bool cut = false;                   ///< a phase was still open at the end
  std::optional<double> units;
  std::string units_problem;  ///< why units are unknown although some were reported
  std::optional<std::string> sample_digest;
  std::map<std::string, std::optional<double>> metrics;  ///< last value by key; none = not finite
  std::optional<std::int64_t> inside_us;  ///< first hello to last bye as the job's clock saw it
  std::int64_t lines = 0;
  std::int64_t garbage_lines = 0;  ///< too long, no JSON, wrong version, fields of the wrong type
  std::int64_t lost_lines = 0;     ///< gaps in `q`
};

/// Takes the lines of one file in order. Pure; bounded memory whatever comes.
class EventParser {
 public:
  explicit EventParser(EventWindow window);

  /// One line without its end. Garbage is counted, never an error.
  void feed(std::string_view line);

  /// The account so far, as if the leg had ended at the window's end.
  EventSummary summary() const;

 private:
  struct OpenPhase {
    std::optional<std::int64_t> id;
    std::string name;  ///< empty: not charged to any phase
  };
  enum class Gap { before_hello, inside, after_bye };

  struct Line;
  bool take(const Line& line);
  bool take_hello(const Line& line);
  bool take_begin(const Line& line);
  void take_end(const Line& line);
  bool take_steps(const Line& line);
  bool take_metric(const Line& line);
  bool take_work(const Line& line);
  void count_sequence(const Line& line);
  void add_digest(const Line& line);
  void settle_work();
  double clamped(double m) const;
  void advance(double to, std::string_view uncovered);
  void charge(const std::string& phase, double seconds);

  EventWindow window_;
  double offset_s_ = 0;  ///< added to `m` to reach the window's clock
  double cursor_s_;      ///< everything before it is charged
  double bare_s_ = 0;    ///< inside, but in no phase
  double wait_s_ = 0;    ///< of steps
  Gap gap_ = Gap::before_hello;
  std::vector<OpenPhase> open_;
  std::optional<std::int64_t> next_q_;
  std::optional<double> first_hello_m_, last_bye_m_;
  bool explicit_input_ = false;

  double work_units_ = 0, step_units_ = 0;
  std::int64_t works_ = 0, steps_with_n_ = 0;
  std::uint64_t digest_sum_ = 0;
  std::int64_t digests_ = 0;
  bool digests_add_up_ = true;
  std::string one_digest_;
  EventSummary sum_;
};

/// The whole of an event file; a last line without its end is a torn write and counts as garbage.
EventSummary read_events(std::string_view file, EventWindow window);

}  // namespace amdahl::diagnosis
