#include <fmt/format.h>

#include <charconv>

#include "amdahl/diagnosis/events.hpp"
#include "amdahl/diagnosis/readings.hpp"
#include "event_line.hpp"

// What the lines say about work done: units, digest, quality.
namespace amdahl::diagnosis {
namespace {

constexpr std::size_t metrics_max = 256;
constexpr std::size_t metric_key_bytes = 128;
constexpr std::size_t digest_bytes = 128;
constexpr double step_seconds_max = 1e9;

bool is_digest(const std::string& text) {
  return !text.empty() && text.size() <= digest_bytes &&
         text.find_first_not_of(
             "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
             ":._+/=-") == std::string::npos;
}

}  // namespace

bool EventParser::take_steps(const Line& line) {
  const auto wait = line.number("wait");
  if (wait && *wait > 0 && *wait <= step_seconds_max) wait_s_ += *wait;
  // Steps repeated after a restart are no new work.
  if (!line.has("n") || !line.flag("new").value_or(true)) return true;
  const auto n = line.number("n");
  if (const auto problem = units_problem(n); !problem.empty()) {
    if (n == 0) return true;  // a window of steps may see no sample
    sum_.units_problem = "a step event says n " + problem;
    return false;
  }
  step_units_ += *n;
  ++steps_with_n_;
  return true;
}

bool EventParser::take_metric(const Line& line) {
  const auto key = line.text("key");
  if (!key || key->empty() || key->size() > metric_key_bytes) return false;
  if (sum_.metrics.size() >= metrics_max && !sum_.metrics.contains(*key)) return false;
  sum_.metrics[*key] = line.number("val");
  return true;
}

bool EventParser::take_work(const Line& line) {
  ++works_;
  const auto n = line.number("n");
  if (const auto problem = units_problem(n); !problem.empty()) {
    sum_.units_problem = "the work event says n " + problem;
    return false;
  }
  work_units_ += *n;
  add_digest(line);
  return true;
}

void EventParser::add_digest(const Line& line) {
  const auto digest = line.text("digest");
  if (!digest || !is_digest(*digest)) return;
  ++digests_;
  one_digest_ = *digest;
  std::uint64_t part = 0;
  const auto end = digest->data() + digest->size();
  const auto read = std::from_chars(digest->data(), end, part, 16);
  const bool adds_up = digest->size() == 16 && read.ec == std::errc{} && read.ptr == end;
  digests_add_up_ = digests_add_up_ && adds_up;
  digest_sum_ += part;  // sums of hashes modulo 2^64: parts of a run add up in any order
}

void EventParser::settle_work() {
  if (works_ > 0 && digests_ == works_ && digests_add_up_) {
    sum_.sample_digest = fmt::format("{:016x}", digest_sum_);
  } else if (works_ == 1 && digests_ == 1) {
    sum_.sample_digest = one_digest_;
  }
  if (!sum_.units_problem.empty()) return;
  if (works_ > 0) {
    sum_.units = work_units_;
  } else if (steps_with_n_ > 0 && sum_.lost_lines > 0) {
    sum_.units_problem = fmt::format(
        "{} event lines were lost, so the steps do not add up to the whole", sum_.lost_lines);
  } else if (steps_with_n_ > 0) {
    sum_.units = step_units_;
  }
}

}  // namespace amdahl::diagnosis
