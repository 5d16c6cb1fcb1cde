#include "amdahl/stats/noise.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;

TEST_CASE("sigma0 of ten A/A pairs", "[stats][noise][vector-24]") {
  const std::vector<double> d{.012, -.03, .005, .041, -.018, .022, -.055, .009, -.027, .016};
  const auto noise = noise_floor(d).value();
  CHECK(noise.scale.value() == nine_digits(0.0296520443701));
  CHECK(noise.sigma0 == nine_digits(0.0370650554626));
  CHECK(robust_scale(d).value() == noise.scale);
}

TEST_CASE("seven A/A pairs are too few: sigma0 falls back", "[stats][noise]") {
  const auto few = noise_floor(std::vector<double>(7, 0.01)).value();
  CHECK(few.sigma0 == 0.042);
  CHECK_FALSE(few.scale.has_value());
  CHECK(noise_floor({}).value().sigma0 == 0.042);
  CHECK(noise_floor(std::vector<double>(8, 0.01)).value().sigma0 ==
        nine_digits(1.25 * 1.482602218505602 * 0.01));
}

TEST_CASE("no machine is believed to be quieter than the floor", "[stats][noise]") {
  const auto quiet = noise_floor(std::vector<double>(9, 0.0)).value();
  CHECK(quiet.sigma0 == 0.005);
  CHECK(quiet.scale == 0.0);
}

TEST_CASE("a minority of wild pairs does not move the scale", "[stats][noise]") {
  const std::vector<double> d{.01, -.01, .01, -.01, .01, 50.0, -1e300, .01, -.01};
  CHECK(robust_scale(d).value() == nine_digits(1.482602218505602 * 0.01));
}

TEST_CASE("A/A pairs must be finite", "[stats][noise]") {
  std::vector<double> d(8, 0.01);
  d[3] = GENERATE(as<double>{}, not_a_number, crash, unbounded);
  CHECK(noise_floor(d).error().message.find("4 of 8") != std::string::npos);
  CHECK(robust_scale(d).has_error());
  CHECK(robust_scale({}).has_error());
  d.resize(5);
  CHECK(noise_floor(d).has_error());
}
