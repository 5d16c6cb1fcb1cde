#include "amdahl/diagnosis/events.hpp"

#include <algorithm>
#include <cmath>

#include "event_line.hpp"

namespace amdahl::diagnosis {
namespace {

constexpr std::size_t open_phases_max = 64;       // deeper nesting is a bug of the job
constexpr std::size_t phases_max = 64;            // distinct names; the rest stays in `unknown`
constexpr std::int64_t lost_lines_max = 1 << 30;  // a `q` out of thin air
constexpr double clock_slack_s = 1.0;             // hello may be stamped a little outside

}  // namespace

EventParser::EventParser(EventWindow window) : window_{window}, cursor_s_{window.begin_s} {
  window_.end_s = std::max(window_.begin_s, window_.end_s);
}

void EventParser::feed(std::string_view text) {
  if (text.empty()) return;
  ++sum_.lines;
  const auto line = Line::parse(text);
  if (!line || !take(*line)) ++sum_.garbage_lines;
}

bool EventParser::take(const Line& line) {
  if (line.kind == "hello") return take_hello(line);
  count_sequence(line);
  advance(clamped(line.m), "");
  if (line.kind == "b") return take_begin(line);
  if (line.kind == "e") take_end(line);
  if (line.kind == "s") return take_steps(line);
  if (line.kind == "met") return take_metric(line);
  if (line.kind == "work") return take_work(line);
  if (line.kind == "bye") {
    sum_.cut = sum_.cut || !open_.empty();
    open_.clear();
    gap_ = Gap::after_bye;
    last_bye_m_ = line.m;
  }
  return true;  // `ck`, `cfg`, `note` and kinds of later versions say nothing about time or work.
}

bool EventParser::take_hello(const Line& line) {
  const bool new_process = line.whole("q") == 0;
  if (new_process || !first_hello_m_) {
    const auto fits = [&](double at) {
      return at >= window_.begin_s - clock_slack_s && at <= window_.end_s + clock_slack_s;
    };
    offset_s_ = 0;
    if (const auto t = line.number("t"); !fits(line.m) && t && window_.begin_unix_s > 0) {
      const double offset = window_.begin_s + (*t - window_.begin_unix_s) - line.m;
      if (fits(line.m + offset)) offset_s_ = offset;
    }
    next_q_ = line.whole("q");
  }
  count_sequence(line);
  advance(clamped(line.m), gap_ == Gap::inside ? "" : "init");
  if (new_process) {
    sum_.cut = sum_.cut || !open_.empty();
    open_.clear();
  }
  gap_ = Gap::inside;
  if (!first_hello_m_) first_hello_m_ = line.m;
  return true;
}

bool EventParser::take_begin(const Line& line) {
  const auto name = line.text("ph");
  if (!name || name->empty()) return false;
  if (line.flag("par").value_or(false)) return true;  // overlapped work costs no time of its own
  if (open_.size() >= open_phases_max) return false;
  auto key = phase_key(*name);
  if (key == "x:unknown") key.clear();
  explicit_input_ = explicit_input_ || key == "input";
  open_.push_back({line.whole("id"), std::move(key)});
  return true;
}

void EventParser::take_end(const Line& line) {
  const auto id = line.whole("id");
  const auto found = std::find_if(open_.rbegin(), open_.rend(),
                                  [&](const OpenPhase& phase) { return !id || phase.id == id; });
  if (found != open_.rend()) open_.erase(std::next(found).base());
}

void EventParser::count_sequence(const Line& line) {
  const auto q = line.whole("q");
  if (!q || *q < 0) return;
  if (next_q_ && *q > *next_q_) {
    sum_.lost_lines =
        std::min(lost_lines_max, sum_.lost_lines + std::min(lost_lines_max, *q - *next_q_));
  }
  if (!next_q_ || *q >= *next_q_) next_q_ = *q < INT64_MAX ? *q + 1 : *q;
}

double EventParser::clamped(double m) const {
  return std::clamp(m + offset_s_, window_.begin_s, window_.end_s);
}

void EventParser::charge(const std::string& phase, double seconds) {
  auto& all = sum_.phase_seconds;
  if (phase.empty() || (all.size() >= phases_max && !all.contains(phase))) return;
  all[phase] += seconds;
}

// Charges the time since the last event: to the innermost open phase, else to `uncovered`.
void EventParser::advance(double to, std::string_view uncovered) {
  const double seconds = to - cursor_s_;
  if (!(seconds > 0)) return;  // lines of several threads may stand out of order
  cursor_s_ = to;
  if (!open_.empty()) {
    charge(open_.back().name, seconds);
  } else if (!uncovered.empty()) {
    charge(std::string{uncovered}, seconds);
  } else if (gap_ == Gap::inside) {
    bare_s_ += seconds;
  }
}

EventSummary EventParser::summary() const {
  auto end = *this;
  end.sum_.cut = end.sum_.cut || !open_.empty();
  end.advance(window_.end_s, gap_ == Gap::after_bye ? "tail" : "");
  auto& sum = end.sum_;
  if (!explicit_input_ && wait_s_ > 0) {
    // Never more than the time in no phase: a wait inside `eval` is part of `eval`.
    end.charge("input", std::min(wait_s_, end.bare_s_));
    sum.input_is_upper_bound = true;
  }
  double known = 0;
  for (const auto& [phase, seconds] : sum.phase_seconds) known += seconds;
  sum.phase_seconds["unknown"] = std::max(0.0, window_.seconds() - known);
  end.settle_work();
  if (first_hello_m_ && last_bye_m_ && *last_bye_m_ >= *first_hello_m_) {
    sum.inside_us = std::llround((*last_bye_m_ - *first_hello_m_) * 1e6);
  }
  return sum;
}

EventSummary read_events(std::string_view file, EventWindow window) {
  EventParser parser{window};
  while (!file.empty()) {
    const auto end = file.find('\n');
    // A torn line must not be read as a shorter truth: "n":12 of "n":1280.
    parser.feed(end == std::string_view::npos ? "torn" : file.substr(0, end));
    file.remove_prefix(end == std::string_view::npos ? file.size() : end + 1);
  }
  return parser.summary();
}

}  // namespace amdahl::diagnosis
