#pragma once

#include <array>
#include <catch2/catch.hpp>
#include <limits>

namespace amdahl::stats {

inline constexpr double crash = -std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
inline constexpr double unbounded = std::numeric_limits<double>::infinity();

/// Data A of the judge's page, as log-ratios; computed in Python from the twelve costs.
inline constexpr std::array data_a{0.05129329438755048, 0.05898761293235654,  -0.006072893157899008,
                                   0.06427505123748285, 0.038859695078400064, 0.07351869694515548};
inline constexpr double sigma0_a = 0.04;

/// Agrees to nine digits: the printed vectors have twelve.
inline Catch::Detail::Approx nine_digits(double expected) {
  return Catch::Detail::Approx{expected}.epsilon(1e-9).margin(0.0);
}

}  // namespace amdahl::stats
