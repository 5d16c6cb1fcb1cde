#include "forecast.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "amdahl/core/quantity.hpp"
#include "ask.hpp"
#include "numbers.hpp"

namespace amdahl::cli {

using nlohmann::json;

namespace {

// The median window of good baseline legs, in seconds.
std::optional<double> baseline_seconds(const json& experiment) {
  std::vector<double> windows;
  for (const auto& pair : experiment.value("pairs", json::array())) {
    for (const auto& leg : pair.value("legs", json::array())) {
      const auto window = number_of(leg.value("window_us", json{}));
      if (leg.value("arm", "") == "baseline" && window && *window > 0)
        windows.push_back(*window / 1e6);
    }
  }
  if (windows.empty()) return std::nullopt;
  const auto middle = windows.begin() + static_cast<std::ptrdiff_t>(windows.size() / 2);
  std::nth_element(windows.begin(), middle, windows.end());
  return *middle;
}

std::string duration(double seconds) {
  return core::format_duration(
      std::chrono::milliseconds{static_cast<std::int64_t>(1000 * seconds)});
}

}  // namespace

std::optional<Forecast> forecast_of(const json& spec, const json& measured) {
  Forecast forecast;
  const auto resources = spec.value("resources", json::object());
  forecast.gpus = std::max(1.0, number_of(resources.value("gpus", json{})).value_or(1));
  if (const auto window = measured.is_object() ? baseline_seconds(measured) : std::nullopt) {
    forecast.leg_seconds = *window;
    forecast.measured = true;
    return forecast;
  }
  const auto limit = number_of(spec.value("time_limit_ms", json{}));
  if (!limit || *limit <= 0) return std::nullopt;
  forecast.leg_seconds = *limit / 1000;
  return forecast;
}

std::optional<Forecast> forecast_for(Context& context, const std::string& name) {
  json job, measured;
  if (!read_view(context, "job", {{"name", name}}, job)) return std::nullopt;
  for (const auto& row : job.value("experiments", json::array())) {
    if (row.value("pairs_complete", 0) == 0) continue;
    if (read_view(context, "experiment", {{"experiment", row["experiment"]}}, measured)) break;
  }
  return forecast_of(job.value("spec", json::object()), measured);
}

std::string forecast_text(const Forecast& forecast) {
  const auto line = [&](int low, int high) {
    const auto pairs = low == high ? std::to_string(low) : fmt::format("{} to {}", low, high);
    return fmt::format("{} pairs, {}{} GPU-h, {}", pairs, forecast.measured ? "about " : "at most ",
                       gpu_hours(forecast.gpu_hours(high)), duration(forecast.seconds(high)));
  };
  return fmt::format("{}, if it does nothing; {}, if it saves",
                     line(forecast.pairs_if_nothing, forecast.pairs_if_nothing),
                     line(forecast.pairs_if_real_min, forecast.pairs_if_real_max));
}

json to_json(const Forecast& forecast) {
  const auto estimate = [&](int pairs) {
    return json{{"pairs", pairs},
                {"gpu_hours", forecast.gpu_hours(pairs)},
                {"seconds", forecast.seconds(pairs)}};
  };
  return {{"if_nothing", estimate(forecast.pairs_if_nothing)},
          {"if_real", estimate(forecast.pairs_if_real_max)},
          {"if_real_least_pairs", forecast.pairs_if_real_min},
          {"measured", forecast.measured}};
}

}  // namespace amdahl::cli
