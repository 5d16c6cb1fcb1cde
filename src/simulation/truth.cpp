#include "truth.hpp"

#include <fmt/format.h>

#include <cmath>

namespace amdahl::simulation {
namespace {

constexpr double win_factor = 0.5;
constexpr double harm_factor = 1.4;
constexpr int exit_of_a_crash = 3;

// Sum of twelve uniform draws: normal enough, and the same on every machine.
double normal(Dice& dice) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += static_cast<double>(dice.next() >> 11U) * 0x1p-53;
  return sum;
}

std::string argument(const core::LegSpec& spec, const std::string& name) {
  for (std::size_t i = 0; i + 1 < spec.command.size(); ++i) {
    if (spec.command[i] == "--" + name) return spec.command[i + 1];
  }
  return {};
}

}  // namespace

Effect Truth::effect(const std::string& knob, const std::string& value) const {
  const auto it = knobs.find(knob);
  if (it == knobs.end()) return Effect::nothing;
  const auto found = it->second.find(value);
  return found == it->second.end() ? Effect::nothing : found->second;
}

core::LegResult Truth::leg(const core::LegSpec& spec, Dice& dice) const {
  core::LegResult leg;
  leg.arm = spec.arm;
  leg.started = true;
  leg.gpus = spec.gpus;
  leg.exit_code = 0;
  double factor = std::exp(noise * normal(dice));
  for (const auto& [knob, values] : knobs) {
    switch (effect(knob, argument(spec, knob))) {
      case Effect::wins:
        factor *= win_factor;
        break;
      case Effect::harms:
        factor *= harm_factor;
        break;
      case Effect::crashes:
        leg.exit_code = exit_of_a_crash;
        break;
      case Effect::nothing:
        break;
    }
  }
  const double length = std::stod(argument(spec, "length"));
  leg.window_us = static_cast<std::int64_t>(static_cast<double>(window_us) * length * factor);
  if (leg.exit_code != 0) {
    leg.window_us /= 10;
    return leg;
  }
  leg.units = 100 * length;
  leg.quality = 0.9;
  leg.sample_digest = fmt::format("{}/{}/{}", argument(spec, "seed"), argument(spec, "shard"),
                                  argument(spec, "length"));
  const auto seconds = static_cast<double>(leg.window_us) / 1e6;
  leg.phase_seconds = {{"compute", seconds * 0.6}, {"input", seconds * 0.4}};
  return leg;
}

core::JobSpec simulated_job(const Truth& truth, const std::string& name) {
  core::JobSpec job;
  job.name = name;
  job.cluster = "sim";
  job.command = {"work", "--seed", "{seed}", "--shard", "{shard}", "--length", "{length}"};
  job.workdir = "/";
  job.dataset = "none";
  job.resources = {1, 2, 1, 1 << 20};
  job.time_limit = std::chrono::seconds{5};
  job.has_quality = true;
  job.quality_metric = "accuracy";
  job.quality_margin = 0.005;
  for (const auto& [knob, values] : truth.knobs) {
    job.command.insert(job.command.end(), {"--" + knob, "{" + knob + "}"});
    core::Knob added;
    added.name = knob;
    added.phase = "input";
    added.baseline = "0";
    for (const auto& [value, effect] : values) added.values.push_back(value);
    job.knobs.push_back(std::move(added));
  }
  return job;
}

Truth draw_truth(Dice& dice, bool with_knobs) {
  Truth truth;
  if (!with_knobs) return truth;
  constexpr Effect effects[] = {Effect::wins,    Effect::wins,  Effect::wins,
                                Effect::nothing, Effect::harms, Effect::crashes};
  const auto any = [&] { return effects[dice.between(0, 5)]; };
  truth.knobs["alpha"]["1"] = any();
  if (dice.chance(0.4)) truth.knobs["alpha"]["2"] = any();
  if (dice.chance(0.5)) truth.knobs["beta"]["1"] = any();
  return truth;
}

}  // namespace amdahl::simulation
