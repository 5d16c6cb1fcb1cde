#include "amdahl/stats/evidence.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <vector>

#include "unit/stats/vectors.hpp"

using namespace amdahl::stats;
using amdahl::core::ErrorCode;

namespace {

Evidence fresh(double sigma0 = sigma0_a) { return Evidence::against({.sigma0 = sigma0}).value(); }

}  // namespace

TEST_CASE("E after each pair of data A", "[stats][evidence][vector-6]") {
  const std::array expected{1.76349181901, 3.19693674861, 2.62563956567,
                            4.80571577469, 8.22760525025, 15.4330164432};
  auto evidence = fresh();
  CHECK(evidence.e_value() == 1.0);
  for (std::size_t i = 0; i < data_a.size(); ++i) {
    CAPTURE(i);
    REQUIRE(evidence.add(data_a[i]).has_value());
    CHECK(evidence.e_value() == nine_digits(expected[i]));
  }
}

TEST_CASE("log wealth of each bet after data A", "[stats][evidence][vector-7]") {
  auto evidence = fresh();
  for (const double d : data_a) evidence.add(d).value();
  CHECK(evidence.log_wealth()[0] == nine_digits(2.19391139903));
  CHECK(evidence.log_wealth()[1] == nine_digits(2.86983242437));
  CHECK(evidence.log_wealth()[2] == nine_digits(2.9803523911));
}

TEST_CASE("E against a shifted null, of the mirrored data and after a crash",
          "[stats][evidence][vector-8]") {
  CHECK(e_value(data_a, {.sigma0 = sigma0_a, .theta0 = 0.03}).value() ==
        nine_digits(2.16166507469));

  auto mirrored = data_a;
  for (double& d : mirrored) d = -d;
  CHECK(e_value(mirrored, {.sigma0 = sigma0_a}).value() == nine_digits(0.00439347483634));

  std::vector<double> crashed(data_a.begin(), data_a.end());
  crashed.push_back(crash);
  CHECK(e_value(crashed, {.sigma0 = sigma0_a}).value() == nine_digits(0.77165082216));
}

TEST_CASE("E averages to one over all sign patterns and rarely gets large",
          "[stats][evidence][vector-31]") {
  constexpr std::array sizes{.05, .011, .09, .002, .03, .07, .2, .04, .015, .06, .033, .08};
  constexpr unsigned patterns = 1U << sizes.size();
  double sum = 0.0;
  int ever_10 = 0;
  int ever_20 = 0;
  int ever_100 = 0;
  for (unsigned signs = 0; signs < patterns; ++signs) {
    auto evidence = fresh();
    double largest = 0.0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      evidence.add((signs >> i & 1U) != 0 ? sizes[i] : -sizes[i]).value();
      largest = std::max(largest, evidence.e_value());
    }
    sum += evidence.e_value();
    ever_10 += largest >= 10.0 ? 1 : 0;
    ever_20 += largest >= 20.0 ? 1 : 0;
    ever_100 += largest >= 100.0 ? 1 : 0;
  }
  CHECK(sum / patterns == nine_digits(1.0));
  CHECK(static_cast<double>(ever_10) / patterns == 0.0595703125);
  CHECK(static_cast<double>(ever_20) / patterns == 0.02734375);
  CHECK(static_cast<double>(ever_100) / patterns == 0.003173828125);
}

TEST_CASE("a crash costs exactly a factor 20, a failed baseline nothing", "[stats][evidence]") {
  auto evidence = fresh();
  evidence.add_neutral();
  CHECK(evidence == fresh());
  evidence.add(crash).value();
  CHECK(evidence.e_value() == nine_digits(0.05));
  evidence.add(-1e300).value();
  CHECK(evidence.e_value() == nine_digits(0.0025));
}

TEST_CASE("no pair earns more than 1.95, so 10 takes four pairs and 100 takes seven",
          "[stats][evidence]") {
  auto evidence = fresh();
  std::vector<double> path;
  for (int i = 0; i < 7; ++i) {
    evidence.add(1e308).value();
    path.push_back(evidence.e_value());
  }
  CHECK(path[2] < 10.0);
  CHECK(path[3] >= 10.0);
  CHECK(path[5] < 100.0);
  CHECK(path[6] == nine_digits(std::pow(1.95, 7)));
}

TEST_CASE("the logarithm survives where E overflows", "[stats][evidence]") {
  auto evidence = fresh();
  for (int i = 0; i < 2000; ++i) evidence.add(9.0).value();
  CHECK(evidence.log_e_value() == nine_digits(2000 * std::log(1.95)));
  CHECK(evidence.e_value() == unbounded);
  for (int i = 0; i < 4000; ++i) evidence.add(crash).value();
  CHECK(evidence.log_e_value() == nine_digits(2000 * std::log(1.95) + 4000 * std::log(0.05)));
  CHECK(evidence.e_value() == 0.0);
}

TEST_CASE("evidence resumed from its log wealth goes on as if never stored", "[stats][evidence]") {
  auto whole = fresh();
  for (const double d : data_a) whole.add(d).value();

  auto first = fresh();
  for (std::size_t i = 0; i < 3; ++i) first.add(data_a[i]).value();
  auto rest = Evidence::resume({.sigma0 = sigma0_a}, first.log_wealth()).value();
  for (std::size_t i = 3; i < 6; ++i) rest.add(data_a[i]).value();
  CHECK(rest == whole);
}

TEST_CASE("NaN and plus infinity are refused and leave the evidence as it was",
          "[stats][evidence]") {
  auto evidence = fresh();
  evidence.add(0.05).value();
  const auto before = evidence;
  CHECK(evidence.add(GENERATE(as<double>{}, not_a_number, unbounded)).error().code ==
        ErrorCode::invalid_input);
  CHECK(evidence == before);
}

TEST_CASE("evidence needs a positive sigma0, a finite theta0 and a finite stored state",
          "[stats][evidence]") {
  const double bad = GENERATE(as<double>{}, not_a_number, unbounded, crash);
  CHECK(Evidence::against({.sigma0 = bad}).has_error());
  CHECK(Evidence::against({.sigma0 = 0.04, .theta0 = bad}).has_error());
  CHECK(Evidence::resume({.sigma0 = 0.04}, {0.0, bad, 0.0}).has_error());
  CHECK(Evidence::against({.sigma0 = 0.0}).has_error());
  CHECK(Evidence::against({.sigma0 = -0.04}).has_error());
  CHECK(e_value(std::vector<double>{0.1, bad == crash ? not_a_number : bad}, {.sigma0 = 0.04})
            .has_error());
}

TEST_CASE("no pair is no evidence", "[stats][evidence]") {
  CHECK(e_value({}, {.sigma0 = 0.04}).value() == 1.0);
}
