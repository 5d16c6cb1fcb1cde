#include "amdahl/loop/evidence.hpp"

#include <fmt/format.h>

#include <cmath>

namespace amdahl::loop {
namespace {

stats::LegEvidence leg_evidence(const core::LegResult& leg) {
  stats::LegEvidence out;
  out.exit = exit_of(leg);
  out.failed = !out.exit.empty();
  out.timed_out = leg.timed_out;
  out.window_s = static_cast<double>(leg.window_us) / 1e6;
  out.gpus = static_cast<double>(leg.gpus);
  out.units = leg.units;
  out.quality = leg.quality;
  out.sample_digest = leg.sample_digest;
  if (leg.inside_us) out.inside_s = static_cast<double>(*leg.inside_us) / 1e6;
  if (leg.peak_memory_bytes) out.peak_memory_bytes = static_cast<double>(*leg.peak_memory_bytes);
  return out;
}

stats::PairEvidence pair_evidence(const ledger::PairRow& row) {
  stats::PairEvidence pair;
  pair.index = row.index;
  pair.check_no = row.check_no;
  pair.coin = row.coin;
  pair.state = row.state;
  pair.void_reason = row.void_reason;
  pair.ran_first = row.ran_first;
  pair.nodes = row.nodes;
  for (const auto& leg : row.legs) {
    (leg.arm == core::Arm::baseline ? pair.baseline : pair.variant) = leg_evidence(leg);
  }
  return pair;
}

nlohmann::json finite(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

}  // namespace

std::string exit_of(const core::LegResult& leg) {
  if (leg.timed_out) return "time limit";
  if (leg.out_of_memory) return "out of memory";
  if (!leg.started) return leg.problem.empty() ? "did not start" : leg.problem;
  if (leg.signal) return fmt::format("signal {}", *leg.signal);
  if (leg.exit_code.value_or(0) != 0) return fmt::format("exit {}", *leg.exit_code);
  return leg.problem;
}

stats::ExperimentEvidence evidence_of(const ledger::ExperimentRow& experiment, std::int64_t wins) {
  stats::ExperimentEvidence evidence;
  evidence.protocol = experiment.protocol;
  evidence.protocol.t = experiment.t;
  for (const auto& pair : experiment.pairs) evidence.pairs.push_back(pair_evidence(pair));
  if (experiment.nomination) {
    evidence.nomination =
        stats::Nomination{experiment.nomination->claim, experiment.nomination->pairs_per_check,
                          experiment.nomination->last_index};
  }
  evidence.extension_registered = experiment.extension_registered;
  evidence.wins_before = wins;
  return evidence;
}

nlohmann::json standing_json(const stats::Standing& standing) {
  auto checks = nlohmann::json::array();
  for (const auto& check : standing.checks) {
    checks.push_back({{"check_no", check.check_no},
                      {"kind", core::name(check.kind)},
                      {"planned", check.planned},
                      {"complete", check.complete},
                      {"mean", check.mean ? finite(*check.mean) : nullptr},
                      {"vote", check.vote ? nlohmann::json(core::name(*check.vote)) : nullptr}});
  }
  auto gates = nlohmann::json::array();
  for (const auto& gate : standing.gates) {
    gates.push_back(
        {{"gate", gate.name}, {"outcome", core::name(gate.outcome)}, {"reason", gate.reason}});
  }
  return {{"pairs_complete", standing.pairs_complete},
          {"pairs_void", standing.pairs_void},
          {"pairs_counted", standing.pairs_counted},
          {"e_value", standing.e_value},
          {"log_wealth", standing.log_wealth},
          {"e_needed", standing.e_needed},
          {"futility", standing.futility ? nlohmann::json(*standing.futility) : nullptr},
          {"mean", standing.mean ? finite(*standing.mean) : nullptr},
          {"interval",
           {{"level", standing.interval.level},
            {"lower", finite(standing.interval.lower)},
            {"upper", finite(standing.interval.upper)}}},
          {"checks", std::move(checks)},
          {"gates", std::move(gates)},
          {"upholds", standing.upholds},
          {"refutes", standing.refutes}};
}

std::map<std::string, double> phase_shares(const std::vector<ledger::PairRow>& pairs,
                                           std::optional<core::Arm> arm) {
  std::map<std::string, double> seconds;
  double window = 0;
  for (const auto& pair : pairs) {
    for (const auto& leg : pair.legs) {
      if ((arm && leg.arm != *arm) || leg.window_us <= 0 || !exit_of(leg).empty()) continue;
      window += static_cast<double>(leg.window_us) / 1e6;
      for (const auto& [phase, spent] : leg.phase_seconds) seconds[phase] += spent;
    }
  }
  if (window > 0) {
    for (auto& [phase, spent] : seconds) spent /= window;
  }
  return seconds;
}

}  // namespace amdahl::loop
