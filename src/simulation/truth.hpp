#pragma once

#include <map>
#include <string>

#include "amdahl/core/job.hpp"
#include "amdahl/core/run.hpp"
#include "dice.hpp"

namespace amdahl::simulation {

/// What a value of a knob really does.
enum class Effect { wins, nothing, harms, crashes };

/// The world behind one schedule: which changes really help. The judge must find out.
struct Truth {
  std::map<std::string, std::map<std::string, Effect>> knobs;
  double noise = 0.01;  ///< standard deviation of ln(window)
  std::int64_t window_us = 300'000;

  /// How a leg ends with this command; what it measures is drawn from `dice`.
  core::LegResult leg(const core::LegSpec& spec, Dice& dice) const;
  /// What a change to this configuration's value does.
  Effect effect(const std::string& knob, const std::string& value) const;
};

/// The job of a schedule: two knobs and GPUs, every placeholder that the checks need.
core::JobSpec simulated_job(const Truth& truth, const std::string& name);
/// Draws which knobs there are and what they do.
Truth draw_truth(Dice& dice, bool with_knobs);

}  // namespace amdahl::simulation
