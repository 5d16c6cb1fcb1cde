#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace amdahl::core {

/// A ledger row's number; ids of different tables do not mix. 0 = not assigned yet.
template <class Tag>
struct StrongId {
  std::int64_t value = 0;

  friend auto operator<=>(const StrongId&, const StrongId&) = default;
  explicit operator bool() const { return value != 0; }
};

using JobId = StrongId<struct JobTag>;
using HypothesisId = StrongId<struct HypothesisTag>;
using ExperimentId = StrongId<struct ExperimentTag>;
using PairId = StrongId<struct PairTag>;
using RunId = StrongId<struct RunTag>;

}  // namespace amdahl::core

template <class Tag>
struct std::hash<amdahl::core::StrongId<Tag>> {
  std::size_t operator()(const amdahl::core::StrongId<Tag>& id) const noexcept {
    return std::hash<std::int64_t>{}(id.value);
  }
};
