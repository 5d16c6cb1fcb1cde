#include "encode.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace amdahl::ledger {
namespace {

template <class E>
std::int16_t number(E value) {
  return static_cast<std::int16_t>(value);
}

// GPU time is whole microseconds in the ledger.
std::int64_t whole_us(double gpu_us) {
  if (!std::isfinite(gpu_us) || gpu_us <= 0) return 0;
  return std::llround(std::min(gpu_us, 9e15));
}

// JSON has no infinities; evidence that large is as good as the largest number.
double finite(double value) {
  if (std::isnan(value)) return 0;
  return std::clamp(value, std::numeric_limits<double>::lowest(),
                    std::numeric_limits<double>::max());
}

nlohmann::json finite_or_null(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return *value;
}

const char* word(RecordSubmit::Kind kind) {
  switch (kind) {
    case RecordSubmit::Kind::accepted:
      return "accepted";
    case RecordSubmit::Kind::rejected:
      return "rejected";
    case RecordSubmit::Kind::retry:
      return "retry";
    case RecordSubmit::Kind::unknown:
      break;
  }
  return "unknown";
}

}  // namespace

nlohmann::json encode(const NewJob& item) {
  return {{"name", item.spec.name},
          {"cluster", item.spec.cluster},
          {"spec", core::to_json(item.spec)},
          {"baseline", core::to_json(core::baseline_configuration(item.spec))},
          {"champion", core::to_json(item.champion)},
          {"note", item.note}};
}

nlohmann::json encode(const NewHypothesis& item) {
  return {{"job", item.job.value},
          {"source", number(item.source)},
          {"phase", item.phase},
          {"ceiling", finite_or_null(item.ceiling)},
          {"change", core::to_json(item.changes)},
          {"rationale", item.rationale},
          {"replicate", item.replicate},
          {"needs_approval", item.needs_approval},
          {"command", item.command.empty() ? nlohmann::json() : nlohmann::json(item.command)}};
}

nlohmann::json encode(const ProposedFor& item) {
  return {{"job", item.job.value}, {"proposed_for", item.proposed_for}};
}

nlohmann::json encode(const RejectHypothesis& item) {
  return {{"hypothesis", item.hypothesis.value}, {"reason", item.reason}};
}

nlohmann::json encode(const Registration& item) {
  return {{"hypothesis", item.hypothesis.value},
          {"job", item.job.value},
          {"kind", number(item.protocol.kind)},
          {"protocol", core::to_json(item.protocol)},
          {"protocol_sha", core::protocol_sha(item.protocol)},
          {"fp_version", core::fingerprint_version},
          {"fingerprint", item.fingerprint},
          {"replicate", item.replicate},
          {"salt", item.salt ? nlohmann::json(*item.salt) : nlohmann::json(nullptr)},
          {"near_duplicate_ok", item.near_duplicate_ok}};
}

nlohmann::json encode(const OpenPair& item) {
  return {{"experiment", item.experiment.value},
          {"check_no", item.check_no},
          {"cluster", item.cluster},
          {"run_key", item.run_key.text},
          {"worker_run_id", item.worker_run_id},
          {"gpu_us_reserved", whole_us(item.gpu_us_reserved)}};
}

nlohmann::json encode(const RetryRun& item) {
  return {{"pair", item.pair.value},
          {"part", item.part},
          {"cluster", item.cluster},
          {"run_key", item.run_key.text},
          {"worker_run_id", item.worker_run_id},
          {"gpu_us_reserved", whole_us(item.gpu_us_reserved)}};
}

nlohmann::json encode(const PlanProduction& item) {
  return {{"job", item.job.value},
          {"spec", core::to_json(item.spec)},
          {"run_key", item.spec.key.text},
          {"cluster", item.cluster},
          {"worker_run_id", item.worker_run_id},
          {"gpu_us_reserved", whole_us(item.gpu_us_reserved)}};
}

nlohmann::json encode(const RecordSubmit& item) {
  return {{"run", item.run.value},
          {"kind", word(item.kind)},
          {"native_id", item.native_id},
          {"native_at_us", item.native_at_us},
          {"message", item.message}};
}

nlohmann::json encode(const RecordRun& item) {
  auto legs = nlohmann::json::array();
  for (const auto& leg : item.legs) legs.push_back(core::to_json(leg));
  return {
      {"run", item.run.value},
      {"state", number(item.state)},
      {"outcome", item.outcome ? nlohmann::json(number(*item.outcome)) : nlohmann::json(nullptr)},
      {"cause", number(item.cause)},
      {"reason", item.reason},
      {"gpu_us", whole_us(item.gpu_us_charged)},
      {"nodes", item.nodes},
      {"legs", std::move(legs)},
      {"released", item.released},
      {"misses", item.misses ? nlohmann::json(*item.misses) : nlohmann::json(nullptr)},
      {"pair", number(item.pair)},
      {"void_reason", item.void_reason}};
}

nlohmann::json encode(const Advance& item) {
  nlohmann::json out{{"experiment", item.experiment.value},
                     {"nomination", nullptr},
                     {"register_extension", item.register_extension},
                     {"hold", item.hold ? nlohmann::json(*item.hold) : nlohmann::json(nullptr)}};
  if (item.nomination) {
    out["nomination"] = {{"claim", finite(item.nomination->claim)},
                         {"pairs_per_check", item.nomination->pairs_per_check},
                         {"last_index", item.nomination->last_index}};
  }
  return out;
}

nlohmann::json encode(const Decision& item) {
  auto votes = nlohmann::json::array();
  for (const auto& vote : item.votes) {
    votes.push_back({{"check_no", vote.check_no},
                     {"vote", number(vote.vote)},
                     {"mean", finite_or_null(vote.mean)}});
  }
  return {{"experiment", item.experiment.value},
          {"outcome", number(item.outcome)},
          {"reason", item.reason},
          {"upholds", item.upholds},
          {"refutes", item.refutes},
          {"e_value", finite(item.e_value)},
          {"e_needed", finite(item.e_needed)},
          {"effect", finite_or_null(item.effect)},
          {"lower", finite_or_null(item.lower)},
          {"upper", finite_or_null(item.upper)},
          {"wins_before", item.wins_before},
          {"evidence", item.evidence.is_null() ? nlohmann::json::object() : item.evidence},
          {"votes", std::move(votes)},
          {"champion", item.champion ? core::to_json(*item.champion) : nlohmann::json(nullptr)},
          {"sigma0", finite_or_null(item.sigma0)},
          {"phase_share",
           item.phase_share ? nlohmann::json(*item.phase_share) : nlohmann::json(nullptr)},
          {"release_fingerprint", item.release_fingerprint}};
}

nlohmann::json encode(const ProductionRun& item) {
  return {{"cluster", item.cluster},
          {"native_id", item.native_id},
          {"submitted_at_us", item.submitted_at_us},
          {"attempt", item.attempt},
          {"job", item.job.value},
          {"start_us", item.start_us},
          {"end_us", item.end_us},
          {"gpus", item.gpus},
          {"state", item.state},
          {"units", finite_or_null(item.units)},
          {"champion", item.champion}};
}

nlohmann::json encode(const CommandDone& item) {
  return {{"key", item.key}, {"answer", item.answer}};
}

std::string jsonb_text(const nlohmann::json& value) {
  auto text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  constexpr std::string_view nul{"\\u0000"};
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') continue;
    if (std::string_view{text}.substr(at, nul.size()) == nul)
      text.replace(at, nul.size(), "\\ufffd");
    ++at;  // skips what the backslash escapes
  }
  return text;
}

nlohmann::json as_stored(const nlohmann::json& document) {
  return nlohmann::json::parse(jsonb_text(document));
}

}  // namespace amdahl::ledger
