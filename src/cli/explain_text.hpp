#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "options.hpp"

namespace amdahl::cli {

/// An `experiment` read model for people; `forecast` stands where nothing is measured yet.
std::string explain_text(const nlohmann::json& experiment, const GlobalOptions& options,
                         const std::string& forecast);

/// One hypothesis, with why it was rejected if it was.
std::string hypothesis_text(const nlohmann::json& hypothesis, const std::string& forecast);

}  // namespace amdahl::cli
