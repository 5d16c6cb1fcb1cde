#include "measure.hpp"

#include <string_view>

#include "amdahl/core/limits.hpp"
#include "amdahl/diagnosis/events.hpp"
#include "amdahl/diagnosis/readings.hpp"
#include "amdahl/run_files/durable.hpp"
#include "line_files.hpp"

namespace amdahl::worker {
namespace {

using core::Source;
using diagnosis::Reading;

struct EventTraces {
  diagnosis::EventSummary summary;
  std::string problem;  ///< why there are none
};

EventTraces read_event_file(const LegFolder& folder, const LegTimes& times) {
  diagnosis::EventParser parser{{static_cast<double>(times.exec_ns) / 1e9,
                                 static_cast<double>(times.exit_ns) / 1e9,
                                 static_cast<double>(times.start_us) / 1e6}};
  const auto take = [&](std::string_view line) {
    parser.feed(line);
    return true;
  };
  // A torn line must not be read as a shorter truth: "n":12 of "n":1280.
  const auto torn = [&](std::string_view) { return take("torn"); };
  const auto done = read_lines(folder.events, core::limits::event_file_bytes, take, torn);
  EventTraces traces{parser.summary(), {}};
  std::error_code ignored;
  if (std::filesystem::file_size(folder.events, ignored) > core::limits::event_file_bytes && done) {
    // What was not read may be more work: a part is not the whole.
    traces.summary.units.reset();
    traces.summary.units_problem =
        "events beyond " + std::to_string(core::limits::event_file_bytes) + " bytes are not read";
  }
  if (!done) {
    traces.problem = done.error().code == core::ErrorCode::not_found
                         ? "the job wrote no events"
                         : "events unread: " + done.error().message;
  }
  return traces;
}

Reading read_source(const Source& source, const LegFolder& folder) {
  if (source.kind == Source::Kind::regex) {
    diagnosis::LastMatch last{source.regex};
    const auto take = [&](std::string_view line) { return last.feed(line); };
    for (const auto& file : {folder.standard_output, folder.standard_error}) {
      const auto done = read_lines_backwards(file, core::limits::leg_output_bytes, take);
      if (!done) return {{}, done.error().message};
    }
    return last.reading();
  }
  const auto relative = std::filesystem::path{source.file}.lexically_normal();
  if (relative.is_absolute() || relative.empty() || *relative.begin() == "..") {
    return {{}, "`" + source.file + "` is not below the leg's working directory"};
  }
  const auto content = run_files::read_file(folder.code / relative, core::limits::result_bytes);
  if (!content) return {{}, content.error().message};
  return diagnosis::read_by_pointer(source.pointer, *content, source.file);
}

Reading units_of(const core::RunSpec& spec, const LegFolder& folder, const EventTraces& events) {
  if (spec.units.kind != Source::Kind::event) {
    return diagnosis::as_units(read_source(spec.units, folder));
  }
  if (events.summary.units) return {events.summary.units, {}};
  if (!events.summary.units_problem.empty()) return {{}, events.summary.units_problem};
  if (!events.problem.empty()) return {{}, events.problem};
  return {{}, "no event reports units (`work`, or `s` with n)"};
}

Reading quality_of(const core::RunSpec& spec, const LegFolder& folder, const EventTraces& events) {
  if (spec.quality.kind != Source::Kind::event) return read_source(spec.quality, folder);
  const auto found = events.summary.metrics.find(spec.quality_metric);
  if (found != events.summary.metrics.end()) {
    if (found->second) return {found->second, {}};
    return {{}, "metric " + spec.quality_metric + " is not a finite number"};
  }
  if (!events.problem.empty()) return {{}, events.problem};
  return {{}, "no event reports the metric " + spec.quality_metric};
}

void add_problem(std::string& problems, std::string_view what, const std::string& problem) {
  if (problem.empty()) return;
  problems += (problems.empty() ? "" : "; ") + std::string{what} + " unknown: " + problem;
}

}  // namespace

void measure(const core::RunSpec& spec, const LegFolder& folder, const LegTimes& times,
             core::LegResult& leg) {
  auto events = read_event_file(folder, times);
  leg.phase_seconds = events.summary.phase_seconds;
  leg.inside_us = events.summary.inside_us;
  leg.sample_digest = events.summary.sample_digest;
  const auto units = units_of(spec, folder, events);
  leg.units = units.value;
  add_problem(leg.problem, "units", units.problem);
  if (!spec.has_quality) return;
  const auto quality = quality_of(spec, folder, events);
  leg.quality = quality.value;
  add_problem(leg.problem, "quality", quality.problem);
}

}  // namespace amdahl::worker
