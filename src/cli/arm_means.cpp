#include "arm_means.hpp"

#include <algorithm>

#include "numbers.hpp"

namespace amdahl::cli {

using nlohmann::json;

namespace {

class Mean {
 public:
  void add(const std::optional<double>& value) {
    if (!value) return;
    sum_ += *value;
    ++count_;
  }
  std::optional<double> value() const {
    return count_ == 0 ? std::nullopt : std::optional{sum_ / count_};
  }

 private:
  double sum_ = 0;
  int count_ = 0;
};

ArmMeans means_of_arm(const json& experiment, const std::string& arm) {
  ArmMeans means;
  Mean cost, quality, memory, seconds;
  for (const auto& pair : experiment.value("pairs", json::array())) {
    if (pair.value("state", "") != "complete") continue;
    for (const auto& leg : pair.value("legs", json::array())) {
      if (leg.value("arm", "") != arm) continue;
      const auto window = number_of(leg.value("window_us", json{}));
      const auto units = number_of(leg.value("units", json{}));
      ++means.pairs;
      quality.add(number_of(leg.value("quality", json{})));
      memory.add(number_of(leg.value("peak_memory_bytes", json{})));
      if (!window || !units || !(*units > 0)) continue;
      const double gpus = std::max(1.0, number_of(leg.value("gpus", json{})).value_or(1));
      seconds.add(*window / 1e6);
      cost.add(gpus * *window / 1e6 / *units);
    }
  }
  means.cost = cost.value();
  means.quality = quality.value();
  means.memory_bytes = memory.value();
  means.seconds = seconds.value();
  return means;
}

}  // namespace

BothMeans means_of(const json& experiment) {
  return {means_of_arm(experiment, "baseline"), means_of_arm(experiment, "variant")};
}

}  // namespace amdahl::cli
