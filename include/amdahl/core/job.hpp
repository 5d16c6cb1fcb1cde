#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/core/change.hpp"
#include "amdahl/core/result.hpp"

namespace amdahl::core {

/// Where a number of a leg comes from: the job's events, a regex on its output, or a file.
struct Source {
  enum class Kind { event, regex, file } kind = Kind::event;
  std::string regex;    ///< ECMAScript, one capture group; the last match counts
  std::string file;     ///< relative to the leg's working directory
  std::string pointer;  ///< JSON pointer into the file

  friend bool operator==(const Source&, const Source&) = default;
};

/// What a knob binds to and which values the loop may try.
struct Knob {
  std::string name;
  std::string phase;     ///< the class it attacks: `input`, `over`, `host`, …; may be empty
  std::string resource;  ///< set for a resource knob: `gpus`, `nodes`, `cpus` or `memory`
  std::string env;       ///< set for an environment knob: the variable
  std::string baseline;
  std::vector<std::string> values;

  friend bool operator==(const Knob&, const Knob&) = default;
};

/// A job file, validated.
struct JobSpec {
  std::string name;
  std::string cluster;
  std::vector<std::string> command;  ///< with {placeholders}
  std::string workdir;               ///< absolute
  std::vector<std::string> code;     ///< globs below workdir; empty = what git tracks there
  std::string dataset;
  std::map<std::string, std::string> env;
  Resources resources;
  std::chrono::milliseconds time_limit{0};  ///< per leg
  std::string unit = "unit";
  Source units;
  Source quality;
  bool has_quality = false;
  std::string window = "leg";  ///< `leg` or `steady`
  std::string quality_metric;
  bool higher_is_better = true;
  double quality_margin = 0;             ///< absolute, > 0 when has_quality
  std::map<std::string, double> limits;  ///< what a change may cost elsewhere, as a ratio (0.25)
  std::optional<double> runs_per_month;  ///< production; unknown when absent
  bool digest_required = false;          ///< hold where sample digests are unknown
  std::vector<Knob> knobs;

  friend bool operator==(const JobSpec&, const JobSpec&) = default;
};

/// Placeholders the protocol fills itself.
inline constexpr std::string_view protocol_placeholders[] = {"seed", "shard", "length"};

/// Parses and validates a job file. Errors name `place:line:column`, the key and the fix; unknown
/// keys are errors. A relative workdir is resolved against `directory` (absolute).
Result<JobSpec> parse_job_file(std::string_view text, std::string_view place,
                               std::string_view directory);

/// The job as its file states it, before any win.
Configuration baseline_configuration(const JobSpec& job);

/// Whether the command has `{placeholder}`.
bool has_placeholder(const JobSpec& job, std::string_view placeholder);

/// Every hypothesis the knobs allow: one change per value, in file order.
struct KnobHypothesis {
  std::string knob;
  std::string phase;
  std::vector<Change> changes;
};
std::vector<KnobHypothesis> knob_hypotheses(const JobSpec& job);

nlohmann::json to_json(const Source& source);
Result<Source> source_from_json(const nlohmann::json& value);
nlohmann::json to_json(const JobSpec& job);
Result<JobSpec> job_from_json(const nlohmann::json& value);

}  // namespace amdahl::core
