#include "amdahl/core/spelling.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace amdahl::core {

namespace {

constexpr std::size_t word_chars_max = 64;  // what follows is quadratic

// Damerau's distance in its restricted form: a swap of neighbours counts once.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t other = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({row[j - 1] + 1, last[j] + 1, last[j - 1] + other});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::string closest_word(std::string_view word, std::span<const std::string> candidates) {
  if (word.empty() || word.size() > word_chars_max) return {};
  const std::size_t near = std::max<std::size_t>(1, word.size() / 3);
  std::string best;
  std::size_t best_distance = near + 1;
  for (const auto& candidate : candidates) {
    if (candidate.size() > word_chars_max) continue;
    const auto apart = distance(word, candidate);
    if (apart < best_distance) {
      best = candidate;
      best_distance = apart;
    }
  }
  return best;
}

std::string suggest(std::string_view word, std::span<const std::string> candidates) {
  if (const auto near = closest_word(word, candidates); !near.empty()) {
    return "did you mean " + near + "?";
  }
  if (candidates.empty()) return {};
  std::string all = "known: ";
  for (const auto& candidate : candidates) {
    if (&candidate != &candidates.front()) all += ", ";
    all += candidate;
  }
  return all;
}

}  // namespace amdahl::core
