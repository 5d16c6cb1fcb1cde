#include "rows.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "amdahl/ledger/errors.hpp"

namespace amdahl::ledger {
namespace {

using nlohmann::json;

template <class T>
T unwrap(core::Result<T> result, const char* table, const json& row) {
  if (result) return std::move(*result);
  throw SchemaMismatch{fmt::format("row {} of table {} cannot be read: {}",
                                   row.value("id", std::int64_t{0}), table,
                                   result.error().message)};
}

template <class E>
E state(const json& row, const char* key) {
  return static_cast<E>(row.at(key).get<std::int16_t>());
}

template <class T>
std::optional<T> optional(const json& row, const char* key) {
  const auto& value = row.at(key);
  if (value.is_null()) return std::nullopt;
  return value.get<T>();
}

JobRow job_from(const json& row) {
  JobRow job;
  job.id = {row.at("id")};
  job.spec = unwrap(core::job_from_json(row.at("spec")), "job", row);
  job.champion = unwrap(core::configuration_from_json(row.at("champion")), "job", row);
  job.champion_moves = row.at("champion_moves");
  for (const auto& win : row.at("champion_wins")) job.champion_wins.push_back({win});
  job.sigma0 = optional<double>(row, "sigma0");
  job.sigma0_from = {row.at("sigma0_from")};
  job.phase_share = optional<std::map<std::string, double>>(row, "phase_share");
  job.paused = row.at("paused");
  job.proposed_for = row.at("proposed_for");
  return job;
}

HypothesisRow hypothesis_from(const json& row) {
  HypothesisRow hypothesis;
  hypothesis.id = {row.at("id")};
  hypothesis.job = {row.at("job")};
  hypothesis.source = state<core::HypothesisSource>(row, "source");
  hypothesis.state = state<core::HypothesisState>(row, "state");
  hypothesis.phase = row.at("phase");
  hypothesis.ceiling = optional<double>(row, "ceiling");
  hypothesis.changes = unwrap(core::changes_from_json(row.at("changes")), "hypothesis", row);
  hypothesis.rationale = row.at("rationale");
  hypothesis.replicate = row.at("replicate");
  hypothesis.approved = row.at("approved");
  return hypothesis;
}

PairRow pair_from(const json& row, core::ExperimentId experiment) {
  PairRow pair;
  pair.id = {row.at("id")};
  pair.experiment = experiment;
  pair.check_no = row.at("check_no");
  pair.index = row.at("index");
  pair.coin = row.at("coin");
  pair.state = state<core::PairState>(row, "state");
  pair.void_reason = row.at("void_reason");
  if (!row.at("ran_first").is_null()) pair.ran_first = state<core::Arm>(row, "ran_first");
  pair.nodes = row.at("nodes").get<std::vector<std::string>>();
  for (const auto& leg : row.at("legs")) {
    pair.legs.push_back(unwrap(core::leg_result_from_json(leg), "measurement of pair", row));
  }
  pair.attempts = row.at("attempts");
  return pair;
}

ExperimentRow experiment_from(const json& row) {
  ExperimentRow experiment;
  experiment.id = {row.at("id")};
  experiment.job = {row.at("job")};
  experiment.hypothesis = {row.at("hypothesis")};
  experiment.kind = state<core::ExperimentKind>(row, "kind");
  experiment.state = state<core::ExperimentState>(row, "state");
  experiment.hold_since_us = row.at("hold_since_us");
  experiment.protocol = unwrap(core::protocol_from_json(row.at("protocol")), "experiment", row);
  experiment.t = row.at("t");
  if (const auto& nomination = row.at("nomination"); !nomination.is_null()) {
    experiment.nomination = NominationRow{nomination.at("claim"), nomination.at("pairs_per_check"),
                                          nomination.at("last_index"), nomination.at("at_us")};
  }
  experiment.extension_registered = row.at("extension_registered");
  experiment.hold_reason = row.at("hold_reason");
  experiment.paused = row.at("paused");
  experiment.abort_requested = row.at("abort_requested");
  for (const auto& pair : row.at("pairs")) {
    experiment.pairs.push_back(pair_from(pair, experiment.id));
  }
  return experiment;
}

RunRow run_from(const json& row) {
  RunRow run;
  run.id = {row.at("id")};
  run.key = {row.at("key")};
  run.pair = {row.at("pair")};
  run.experiment = {row.at("experiment")};
  run.part = row.at("part");
  run.attempt = row.at("attempt");
  run.state = state<core::RunState>(row, "state");
  run.cluster = row.at("cluster");
  run.native_id = row.at("native_id");
  run.native_at_us = row.at("native_at_us");
  run.spec_sha = row.at("spec_sha");
  run.released = row.at("released");
  run.cancel_requested = row.at("cancel_requested");
  run.misses = row.at("misses");
  run.submit_fence = row.at("submit_fence");
  run.armed_at_us = row.at("armed_at_us");
  run.absent_since_us = row.at("absent_since_us");
  run.gpu_us_reserved = row.at("gpu_us_reserved");
  if (!row.at("production").is_null()) {
    run.production = unwrap(core::run_spec_from_json(row.at("production")), "worker_run", row);
  }
  run.job = {row.at("job")};
  return run;
}

template <class T>
std::vector<T> rows_from(const json& rows, T (*row_from)(const json&)) {
  std::vector<T> out;
  out.reserve(rows.size());
  for (const auto& row : rows) out.push_back(row_from(row));
  return out;
}

CommandRow command_from(const json& row) { return {row.at("key"), row.at("verb"), row.at("args")}; }

// JSON of another shape than this binary knows.
template <class T, class Read>
T reading(const char* what, Read read) {
  try {
    return read();
  } catch (const json::exception& problem) {
    throw SchemaMismatch{
        fmt::format("the ledger's {} cannot be read by this binary: {}", what, problem.what())};
  }
}

Head read_head(const json& value) {
  return {value.at("term"),      value.at("fence"),  value.at("renew_seq"), value.at("head_seq"),
          value.at("head_hash"), value.at("holder"), value.at("released")};
}

Snapshot read_snapshot(const json& value) {
  Snapshot snapshot;
  snapshot.head = read_head(value.at("head"));
  snapshot.paused = value.at("paused");
  snapshot.now_us = value.at("now_us");
  snapshot.jobs = rows_from(value.at("jobs"), job_from);
  snapshot.hypotheses = rows_from(value.at("hypotheses"), hypothesis_from);
  snapshot.experiments = rows_from(value.at("experiments"), experiment_from);
  snapshot.live_runs = rows_from(value.at("live_runs"), run_from);
  snapshot.commands = rows_from(value.at("commands"), command_from);
  snapshot.deliveries_pending = value.at("deliveries_pending");
  snapshot.deliveries_upto = value.at("deliveries_upto");
  snapshot.wins = value.at("wins");
  snapshot.next_t = value.at("next_t");
  snapshot.gpu_us_reserved = value.at("gpu_us_reserved");
  snapshot.gpu_us_charged_today = value.at("gpu_us_charged_today");
  return snapshot;
}

}  // namespace

Head head_from(const json& value) {
  return reading<Head>("head", [&] { return read_head(value); });
}

Snapshot snapshot_from(const json& value) {
  return reading<Snapshot>("snapshot", [&] { return read_snapshot(value); });
}

}  // namespace amdahl::ledger
