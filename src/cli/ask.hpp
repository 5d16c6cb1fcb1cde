#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "amdahl/core/result.hpp"
#include "command.hpp"
#include "config.hpp"

namespace amdahl::cli {

/// Fills `document` with a read model, of the service or (what none shows) of the ledger itself.
/// not_found when there is nothing of that number or name.
core::Result<void> read_view(Context& context, std::string_view view, const nlohmann::json& args,
                             nlohmann::json& document);

/// What the view `status` is asked with: how long a leader may be silent.
nlohmann::json status_query(const Config& config);

/// What this process may do where nobody leads and it does so itself until the answer is there.
enum class MayStart { nothing, runs };

/// Asks the leader for something and waits for its answer. Where nobody leads, this process does
/// for that moment. A refusal is an error with the leader's words.
core::Result<void> ask_leader(Context& context, std::string_view verb, const nlohmann::json& args,
                              nlohmann::json& answer, MayStart may_start = MayStart::nothing);

/// What `answer` ({"ok":…}) says as a result.
core::Result<void> result_of(const nlohmann::json& answer);

}  // namespace amdahl::cli
