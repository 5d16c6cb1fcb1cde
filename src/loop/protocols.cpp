#include "protocols.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "amdahl/stats/noise.hpp"

namespace amdahl::loop {
namespace {

using core::CheckKind;
using core::CheckPlan;

constexpr std::int64_t longer = 2;            // R4: twice the work
constexpr std::int64_t padding_bytes = 4096;  // R5: moves the stack by a page

}  // namespace

bool needs_approval(const std::vector<core::Change>& changes, const Settings& settings) {
  const auto word = [](const core::Change& change) -> std::string {
    switch (change.kind) {
      case core::ChangeKind::env:
        return "env:" + change.name;
      case core::ChangeKind::arg:
        return "arg:" + change.name;
      case core::ChangeKind::resource:
        return "resource:" + change.name;
      case core::ChangeKind::image:
        return "image";
      case core::ChangeKind::patch:
        return "patch";
    }
    return {};
  };
  return std::any_of(changes.begin(), changes.end(), [&](const auto& change) {
    return std::any_of(settings.approval.begin(), settings.approval.end(),
                       [&](const auto& pattern) {
                         return ::fnmatch(pattern.c_str(), word(change).c_str(), 0) == 0;
                       });
  });
}

std::optional<core::Error> ignored_change(const ClusterView& cluster,
                                          const std::vector<core::Change>& changes) {
  const bool image = std::any_of(changes.begin(), changes.end(), [](const auto& change) {
    return change.kind == core::ChangeKind::image;
  });
  if (!image || cluster.caps.runs_images) return std::nullopt;
  return core::Error{
      core::ErrorCode::not_allowed,
      fmt::format("a cluster of kind {} runs no images: the variant would be the baseline",
                  cluster.kind),
      "propose what the image changes as an argument, a variable or a patch"};
}

core::Result<std::vector<CheckPlan>> choose_checks(const core::JobSpec& job,
                                                   const scheduler_adapters::Caps& caps,
                                                   const Settings& settings) {
  const bool seeds = core::has_placeholder(job, "seed") || core::has_placeholder(job, "shard");
  const bool lengths = core::has_placeholder(job, "length");
  std::vector<CheckPlan> offered;
  // In the order in which they run: the cheapest way to be wrong first.
  if (seeds) offered.push_back({CheckKind::seed_and_shard, 2, 1, 1, false, 0});
  offered.push_back({CheckKind::clean_rebuild, 1, 0, 1, true, padding_bytes});
  if (lengths) offered.push_back({CheckKind::scale, 1, 0, longer, false, 0});
  if (caps.several_node_sets) offered.push_back({CheckKind::node_swap, 1, 0, 1, false, 0});
  const bool later = settings.later.count() > 0;
  if (const auto kinds = offered.size() + (later ? 1 : 0); kinds < 3) {
    std::string missing;
    if (!seeds) missing += " {seed} or {shard}";
    if (!lengths) missing += std::string{missing.empty() ? "" : " and"} + " {length}";
    return core::Error{
        core::ErrorCode::not_allowed,
        fmt::format("cannot be refuted here: {} kinds of check, three are needed", kinds),
        fmt::format("let the job's command take{}", missing)};
  }
  const auto checks = static_cast<std::size_t>(settings.checks);
  const auto at_once = checks - (later ? 1 : 0);
  const auto distinct = offered.size();
  const auto majority = checks / 2 + 1;
  offered.resize(std::min(distinct, at_once));
  for (std::size_t i = 0; offered.size() < at_once; ++i) {
    auto again = offered[i % distinct];
    const auto round = static_cast<std::int64_t>(i / distinct) + 1;
    // Once more the same kind must ask something new: other seeds and shards, another layout.
    if (again.kind == CheckKind::scale && distinct * (majority - 1) > at_once) continue;
    again.seed += 10 * round;
    again.shard += again.kind == CheckKind::seed_and_shard ? round : 0;
    again.env_padding_bytes += again.fresh_layout ? 3 * padding_bytes / 4 * round : 0;
    offered.push_back(again);
  }
  // Last, for it alone is waited for: where the others settle it, nobody waits.
  if (later)
    offered.push_back({CheckKind::later_replication, 1, 0, 1, false, 0, settings.later.count()});
  return offered;
}

core::Result<core::Protocol> make_protocol(const ledger::JobRow& job, const ClusterView& cluster,
                                           const CodeSnapshot& code,
                                           const std::vector<core::Change>& changes,
                                           const Settings& settings) {
  core::Protocol protocol;
  protocol.kind = changes.empty() ? core::ExperimentKind::canary : core::ExperimentKind::trial;
  protocol.job = job.spec;
  protocol.code_digest = code.digest;
  if (cluster.capacity) protocol.hardware_class = cluster.capacity->hardware_class;
  protocol.baseline = job.champion;
  protocol.variant = job.champion;
  if (!changes.empty()) {
    if (auto ignored = ignored_change(cluster, changes)) return *ignored;
    auto variant = core::apply(job.champion, changes);
    if (variant.has_error()) return variant.error();
    protocol.variant = *variant;
    protocol.changes = core::canonical_changes(changes).value();
    auto checks = choose_checks(job.spec, cluster.caps, settings);
    if (checks.has_error()) return checks.error();
    protocol.checks = *checks;
  }
  protocol.sigma0 = job.sigma0.value_or(stats::sigma0_fallback);
  protocol.sigma0_source = job.sigma0 ? fmt::format("A/A pairs of EXP-{}", job.sigma0_from.value)
                                      : "fallback, no A/A pairs yet";
  protocol.theta_mei = -std::log(0.97);
  protocol.pairs_max = settings.pairs_max;
  protocol.canary_pairs = settings.canary_pairs;
  protocol.quality_margin = job.spec.has_quality ? job.spec.quality_margin : 0;
  return protocol;
}

}  // namespace amdahl::loop
