#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "amdahl/core/result.hpp"
#include "environment.hpp"
#include "table.hpp"

namespace amdahl::cli {

/// `amdahl.rank/v1` from a file of a scheduler's accounting (`-`: standard input): no ledger, no
/// service. The first rows only. Errors name the file, the line and the command that makes such a
/// file.
core::Result<nlohmann::json> rank_of_file(Environment& env, const std::string& file,
                                          std::size_t rows_max);

/// Its rows for people, and what stands below them.
Table fleet_table(const nlohmann::json& document);
std::string fleet_note(const nlohmann::json& document);

}  // namespace amdahl::cli
