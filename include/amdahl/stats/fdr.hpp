#pragma once

#include <cstdint>

namespace amdahl::stats {

/// e-LOND over one stream of hypotheses (Xu & Ramdas 2024): FDR ≤ alpha under any dependence.
struct FdrRule {
  double alpha = 0.10;         ///< false discovery rate promised for the stream
  double cap = 0.01;           ///< largest level a single hypothesis may get
  std::int64_t horizon = 500;  ///< H, hypotheses over which the even half of the weight is spread
};

/// Where a hypothesis stands in its stream when it is decided.
struct StreamPlace {
  std::int64_t t;     ///< order of registration, from 1
  std::int64_t wins;  ///< R, wins declared in the stream so far
};

/// E that a win needs however early it comes in the stream.
inline constexpr double win_evidence_min = 100.0;

/// g_t, the weights of LORD: 0.07720838·ln(max(t, 2)) / (t·e^√ln t); they sum to 1.
double lord_weight(std::int64_t t);

/// γ_t = ½·g_t + ½·(1/H if t ≤ H else 0); sums to at most 1.
double fdr_weight(std::int64_t t, const FdrRule& rule = {});

/// α_t = min(cap, alpha·γ_t·(R + 1)).
double alpha_at(StreamPlace place, const FdrRule& rule = {});

/// E from which the hypothesis wins statistically: max(100, 1/α_t).
double win_threshold(StreamPlace place, const FdrRule& rule = {});

}  // namespace amdahl::stats
