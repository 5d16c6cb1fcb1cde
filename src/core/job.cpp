#include "amdahl/core/job.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "job_names.hpp"
#include "json_reader.hpp"

namespace amdahl::core {

namespace {

bool binds_argument(const Knob& knob) { return knob.resource.empty() && knob.env.empty(); }

nlohmann::json to_json(const Knob& knob) {
  return {{"name", knob.name}, {"phase", knob.phase},       {"resource", knob.resource},
          {"env", knob.env},   {"baseline", knob.baseline}, {"values", knob.values}};
}

Result<Knob> knob_from_json(const nlohmann::json& value) {
  JsonReader reader{value, "knobs"};
  reader.require("name");
  reader.require("baseline");
  return reader.finish(Knob{reader.text("name"), reader.text("phase"), reader.text("resource"),
                            reader.text("env"), reader.text("baseline"), reader.texts("values")});
}

}  // namespace

Configuration baseline_configuration(const JobSpec& job) {
  Configuration baseline;
  baseline.env = job.env;
  baseline.resources = job.resources;
  for (const auto& knob : job.knobs) {
    if (binds_argument(knob)) baseline.args[knob.name] = knob.baseline;
    if (!knob.env.empty()) baseline.env[knob.env] = knob.baseline;
  }
  return baseline;
}

bool has_placeholder(const JobSpec& job, std::string_view placeholder) {
  return std::any_of(job.command.begin(), job.command.end(), [&](const std::string& part) {
    const auto found = placeholders_of(part);
    return std::find(found.begin(), found.end(), placeholder) != found.end();
  });
}

std::vector<KnobHypothesis> knob_hypotheses(const JobSpec& job) {
  std::vector<KnobHypothesis> hypotheses;
  for (const auto& knob : job.knobs) {
    for (const auto& value : knob.values) {
      Change change{ChangeKind::arg, knob.name, value};
      if (!knob.resource.empty()) change = {ChangeKind::resource, knob.resource, value};
      if (!knob.env.empty()) change = {ChangeKind::env, knob.env, value};
      hypotheses.push_back({knob.name, knob.phase, {std::move(change)}});
    }
  }
  return hypotheses;
}

nlohmann::json to_json(const JobSpec& job) {
  auto knobs = nlohmann::json::array();
  for (const auto& knob : job.knobs) knobs.push_back(to_json(knob));
  return {{"name", job.name},
          {"cluster", job.cluster},
          {"command", job.command},
          {"workdir", job.workdir},
          {"code", job.code},
          {"dataset", job.dataset},
          {"env", job.env},
          {"resources", to_json(job.resources)},
          {"time_limit_ms", job.time_limit.count()},
          {"unit", job.unit},
          {"units", to_json(job.units)},
          {"quality", to_json(job.quality)},
          {"has_quality", job.has_quality},
          {"window", job.window},
          {"quality_metric", job.quality_metric},
          {"higher_is_better", job.higher_is_better},
          {"quality_margin", job.quality_margin},
          {"limits", job.limits},
          {"runs_per_month", or_null(job.runs_per_month)},
          {"digest_required", job.digest_required},
          {"knobs", std::move(knobs)}};
}

Result<JobSpec> job_from_json(const nlohmann::json& value) {
  JsonReader reader{value, "job"};
  for (const auto* key : {"name", "cluster", "command", "workdir"}) reader.require(key);
  JobSpec job;
  job.name = reader.text("name");
  job.cluster = reader.text("cluster");
  job.command = reader.texts("command");
  job.workdir = reader.text("workdir");
  job.code = reader.texts("code");
  job.dataset = reader.text("dataset");
  job.env = reader.text_map("env");
  reader.nested("resources", job.resources, resources_from_json);
  job.time_limit = std::chrono::milliseconds{reader.whole("time_limit_ms")};
  job.unit = reader.text("unit", job.unit);
  reader.nested("units", job.units, source_from_json);
  reader.nested("quality", job.quality, source_from_json);
  job.has_quality = reader.flag("has_quality");
  job.window = reader.text("window", job.window);
  job.quality_metric = reader.text("quality_metric");
  job.higher_is_better = reader.flag("higher_is_better", true);
  job.quality_margin = reader.number("quality_margin");
  job.limits = reader.number_map("limits");
  job.runs_per_month = reader.optional_number("runs_per_month");
  job.digest_required = reader.flag("digest_required");
  reader.list("knobs", job.knobs, knob_from_json);
  return reader.finish(std::move(job));
}

}  // namespace amdahl::core
