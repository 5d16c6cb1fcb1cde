#include "amdahl/core/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/sha256.hpp"
#include "json_reader.hpp"

namespace amdahl::core {
namespace {

nlohmann::json check_json(const CheckPlan& check) {
  nlohmann::json json{{"kind", name(check.kind)},
                      {"seed", check.seed},
                      {"shard", check.shard},
                      {"length", check.length},
                      {"fresh_layout", check.fresh_layout},
                      {"env_padding_bytes", check.env_padding_bytes}};
  if (check.delay_s > 0) json["delay_s"] = check.delay_s;
  return json;
}

Result<CheckPlan> check_from_json(const nlohmann::json& value) {
  JsonReader reader{value, "checks"};
  reader.require("kind");
  CheckPlan check;
  check.kind = reader.word("kind", CheckKind::seed_and_shard);
  check.seed = reader.whole("seed");
  check.shard = reader.whole("shard");
  check.length = reader.whole("length", 1);
  check.fresh_layout = reader.flag("fresh_layout");
  check.env_padding_bytes = reader.whole("env_padding_bytes");
  check.delay_s = reader.whole("delay_s");
  return reader.finish(check);
}

// Fills {placeholders}; an unknown one stays as it is (the job file's parser refused those).
std::string fill(std::string_view part, const std::map<std::string, std::string>& values) {
  std::string out;
  for (std::size_t at = 0; at < part.size();) {
    const auto open = part.find('{', at);
    const auto close = open == std::string_view::npos ? open : part.find('}', open);
    if (close == std::string_view::npos) return out += part.substr(at);
    out += part.substr(at, open - at);
    const auto it = values.find(std::string{part.substr(open + 1, close - open - 1)});
    out += it == values.end() ? std::string{part.substr(open, close - open + 1)} : it->second;
    at = close + 1;
  }
  return out;
}

LegSpec make_leg(const Protocol& protocol, Arm arm, const CheckPlan& check) {
  const auto& configuration = arm == Arm::baseline ? protocol.baseline : protocol.variant;
  auto values = configuration.args;
  values["seed"] = std::to_string(check.seed);
  values["shard"] = std::to_string(check.shard);
  values["length"] = std::to_string(check.length);
  LegSpec leg;
  leg.arm = arm;
  for (const auto& part : protocol.job.command) leg.command.push_back(fill(part, values));
  leg.env = configuration.env;
  leg.nodes = configuration.resources.nodes;
  leg.gpus = configuration.resources.gpus;
  leg.patches = configuration.patches;
  return leg;
}

}  // namespace

nlohmann::json to_json(const Protocol& protocol) {
  auto checks = nlohmann::json::array();
  for (const auto& check : protocol.checks) checks.push_back(check_json(check));
  return {{"kind", name(protocol.kind)},
          {"job", to_json(protocol.job)},
          {"code_digest", protocol.code_digest},
          {"hardware_class", protocol.hardware_class},
          {"baseline", to_json(protocol.baseline)},
          {"variant", to_json(protocol.variant)},
          {"changes", to_json(protocol.changes)},
          {"sigma0", protocol.sigma0},
          {"sigma0_source", protocol.sigma0_source},
          {"theta_mei", protocol.theta_mei},
          {"nominate_at", protocol.nominate_at},
          {"decide_at", protocol.decide_at},
          {"pairs_min", protocol.pairs_min},
          {"pairs_max", protocol.pairs_max},
          {"extension_pairs", protocol.extension_pairs},
          {"canary_pairs", protocol.canary_pairs},
          {"futility_below", protocol.futility_below},
          {"checks", std::move(checks)},
          {"quality_margin", protocol.quality_margin},
          {"void_share_max", protocol.void_share_max},
          {"void_check_from", protocol.void_check_from},
          {"seed", protocol.seed},
          {"shard", protocol.shard},
          {"length", protocol.length},
          {"t", protocol.t},
          {"fdr_alpha", protocol.fdr_alpha}};
}

Result<Protocol> protocol_from_json(const nlohmann::json& value) {
  JsonReader reader{value, "protocol"};
  for (const auto* key : {"kind", "job", "baseline", "variant", "sigma0"}) reader.require(key);
  const auto whole_int = [&](const char* key, int fallback) {
    return static_cast<int>(reader.whole(key, fallback));
  };
  Protocol protocol;
  protocol.kind = reader.word("kind", ExperimentKind::trial);
  reader.nested("job", protocol.job, job_from_json);
  protocol.code_digest = reader.text("code_digest");
  protocol.hardware_class = reader.text("hardware_class");
  reader.nested("baseline", protocol.baseline, configuration_from_json);
  reader.nested("variant", protocol.variant, configuration_from_json);
  if (protocol.kind != ExperimentKind::canary) {
    reader.require("changes");
    reader.nested("changes", protocol.changes, changes_from_json);
  }
  protocol.sigma0 = reader.number("sigma0", protocol.sigma0);
  protocol.sigma0_source = reader.text("sigma0_source");
  protocol.theta_mei = reader.number("theta_mei");
  protocol.nominate_at = reader.number("nominate_at", protocol.nominate_at);
  protocol.decide_at = reader.number("decide_at", protocol.decide_at);
  protocol.pairs_min = whole_int("pairs_min", protocol.pairs_min);
  protocol.pairs_max = whole_int("pairs_max", protocol.pairs_max);
  protocol.extension_pairs = whole_int("extension_pairs", protocol.extension_pairs);
  protocol.canary_pairs = whole_int("canary_pairs", protocol.canary_pairs);
  protocol.futility_below = reader.number("futility_below", protocol.futility_below);
  reader.list("checks", protocol.checks, check_from_json);
  protocol.quality_margin = reader.number("quality_margin");
  protocol.void_share_max = reader.number("void_share_max", protocol.void_share_max);
  protocol.void_check_from = whole_int("void_check_from", protocol.void_check_from);
  protocol.seed = reader.whole("seed", 1);
  protocol.shard = reader.whole("shard");
  protocol.length = reader.whole("length", 1);
  protocol.t = reader.whole("t");
  protocol.fdr_alpha = reader.number("fdr_alpha", protocol.fdr_alpha);
  return reader.finish(std::move(protocol));
}

std::string protocol_sha(const Protocol& protocol) {
  auto frozen = to_json(protocol);
  frozen.erase("t");  // drawn by the ledger in the same transaction, in a column of its own
  return hex(sha256(canonical_json(frozen)));
}

std::string fingerprint(const Protocol& protocol) {
  const auto& job = protocol.job;
  return hex(sha256(canonical_json({{"version", fingerprint_version},
                                    {"kind", name(protocol.kind)},
                                    {"job", job.name},
                                    {"cluster", job.cluster},
                                    {"hardware_class", protocol.hardware_class},
                                    {"command", job.command},
                                    {"code", protocol.code_digest},
                                    {"dataset", job.dataset},
                                    {"baseline", to_json(protocol.baseline)},
                                    {"change", to_json(protocol.changes)},
                                    {"unit", job.unit},
                                    {"window", job.window}})));
}

RunSpec make_run_spec(const Protocol& protocol, const std::string& experiment_name, int check_no,
                      std::int64_t pair_index, int coin, const RunKey& key) {
  const auto registered = static_cast<int>(protocol.checks.size());
  const bool is_check = check_no >= 1 && check_no <= registered;
  const CheckPlan discovery{CheckKind::discovery, protocol.seed, protocol.shard,
                            protocol.length,      false,         0};
  const CheckPlan& check =
      is_check ? protocol.checks[static_cast<std::size_t>(check_no - 1)] : discovery;
  RunSpec spec;
  spec.key = key;
  spec.name = fmt::format("{} {} pair {}", protocol.job.name, experiment_name, pair_index);
  spec.code_digest = protocol.code_digest;
  spec.workdir = protocol.job.workdir;
  spec.allocation = enclosing(protocol.baseline.resources, protocol.variant.resources);
  spec.leg_time_limit = protocol.job.time_limit;
  spec.legs = {make_leg(protocol, Arm::baseline, check), make_leg(protocol, Arm::variant, check)};
  if (coin == 1) std::swap(spec.legs[0], spec.legs[1]);
  spec.units = protocol.job.units;
  spec.quality = protocol.job.quality;
  spec.has_quality = protocol.job.has_quality;
  spec.quality_metric = protocol.job.quality_metric;
  spec.fresh_layout = check.fresh_layout;
  spec.env_padding_bytes = check.env_padding_bytes;
  return spec;
}

}  // namespace amdahl::core
