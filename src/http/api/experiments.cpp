#include "experiments.hpp"

#include "amdahl/core/experiment_tag.hpp"
#include "parameters.hpp"

namespace amdahl::http {

std::optional<std::int64_t> experiment_number(std::string_view text) {
  if (text.starts_with("EXP-") || text.starts_with("exp-")) text.remove_prefix(4);
  return whole_number(text);
}

std::optional<nlohmann::json> experiment_of(const Call& call, std::string_view view) {
  const auto number = experiment_number(call.params.at("id"));
  if (!number) return std::nullopt;
  auto document = call.desk->ledger().read(view, {{"experiment", *number}});
  if (document.is_null()) return std::nullopt;
  return document;
}

std::string experiment_tag(const nlohmann::json& experiment) {
  return core::experiment_tag(experiment.at("experiment").get<std::int64_t>(),
                              experiment.at("state").get<std::string>(),
                              experiment.value("abort_requested", false));
}

}  // namespace amdahl::http
