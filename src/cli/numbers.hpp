#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "options.hpp"

namespace amdahl::cli {

// Numbers as people read them; JSON always carries the raw ones.

std::string percent(double ratio);          ///< 0.118 → `11.8 %`
std::string grouped(double value);          ///< 12404.2 → `12,404`
std::string evidence_text(double e_value);  ///< `0.31`, `21.4`, `1,904`, `1.2e+15`
std::string gpu_hours(double hours);        ///< `0.00214`, `4.31`, `12,404`

// The same of a JSON value, `unknown` for null.
std::string percent(const nlohmann::json& ratio);
std::string gpu_hours(const nlohmann::json& hours);
std::string text_or(const nlohmann::json& value, const std::string& otherwise);
std::optional<double> number_of(const nlohmann::json& value);

/// RFC 3339 text of the ledger → local time for a terminal, unchanged else; `unknown` for null.
std::string time_text(const nlohmann::json& value, const GlobalOptions& options);

}  // namespace amdahl::cli
