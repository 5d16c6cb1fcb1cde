#include "amdahl/telemetry/ledger_numbers.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include <nlohmann/json.hpp>

namespace amdahl::telemetry {

namespace {

using nlohmann::json;
using Samples = std::vector<LedgerNumbers::Sample>;

constexpr double gpu_us_per_s = 1e6;

Samples samples(const json& rows, std::initializer_list<const char*> labels, const char* value,
                double scale = 1) {
  Samples out;
  for (const auto& row : rows) {
    LedgerNumbers::Sample sample;
    for (const auto* label : labels) sample.labels.push_back(row.at(label).get<std::string>());
    sample.value = row.at(value).get<double>() / scale;
    out.push_back(std::move(sample));
  }
  return out;
}

LedgerNumbers numbers_from(const json& document) {
  LedgerNumbers out;
  for (const auto& [state, count] : document.at("experiments").items())
    out.experiments.push_back({{state}, count.get<double>()});
  out.cost = samples(document.at("cost"), {"cluster"}, "gpu_us", gpu_us_per_s);
  out.verdicts = samples(document.at("verdicts"), {"verdict", "mechanism"}, "count");
  out.guardrails = samples(document.at("guardrails"), {"guardrail"}, "count");
  out.votes = samples(document.at("votes"), {"kind", "vote"}, "count");
  const auto& bank = document.at("bank");
  out.banked = samples(bank, {"cluster", "mechanism"}, "banked_gpu_us", gpu_us_per_s);
  out.clawed_back = samples(bank, {"cluster", "mechanism"}, "clawed_back_gpu_us", gpu_us_per_s);
  for (const auto& [queue, is] : document.at("queues").items())
    out.queues.push_back({queue, is.at("depth").get<double>(), is.at("oldest_s").get<double>()});
  out.head_seq = document.at("head_seq").get<std::int64_t>();
  if (!document.at("checks").is_null()) {
    out.after = document.at("after").get<std::int64_t>();
    for (const auto& check : document.at("checks"))
      out.checks.push_back({check.at("kind").get<std::string>(),
                            check.at("vote").get<std::string>(),
                            check.at("seconds").get<double>()});
  }
  return out;
}

}  // namespace

core::Result<LedgerNumbers> ledger_numbers(const json& document) {
  try {
    return numbers_from(document);
  } catch (const json::exception& problem) {
    return core::Error{core::ErrorCode::failed,
                       fmt::format("the read model metrics is not as expected: {}", problem.what()),
                       "amdahl db migrate --plan"};
  }
}

}  // namespace amdahl::telemetry
