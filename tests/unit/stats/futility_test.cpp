#include "amdahl/stats/futility.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;

TEST_CASE("the outlook of data A is good enough to go on", "[stats][futility][vector-10]") {
  const auto outlook = futility(data_a, {.sigma0 = sigma0_a}).value().value();
  CHECK(outlook.posterior_mean == nine_digits(0.0401230653461));
  CHECK(outlook.posterior_sd == nine_digits(0.0151185789204));
  CHECK(outlook.chance_of_mei == nine_digits(0.738654922309));
  CHECK_FALSE(outlook.futile);
}

TEST_CASE("three poor pairs are futile, the worst of them clipped",
          "[stats][futility][vector-11]") {
  const std::vector<double> d{0.01, -0.02, -0.15};
  const auto outlook = futility(d, {.sigma0 = sigma0_a}).value().value();
  CHECK(outlook.posterior_mean == nine_digits(-0.0325));
  CHECK(outlook.posterior_sd == nine_digits(0.02));
  CHECK(outlook.chance_of_mei == nine_digits(0.00082206989789));
  CHECK(outlook.futile);
}

TEST_CASE("the minimum effect of interest is a saving of three per cent", "[stats][futility]") {
  CHECK(default_theta_mei == nine_digits(-std::log(0.97)));
}

TEST_CASE("nothing is futile before the third pair", "[stats][futility]") {
  CHECK_FALSE(futility({}, {.sigma0 = 0.04}).value().has_value());
  CHECK_FALSE(futility(std::vector<double>(2, crash), {.sigma0 = 0.04}).value().has_value());
  CHECK(futility(std::vector<double>(3, crash), {.sigma0 = 0.04}).value()->futile);
}

TEST_CASE("a crash counts as the worst clipped pair", "[stats][futility]") {
  const FutilityRule rule{.sigma0 = 0.04};
  const auto crashed = futility(std::vector<double>{0.05, 0.04, crash}, rule).value().value();
  const auto clipped = futility(std::vector<double>{0.05, 0.04, -0.12}, rule).value().value();
  CHECK(crashed.posterior_mean == clipped.posterior_mean);
}

TEST_CASE("on a quiet machine a large saving is not clipped into futility", "[stats][futility]") {
  // Clipped at 3 σ0 = .015 alone, the mean would stay below θ_MEI.
  const auto outlook =
      futility(std::vector<double>(3, std::log(2.0)), {.sigma0 = 0.005}).value().value();
  CHECK_FALSE(outlook.futile);
  CHECK(outlook.chance_of_mei > 0.99);
}

TEST_CASE("a more patient rule goes on where the default stops", "[stats][futility]") {
  const std::vector<double> d{0.01, -0.02, -0.15};
  CHECK_FALSE(futility(d, {.sigma0 = sigma0_a, .chance_min = 0.0005}).value()->futile);
}

TEST_CASE("futility refuses bad input", "[stats][futility]") {
  CHECK(futility(std::vector<double>{0.1, not_a_number, 0.1}, {.sigma0 = 0.04}).has_error());
  CHECK(futility(data_a, {.sigma0 = 0.0}).has_error());
  CHECK(futility(data_a, {.sigma0 = 0.04, .theta_mei = not_a_number}).has_error());
  CHECK(futility(data_a, {.sigma0 = 0.04, .chance_min = 1.0}).has_error());
}
