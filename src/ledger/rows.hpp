#pragma once

#include <nlohmann/json_fwd.hpp>

#include "amdahl/ledger/snapshot.hpp"

namespace amdahl::ledger {

/// From the JSON of read_head() and read_snapshot(). Throws SchemaMismatch for a row that this
/// binary cannot read, naming it.
Head head_from(const nlohmann::json& value);
Snapshot snapshot_from(const nlohmann::json& value);

}  // namespace amdahl::ledger
