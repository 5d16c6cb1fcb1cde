#include "protocols.hpp"

#include <fmt/format.h>

#include <cmath>

#include "amdahl/stats/noise.hpp"

namespace amdahl::loop {
namespace {

using core::CheckKind;
using core::CheckPlan;

constexpr std::int64_t longer = 2;            // R4: twice the work
constexpr std::int64_t padding_bytes = 4096;  // R5: moves the stack by a page

}  // namespace

core::Result<std::vector<CheckPlan>> choose_checks(const core::JobSpec& job,
                                                   const scheduler_adapters::Caps& caps,
                                                   int checks) {
  const bool seeds = core::has_placeholder(job, "seed") || core::has_placeholder(job, "shard");
  const bool lengths = core::has_placeholder(job, "length");
  std::vector<CheckPlan> offered;
  // In the order in which they run: the cheapest way to be wrong first.
  if (seeds) offered.push_back({CheckKind::seed_and_shard, 2, 1, 1, false, 0});
  offered.push_back({CheckKind::clean_rebuild, 1, 0, 1, true, padding_bytes});
  if (lengths) offered.push_back({CheckKind::scale, 1, 0, longer, false, 0});
  if (caps.several_node_sets) offered.push_back({CheckKind::node_swap, 1, 0, 1, false, 0});
  if (offered.size() < 3) {
    std::string missing;
    if (!seeds) missing += " {seed} or {shard}";
    if (!lengths) missing += std::string{missing.empty() ? "" : " and"} + " {length}";
    return core::Error{
        core::ErrorCode::not_allowed,
        fmt::format("cannot be refuted here: {} kinds of check, three are needed", offered.size()),
        fmt::format("let the job's command take{}", missing)};
  }
  const auto distinct = offered.size();
  const auto majority = static_cast<std::size_t>(checks / 2 + 1);
  for (std::size_t i = 0; offered.size() < static_cast<std::size_t>(checks); ++i) {
    auto again = offered[i % distinct];
    const auto round = static_cast<std::int64_t>(i / distinct) + 1;
    // Once more the same kind must ask something new: other seeds and shards, another layout.
    if (again.kind == CheckKind::scale &&
        distinct * (majority - 1) > static_cast<std::size_t>(checks))
      continue;
    again.seed += 10 * round;
    again.shard += again.kind == CheckKind::seed_and_shard ? round : 0;
    again.env_padding_bytes += again.fresh_layout ? 3 * padding_bytes / 4 * round : 0;
    offered.push_back(again);
  }
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
    auto variant = core::apply(job.champion, changes);
    if (variant.has_error()) return variant.error();
    protocol.variant = *variant;
    protocol.changes = core::canonical_changes(changes).value();
    auto checks = choose_checks(job.spec, cluster.caps, settings.checks);
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
