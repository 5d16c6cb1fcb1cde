#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "command.hpp"

namespace amdahl::cli {

/// What an experiment will take, before it starts: the judge's planning numbers (6 pairs when the
/// change does nothing, 10 to 17 when it saves) at the job's own cost of a leg.
struct Forecast {
  int pairs_if_nothing = 6;
  int pairs_if_real_min = 10;
  int pairs_if_real_max = 17;
  double leg_seconds = 0;
  bool measured = false;  ///< else the leg's time limit: at most
  double gpus = 0;        ///< of the allocation

  double gpu_hours(int pairs) const { return 2 * pairs * leg_seconds * gpus / 3600; }
  double seconds(int pairs) const { return 2 * pairs * leg_seconds; }
};

/// From an `experiment` view of the same job with finished pairs (may be null) and the job's spec.
std::optional<Forecast> forecast_of(const nlohmann::json& spec, const nlohmann::json& measured);

/// The same for the next experiment of a job, from the newest of its experiments that measured
/// something. Nothing when the job cannot be read.
std::optional<Forecast> forecast_for(Context& context, const std::string& job);

std::string forecast_text(const Forecast& forecast);
nlohmann::json to_json(const Forecast& forecast);

}  // namespace amdahl::cli
