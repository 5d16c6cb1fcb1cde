#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "amdahl/core/result.hpp"

namespace amdahl::bench {

template <class T>
T must(core::Result<T> result) {
  if (!result) throw std::runtime_error{result.error().message + "; " + result.error().hint};
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Shown as it comes: a later one may take minutes.
inline void print_row(const std::string& name, const std::string& measured,
                      const std::string& bound, bool ok) {
  fmt::print("{}\t{}\t{}\t{}\n", name, measured, bound, ok ? "ok" : "over");
  std::fflush(stdout);
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

template <class Work>
double ms_of(const Work& work) {
  const auto begun = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>{std::chrono::steady_clock::now() - begun}
      .count();
}

}  // namespace amdahl::bench
