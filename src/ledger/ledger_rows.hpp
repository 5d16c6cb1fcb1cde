#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "row_text.hpp"

namespace amdahl::ledger {

/// One event of the chain, as its columns are.
struct ChainEvent {
  std::int64_t seq = 0;
  std::int64_t fence = 0;
  std::string kind;
  std::string ref;
  std::string at;  ///< RFC 3339, UTC, microseconds: the text that is hashed
  std::string payload;
  std::string prev_hash;  ///< hex
  std::string hash;       ///< hex
};

std::string event_text(const ChainEvent& event);
/// Empty when a column is missing.
std::optional<ChainEvent> event_from(const RowText& row);

/// The tables of an export, in its order; `order` sorts their rows. Chained: bound by digests.
struct LedgerTable {
  std::string_view name;
  std::string_view order;
  bool chained = true;
};
inline constexpr std::array<LedgerTable, 25> ledger_tables{{
    {"loop_head", "loop_id", false},
    {"event", "seq", false},
    {"loop_total", "loop_id"},
    {"fdr_stream", "stream_id"},
    {"job", "job_id"},
    {"hypothesis", "hypothesis_id"},
    {"experiment", "experiment_id"},
    {"experiment_salt", "experiment_id"},
    {"experiment_key", "experiment_id, fp_version, replicate, fingerprint"},
    {"check_", "experiment_id, check_no"},
    {"verdict", "experiment_id"},
    {"pair", "pair_id"},
    {"worker_run", "run_id"},
    {"measurement", "run_id, arm"},
    {"ruling", "ruling_id"},
    {"production_run", "production_id"},
    {"bank", "entry_id"},
    {"spend", "bucket_at"},
    {"command", "command_id", false},
    {"delivery", "source, delivery_id", false},
    {"delivery_mark", "mark_id", false},
    {"posted_result", "run_key", false},
    {"accounting_family", "family_id", false},
    {"accounting_attempt", "cluster, native_id, submit_s", false},
    {"accounting_total", "total_id", false},
}};
/// Stands where the service's role may not read the salt: experiment and digest of the row.
inline constexpr std::string_view hidden_salt{"experiment_salt_hidden"};

const LedgerTable* table_named(std::string_view name);
/// The key of a chained row, as `rows_changed` spells it (functions/18_seal.sql).
std::optional<std::string> row_key(std::string_view table, const RowText& row);

}  // namespace amdahl::ledger
