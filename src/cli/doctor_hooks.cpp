#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "amdahl/core/quantity.hpp"
#include "doctor_check.hpp"
#include "hook_sources.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

// One end may be missed by any sender; three in a row are silence.
constexpr std::int64_t ends_unheard_max = 2;

std::string age(const json& cluster) {
  const auto seconds = std::max(cluster.at("silent_s").get<double>(), 1.0);
  return core::format_duration(
      std::chrono::milliseconds{1000 * static_cast<std::int64_t>(seconds)});
}

}  // namespace

Check check_hooks(ledger::Ledger& ledger, const Config& config) {
  const auto sources = read_hook_sources(config);
  if (!sources) return {Check::Result::failure, "", sources.error().message, sources.error().hint};
  auto clusters = json::array();
  for (const auto& source : *sources) {
    if (source.enabled) clusters.push_back(source.cluster);
  }
  if (clusters.empty()) return {};
  std::string silent, heard;
  const auto answer = ledger.read("hooks", {{"clusters", clusters}});
  for (const auto& cluster : answer.at("clusters")) {
    const auto name = cluster.at("cluster").get<std::string>();
    const auto ended = cluster.at("ended_since").get<std::int64_t>();
    const bool ever = !cluster.at("last_at").is_null();
    auto& list = ended > ends_unheard_max ? silent : heard;
    if (!list.empty()) list += "; ";
    list += name +
            (ever ? ": the last webhook came " + age(cluster) + " ago" : ": no webhook ever came");
    if (ended > ends_unheard_max) list += fmt::format(", yet {} of its runs ended since", ended);
  }
  if (silent.empty()) return {Check::Result::pass, "", heard, ""};
  return {
      Check::Result::failure, "", silent,
      fmt::format(
          "does the scheduler post to http://{}/hooks/...? what ends is found without it, later",
          config.listen)};
}

}  // namespace amdahl::cli
