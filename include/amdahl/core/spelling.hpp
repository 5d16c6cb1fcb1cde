#pragma once

#include <span>
#include <string>
#include <string_view>

namespace amdahl::core {

/// The candidate that `word` was probably meant to be; empty when none is near enough.
std::string closest_word(std::string_view word, std::span<const std::string> candidates);

/// `did you mean X?`, or `known: A, B, C` when nothing is near.
std::string suggest(std::string_view word, std::span<const std::string> candidates);

}  // namespace amdahl::core
