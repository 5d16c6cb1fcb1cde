#include "support/instant_cluster.hpp"

#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"

namespace amdahl::test {

using core::RunState;

namespace {

constexpr std::int64_t begin_us = 1'700'000'000'000'000;
constexpr std::int64_t leg_us = 2'000'000;

core::LegResult leg_result(const core::LegSpec& spec) {
  core::LegResult leg;
  leg.arm = spec.arm;
  leg.started = true;
  leg.exit_code = 0;
  leg.window_us = leg_us;
  leg.gpus = spec.gpus;
  leg.units = 100;
  leg.sample_digest = "0f343b0931126a20f133d67c2b018a3b";
  leg.phase_seconds = {{"compute", 2.0}};
  leg.inside_us = leg_us - 1000;
  leg.peak_memory_bytes = 1 << 20;
  leg.start_us = begin_us;
  return leg;
}

}  // namespace

scheduler_adapters::Submitted InstantCluster::submit(const core::RunSpec& spec,
                                                     std::chrono::milliseconds) {
  scheduler_adapters::Submitted answer;
  answer.kind = scheduler_adapters::Submitted::Kind::already_exists;
  const auto [it, made] = runs_.try_emplace(spec.key.text);
  auto& run = it->second;
  if (made) {
    run.spec = spec;
    run.seen.key = spec.key;
    run.seen.ref = {"i-" + std::to_string(++submitted_), begin_us + submitted_};
    run.seen.held_by_us = true;
    run.seen.state = RunState::held;
    run.seen.witness = spec.witness;
    answer.kind = scheduler_adapters::Submitted::Kind::accepted;
  } else {
    ++repeated_submits_;
  }
  answer.ref = run.seen.ref;
  answer.held = run.seen.held_by_us;
  return answer;
}

core::Result<void> InstantCluster::release(const core::RunKey& key,
                                           const scheduler_adapters::NativeRef&) {
  const auto it = runs_.find(key.text);
  if (it == runs_.end()) return core::Error{core::ErrorCode::not_found, key.text, ""};
  if (!it->second.seen.held_by_us) return {};
  it->second.seen.held_by_us = false;
  it->second.seen.state = RunState::queued;
  return {};
}

scheduler_adapters::Listing InstantCluster::list() {
  if (while_listing) while_listing();
  scheduler_adapters::Listing listing;
  listing.complete = true;
  for (auto& [key, run] : runs_) {
    auto& seen = run.seen;
    if (seen.state == RunState::queued) {
      ++executions_[key];
      seen.state = RunState::ended;
      seen.outcome = core::RunOutcome::succeeded;
      seen.cause = core::CauseClass::app;
      seen.claimed = true;
      seen.nodes = {"node-1"};
      seen.started_at_us = begin_us;
      seen.ended_at_us = begin_us + 2 * leg_us;
    }
    listing.runs.push_back(seen);
  }
  return listing;
}

std::vector<scheduler_adapters::FindResult> InstantCluster::find(
    std::span<const core::RunKey> keys) {
  std::vector<scheduler_adapters::FindResult> found;
  for (const auto& key : keys) {
    auto& result = found.emplace_back();
    result.key = key;
    result.found = scheduler_adapters::Found::not_found_authoritative;
    if (const auto it = runs_.find(key.text); it != runs_.end()) {
      result.found = scheduler_adapters::Found::found;
      result.runs.push_back(it->second.seen);
    }
  }
  return found;
}

scheduler_adapters::Cancelled InstantCluster::cancel(const core::RunKey& key,
                                                     const scheduler_adapters::NativeRef&,
                                                     scheduler_adapters::CancelMode) {
  const auto it = runs_.find(key.text);
  if (it == runs_.end()) return scheduler_adapters::Cancelled::not_visible;
  if (it->second.seen.state == RunState::ended) return scheduler_adapters::Cancelled::already_ended;
  it->second.seen.held_by_us = false;
  it->second.seen.state = RunState::ended;
  it->second.seen.outcome = core::RunOutcome::cancelled;
  it->second.seen.cause = core::CauseClass::operator_;
  return scheduler_adapters::Cancelled::requested;
}

core::Result<std::string> InstantCluster::fetch_result(const core::RunKey& key) {
  const auto it = runs_.find(key.text);
  if (it == runs_.end() || !executions_.contains(key.text)) {
    return core::Error{core::ErrorCode::not_found, "no result of " + key.text, ""};
  }
  core::RunResult result;
  result.key = key;
  result.spec_sha = core::spec_sha(it->second.spec);
  for (const auto& leg : it->second.spec.legs) result.legs.push_back(leg_result(leg));
  result.node = "node-1";
  result.start_us = begin_us;
  result.end_us = begin_us + 2 * leg_us;
  return core::canonical_json(core::to_json(result));
}

}  // namespace amdahl::test
