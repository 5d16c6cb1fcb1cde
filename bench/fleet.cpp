#include "fleet.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "amdahl/core/canonical_json.hpp"

namespace amdahl::bench {
namespace {

using core::RunState;
using scheduler_adapters::FindResult;
using scheduler_adapters::Found;

constexpr std::int64_t start_us = 1'700'000'000'000'000;
constexpr double leg_seconds = 2;
constexpr double noise = 0.01;

// What the eight values of the knob do to a leg: help, nothing, harm; another order for each job,
// so that a fleet's experiments do not all come to the same end together.
constexpr std::array effects{0.6, 1.0, 1.2, 0.97, 1.0, 0.9, 1.05, 1.0};

double effect_of(const std::vector<std::string>& command) {
  const auto value = static_cast<std::size_t>(std::stoi(command.back()));
  const auto job = static_cast<std::size_t>(std::stoi(command.at(1)));
  return value == 0 ? 1.0 : effects.at((job + value) % effects.size());
}

}  // namespace

core::Result<scheduler_adapters::Capacity> Fleet::capacity() {
  return scheduler_adapters::Capacity{100'000, 100'000, std::int64_t{1} << 50, "bench"};
}

scheduler_adapters::Submitted Fleet::submit(const core::RunSpec& spec, std::chrono::milliseconds) {
  auto& run = runs_[spec.key.text];
  run.spec = spec;
  run.place = ++submitted_;
  run.never_starts = static_cast<int>(random_() % 100) < options_.starts_fail_percent;
  run.seen.key = spec.key;
  run.seen.ref = {"f-" + std::to_string(submitted_), start_us + submitted_};
  run.seen.held_by_us = true;
  run.seen.state = RunState::held;
  run.seen.witness = spec.witness;
  scheduler_adapters::Submitted answer;
  answer.kind = scheduler_adapters::Submitted::Kind::accepted;
  answer.ref = run.seen.ref;
  answer.held = true;
  return answer;
}

core::Result<void> Fleet::release(const core::RunKey& key, const scheduler_adapters::NativeRef&) {
  auto& seen = runs_.at(key.text).seen;
  seen.held_by_us = false;
  seen.state = RunState::queued;
  return {};
}

void Fleet::end(Run& run) {
  auto& seen = run.seen;
  seen.state = RunState::ended;
  seen.nodes = {"node-" + std::to_string(run.place % 50)};
  seen.started_at_us = start_us;
  seen.ended_at_us = start_us + static_cast<std::int64_t>(2 * leg_seconds * 1e6);
  if (run.never_starts) {
    seen.outcome = core::RunOutcome::node_failed;
    seen.cause = core::CauseClass::infra;
    seen.reason = "node down";
    return;
  }
  seen.outcome = core::RunOutcome::succeeded;
  seen.cause = core::CauseClass::app;
  seen.claimed = true;
}

scheduler_adapters::Listing Fleet::list() {
  std::vector<Run*> running;
  for (auto& [key, run] : runs_) {
    if (run.seen.state == RunState::running) running.push_back(&run);
    if (run.seen.state == RunState::queued) run.seen.state = RunState::running;
  }
  std::sort(running.begin(), running.end(),
            [](const auto* a, const auto* b) { return a->place < b->place; });
  running.resize(std::min(running.size(), static_cast<std::size_t>(options_.ends_per_look)));
  for (auto* run : running) end(*run);
  scheduler_adapters::Listing listing;
  listing.complete = true;
  for (const auto& [key, run] : runs_) listing.runs.push_back(run.seen);
  return listing;
}

std::vector<FindResult> Fleet::find(std::span<const core::RunKey> keys) {
  std::vector<FindResult> found;
  for (const auto& key : keys) {
    FindResult result{key, Found::not_found_authoritative, {}};
    if (const auto it = runs_.find(key.text); it != runs_.end()) {
      result.found = Found::found;
      result.runs.push_back(it->second.seen);
    }
    found.push_back(std::move(result));
  }
  return found;
}

scheduler_adapters::Cancelled Fleet::cancel(const core::RunKey& key,
                                            const scheduler_adapters::NativeRef&,
                                            scheduler_adapters::CancelMode) {
  const auto it = runs_.find(key.text);
  if (it == runs_.end()) return scheduler_adapters::Cancelled::not_visible;
  end(it->second);
  return scheduler_adapters::Cancelled::requested;
}

core::LegResult Fleet::leg_of(const core::LegSpec& spec) {
  // Not std::normal_distribution: its numbers differ between libraries, and stands are compared.
  const double unit = static_cast<double>(random_() >> 11U) * 0x1.0p-53;
  const double seconds = leg_seconds * effect_of(spec.command) * std::exp(noise * (unit - 0.5));
  core::LegResult leg;
  leg.arm = spec.arm;
  leg.started = true;
  leg.exit_code = 0;
  leg.window_us = std::llround(seconds * 1e6);
  leg.gpus = spec.gpus;
  leg.units = 100;
  leg.sample_digest = "0f343b0931126a20f133d67c2b018a3b";
  leg.phase_seconds = {{"input", seconds / 2}, {"compute", seconds / 4}, {"unknown", seconds / 4}};
  leg.inside_us = leg.window_us - 1000;
  leg.peak_memory_bytes = 100 << 20;
  leg.start_us = start_us;
  return leg;
}

core::Result<std::string> Fleet::fetch_result(const core::RunKey& key) {
  const auto& run = runs_.at(key.text);
  if (run.never_starts) return core::Error{core::ErrorCode::not_found, "no result", ""};
  core::RunResult result;
  result.key = key;
  result.spec_sha = core::spec_sha(run.spec);
  for (const auto& leg : run.spec.legs) result.legs.push_back(leg_of(leg));
  result.node = run.seen.nodes.front();
  result.start_us = run.seen.started_at_us;
  result.end_us = run.seen.ended_at_us;
  return core::canonical_json(core::to_json(result));
}

core::Result<std::string> Fleet::fetch_log(const core::RunKey&, core::Arm, bool, std::size_t) {
  return std::string{};
}

void Fleet::save(const std::filesystem::path& file) const {
  auto all = nlohmann::json::array();
  for (const auto& [key, run] : runs_) {
    if (run.seen.state == RunState::ended) throw std::runtime_error{"an ended run is not saved"};
    all.push_back({{"spec", core::to_json(run.spec)},
                   {"native_id", run.seen.ref.native_id},
                   {"submitted_at_us", run.seen.ref.submitted_at_us},
                   {"held", run.seen.held_by_us},
                   {"state", static_cast<int>(run.seen.state)},
                   {"place", run.place},
                   {"never_starts", run.never_starts}});
  }
  std::ofstream out{file};
  out << nlohmann::json{{"submitted", submitted_}, {"runs", std::move(all)}};
  if (!out.flush()) throw std::runtime_error{"cannot write " + file.string()};
}

void Fleet::load(const std::filesystem::path& file) {
  std::ifstream in{file};
  const auto all = nlohmann::json::parse(in);
  submitted_ = all.at("submitted");
  for (const auto& item : all.at("runs")) {
    Run run;
    run.spec = core::run_spec_from_json(item.at("spec")).value();
    run.place = item.at("place");
    run.never_starts = item.at("never_starts");
    run.seen.key = run.spec.key;
    run.seen.ref = {item.at("native_id"), item.at("submitted_at_us")};
    run.seen.held_by_us = item.at("held");
    run.seen.state = static_cast<RunState>(item.at("state").get<int>());
    run.seen.witness = run.spec.witness;
    runs_.emplace(run.spec.key.text, std::move(run));
  }
}

}  // namespace amdahl::bench
