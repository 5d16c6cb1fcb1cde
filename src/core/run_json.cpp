#include <array>
#include <nlohmann/json.hpp>

#include "amdahl/core/run.hpp"
#include "json_reader.hpp"

namespace amdahl::core {

template <>
constexpr auto words<Source::Kind>() {
  using enum Source::Kind;
  return std::to_array<Named<Source::Kind>>({{event, "event"}, {regex, "regex"}, {file, "file"}});
}

nlohmann::json to_json(const Source& source) {
  nlohmann::json out{{"kind", name(source.kind)}};
  if (source.kind == Source::Kind::regex) out["regex"] = source.regex;
  if (source.kind == Source::Kind::file) {
    out["file"] = source.file;
    out["pointer"] = source.pointer;
  }
  return out;
}

Result<Source> source_from_json(const nlohmann::json& value) {
  JsonReader reader{value, "source"};
  reader.require("kind");
  Source source;
  source.kind = reader.word("kind", Source::Kind::event);
  // What another kind would need is none of its business.
  if (source.kind == Source::Kind::regex) source.regex = reader.text("regex");
  if (source.kind == Source::Kind::file) {
    source.file = reader.text("file");
    source.pointer = reader.text("pointer");
  }
  return reader.finish(std::move(source));
}

namespace {

nlohmann::json witness_json(const Witness& witness) {
  return {{"term", witness.term},
          {"fence", witness.fence},
          {"head_seq", witness.head_seq},
          {"head_hash", witness.head_hash}};
}

Result<Witness> witness_from_json(const nlohmann::json& value) {
  JsonReader reader{value, "witness"};
  return reader.finish(Witness{reader.text("term"), reader.whole("fence"), reader.whole("head_seq"),
                               reader.text("head_hash")});
}

nlohmann::json leg_spec_json(const LegSpec& leg) {
  nlohmann::json out{{"arm", name(leg.arm)},
                     {"command", leg.command},
                     {"env", leg.env},
                     {"gpus", leg.gpus},
                     {"patches", leg.patches}};
  // Left out where it says nothing new: an older shim computes the same digest.
  if (leg.nodes != 1) out["nodes"] = leg.nodes;
  return out;
}

Result<LegSpec> leg_spec_from_json(const nlohmann::json& value) {
  JsonReader reader{value, "legs"};
  reader.require("arm");
  reader.require("command");
  LegSpec leg;
  leg.arm = reader.word("arm", Arm::baseline);
  leg.command = reader.texts("command");
  leg.env = reader.text_map("env");
  leg.nodes = reader.whole("nodes", 1);
  leg.gpus = reader.whole("gpus");
  leg.patches = reader.texts("patches");
  return reader.finish(std::move(leg));
}

}  // namespace

nlohmann::json to_json(const RunSpec& spec) {
  auto legs = nlohmann::json::array();
  for (const auto& leg : spec.legs) legs.push_back(leg_spec_json(leg));
  nlohmann::json out{{"schema", "amdahl.run_spec/v1"},
                     {"key", spec.key.text},
                     {"name", spec.name},
                     {"code_digest", spec.code_digest},
                     {"code_dir", spec.code_dir},
                     {"workdir", spec.workdir},
                     {"allocation", to_json(spec.allocation)},
                     {"leg_time_limit_ms", spec.leg_time_limit.count()},
                     {"legs", std::move(legs)},
                     {"units", to_json(spec.units)},
                     {"quality", to_json(spec.quality)},
                     {"has_quality", spec.has_quality},
                     {"quality_metric", spec.quality_metric},
                     {"fresh_layout", spec.fresh_layout},
                     {"env_padding_bytes", spec.env_padding_bytes},
                     {"witness", witness_json(spec.witness)}};
  if (!spec.pinned_nodes.empty()) out["pinned_nodes"] = spec.pinned_nodes;
  return out;
}

Result<RunSpec> run_spec_from_json(const nlohmann::json& value) {
  JsonReader reader{value, "run_spec"};
  reader.require("key");
  reader.require("legs");
  RunSpec spec;
  spec.key = {reader.text("key")};
  if (!is_run_key(spec.key.text)) reader.fail("key", "a run key (al-…)");
  spec.name = reader.text("name");
  spec.code_digest = reader.text("code_digest");
  spec.code_dir = reader.text("code_dir");
  spec.workdir = reader.text("workdir");
  reader.nested("allocation", spec.allocation, resources_from_json);
  spec.pinned_nodes = reader.texts("pinned_nodes");
  spec.leg_time_limit = std::chrono::milliseconds{reader.whole("leg_time_limit_ms")};
  reader.list("legs", spec.legs, leg_spec_from_json);
  reader.nested("units", spec.units, source_from_json);
  reader.nested("quality", spec.quality, source_from_json);
  spec.has_quality = reader.flag("has_quality");
  spec.quality_metric = reader.text("quality_metric");
  spec.fresh_layout = reader.flag("fresh_layout");
  spec.env_padding_bytes = reader.whole("env_padding_bytes");
  reader.nested("witness", spec.witness, witness_from_json);
  return reader.finish(std::move(spec));
}

nlohmann::json to_json(const LegResult& leg) {
  return {{"arm", name(leg.arm)},
          {"started", leg.started},
          {"exit_code", or_null(leg.exit_code)},
          {"signal", or_null(leg.signal)},
          {"timed_out", leg.timed_out},
          {"out_of_memory", leg.out_of_memory},
          {"window_us", leg.window_us},
          {"gpus", leg.gpus},
          {"units", or_null(leg.units)},
          {"quality", or_null(leg.quality)},
          {"sample_digest", or_null(leg.sample_digest)},
          {"phase_seconds", leg.phase_seconds},
          {"inside_us", or_null(leg.inside_us)},
          {"peak_memory_bytes", or_null(leg.peak_memory_bytes)},
          {"start_us", leg.start_us},
          {"problem", leg.problem},
          {"error_tail", leg.error_tail}};
}

// Not before the epoch, and small enough that sums of them stay numbers.
bool is_time(std::int64_t us) { return us >= 0 && us < std::int64_t{1} << 60; }

Result<LegResult> leg_result_from_json(const nlohmann::json& value) {
  JsonReader reader{value, "legs"};
  reader.require("arm");
  const auto as_int = [](std::optional<std::int64_t> number) {
    return number ? std::optional<int>{static_cast<int>(*number)} : std::nullopt;
  };
  LegResult leg;
  leg.arm = reader.word("arm", Arm::baseline);
  leg.started = reader.flag("started");
  leg.exit_code = as_int(reader.optional_whole("exit_code"));
  leg.signal = as_int(reader.optional_whole("signal"));
  leg.timed_out = reader.flag("timed_out");
  leg.out_of_memory = reader.flag("out_of_memory");
  leg.window_us = reader.whole("window_us");
  leg.gpus = reader.whole("gpus");
  leg.units = reader.optional_number("units");
  leg.quality = reader.optional_number("quality");
  if (const auto digest = reader.text("sample_digest"); !digest.empty()) leg.sample_digest = digest;
  leg.phase_seconds = reader.number_map("phase_seconds");
  leg.inside_us = reader.optional_whole("inside_us");
  leg.peak_memory_bytes = reader.optional_whole("peak_memory_bytes");
  leg.start_us = reader.whole("start_us");
  leg.problem = reader.text("problem");
  leg.error_tail = reader.text("error_tail");
  for (const auto& [key, us] :
       {std::pair{"window_us", leg.window_us}, {"start_us", leg.start_us}}) {
    if (!is_time(us)) reader.fail(key, "microseconds");
  }
  return reader.finish(std::move(leg));
}

nlohmann::json to_json(const RunResult& result) {
  auto legs = nlohmann::json::array();
  for (const auto& leg : result.legs) legs.push_back(to_json(leg));
  return {{"schema", "amdahl.run_result/v1"},
          {"key", result.key.text},
          {"spec_sha", result.spec_sha},
          {"legs", std::move(legs)},
          {"node", result.node},
          {"gpu_ids", result.gpu_ids},
          {"start_us", result.start_us},
          {"end_us", result.end_us},
          {"problem", result.problem},
          {"cancelled", result.cancelled},
          {"witness", witness_json(result.witness)}};
}

Result<RunResult> run_result_from_json(const nlohmann::json& value) {
  JsonReader reader{value, "run_result"};
  reader.require("key");
  reader.require("legs");
  RunResult result;
  result.key = {reader.text("key")};
  result.spec_sha = reader.text("spec_sha");
  reader.list("legs", result.legs, leg_result_from_json);
  result.node = reader.text("node");
  result.gpu_ids = reader.texts("gpu_ids");
  result.start_us = reader.whole("start_us");
  result.end_us = reader.whole("end_us");
  result.problem = reader.text("problem");
  result.cancelled = reader.flag("cancelled");
  reader.nested("witness", result.witness, witness_from_json);
  for (const auto& [key, us] :
       {std::pair{"start_us", result.start_us}, {"end_us", result.end_us}}) {
    if (!is_time(us)) reader.fail(key, "microseconds");
  }
  return reader.finish(std::move(result));
}

}  // namespace amdahl::core
