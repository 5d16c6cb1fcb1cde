#include "measure.hpp"

#include <array>
#include <string_view>

#include "amdahl/core/limits.hpp"
#include "amdahl/diagnosis/events.hpp"
#include "amdahl/diagnosis/readings.hpp"
#include "amdahl/run_files/durable.hpp"

namespace amdahl::worker {
namespace {

using core::Source;
using diagnosis::Reading;

/// Everything that numbers of a leg are read from; outputs only when a source needs them.
struct LegTraces {
  diagnosis::EventSummary events;
  std::string events_problem;
  std::string standard_output, standard_error;
};

LegTraces read_traces(const core::RunSpec& spec, const LegFolder& folder, const LegTimes& times) {
  LegTraces traces;
  const diagnosis::EventWindow window{static_cast<double>(times.exec_ns) / 1e9,
                                      static_cast<double>(times.exit_ns) / 1e9,
                                      static_cast<double>(times.start_us) / 1e6};
  const auto file = run_files::read_file(folder.events, core::limits::event_file_bytes);
  if (!file) {
    traces.events_problem = file.error().code == core::ErrorCode::not_found
                                ? "the job wrote no events"
                                : "events unread: " + file.error().message;
  }
  traces.events = diagnosis::read_events(file ? *file : std::string{}, window);
  const bool by_regex = spec.units.kind == Source::Kind::regex ||
                        (spec.has_quality && spec.quality.kind == Source::Kind::regex);
  if (by_regex) {
    const auto read_output = [](const std::filesystem::path& path) {
      auto text = run_files::read_file(path, core::limits::leg_output_bytes);
      return text ? std::move(*text) : std::string{};
    };
    traces.standard_output = read_output(folder.standard_output);
    traces.standard_error = read_output(folder.standard_error);
  }
  return traces;
}

Reading read_source(const Source& source, const LegFolder& folder, const LegTraces& traces) {
  if (source.kind == Source::Kind::regex) {
    const std::array<std::string_view, 2> outputs{traces.standard_output, traces.standard_error};
    return diagnosis::read_by_regex(source.regex, outputs);
  }
  const auto content = run_files::read_file(folder.code / source.file, core::limits::result_bytes);
  if (!content) return {{}, content.error().message};
  return diagnosis::read_by_pointer(source.pointer, *content, source.file);
}

Reading units_of(const core::RunSpec& spec, const LegFolder& folder, const LegTraces& traces) {
  if (spec.units.kind != Source::Kind::event) {
    return diagnosis::as_units(read_source(spec.units, folder, traces));
  }
  if (traces.events.units) return {traces.events.units, {}};
  if (!traces.events.units_problem.empty()) return {{}, traces.events.units_problem};
  if (!traces.events_problem.empty()) return {{}, traces.events_problem};
  return {{}, "no event reports units (`work`, or `s` with n)"};
}

Reading quality_of(const core::RunSpec& spec, const LegFolder& folder, const LegTraces& traces) {
  if (spec.quality.kind != Source::Kind::event) return read_source(spec.quality, folder, traces);
  const auto found = traces.events.metrics.find(spec.quality_metric);
  if (found != traces.events.metrics.end()) {
    if (found->second) return {found->second, {}};
    return {{}, "metric " + spec.quality_metric + " is not a finite number"};
  }
  if (!traces.events_problem.empty()) return {{}, traces.events_problem};
  return {{}, "no event reports the metric " + spec.quality_metric};
}

void add_problem(std::string& problems, std::string_view what, const std::string& problem) {
  if (problem.empty()) return;
  problems += (problems.empty() ? "" : "; ") + std::string{what} + " unknown: " + problem;
}

}  // namespace

void measure(const core::RunSpec& spec, const LegFolder& folder, const LegTimes& times,
             core::LegResult& leg) {
  const auto traces = read_traces(spec, folder, times);
  leg.phase_seconds = traces.events.phase_seconds;
  leg.inside_us = traces.events.inside_us;
  leg.sample_digest = traces.events.sample_digest;
  const auto units = units_of(spec, folder, traces);
  leg.units = units.value;
  add_problem(leg.problem, "units", units.problem);
  if (!spec.has_quality) return;
  const auto quality = quality_of(spec, folder, traces);
  leg.quality = quality.value;
  add_problem(leg.problem, "quality", quality.problem);
}

}  // namespace amdahl::worker
