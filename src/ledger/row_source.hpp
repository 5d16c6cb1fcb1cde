#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "copy_session.hpp"
#include "ledger_rows.hpp"

namespace amdahl::ledger {

/// What reads a ledger row by row; each answers whether it wants more.
struct RowSink {
  std::function<bool(const ChainEvent&)> event;
  std::function<bool(std::string_view table, std::string_view text)> row;
};

/// Opens a read-only snapshot in which the text of a row is canonical.
void open_snapshot(pq::CopySession& session);
/// All rows in the order of `ledger_tables`.
void stream_ledger(pq::CopySession& session, const RowSink& sink);
/// The events after `seq`.
bool stream_events(pq::CopySession& session, std::int64_t after, const RowSink& sink);
bool stream_table(pq::CopySession& session, const LedgerTable& table, const RowSink& sink);

}  // namespace amdahl::ledger
