#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "options.hpp"

namespace amdahl::cli {

// How rows of the read models are said to people.

/// `workers 0 → 4` of a summary, hypothesis or protocol with `change` and `baseline`.
std::string change_text(const nlohmann::json& row);
/// `12` → `EXP-12`.
std::string experiment_name(const nlohmann::json& row);
/// The verdict where there is one, else the state; with its mark.
std::string standing_text(const nlohmann::json& row);
/// `11.8 % [9.4 … 14.1]`, `~` for no effect, `unknown`, or blank before there is anything.
std::string saving_text(const nlohmann::json& row);
/// `4:1` upholds against refutes; blank before the checks.
std::string votes_text(const nlohmann::json& row);
/// `EXP-12  ✔ win  11.8 % [9.4 … 14.1]  why` of a decided experiment.
std::string verdict_line(const nlohmann::json& experiment);
/// ✔ ✖ ~ for a verdict.
std::string mark_of(const std::string& outcome);
/// `3 win · 2 refuted` of counts by word, in the given order; zero ones left out.
std::string counts_text(const nlohmann::json& counts, const std::string& none);

}  // namespace amdahl::cli
