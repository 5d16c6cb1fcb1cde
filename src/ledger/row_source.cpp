#include "row_source.hpp"

#include <fmt/format.h>

#include <charconv>

#include "statements.hpp"

namespace amdahl::ledger {
namespace {

// The next field of a row of COPY, as it stands there.
std::string_view take_raw(std::string_view& line) {
  const auto end = std::min(line.find('\t'), line.size());
  const auto field = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return field;
}

// The next field without its escapes.
void take_field(std::string_view& line, std::string& out) {
  out.clear();
  pq::append_unescaped(out, take_raw(line));
}

std::string take_field(std::string_view& line) {
  std::string out;
  take_field(line, out);
  return out;
}

std::int64_t take_number(std::string_view& line) {
  const auto text = take_raw(line);
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool stream_salts(pq::CopySession& session, const RowSink& sink) {
  bool more = true;
  session.copy_out(statements::copy_salts, [&](std::string_view line) {
    const auto experiment = take_field(line);
    const auto digest = take_field(line);
    if (line != "\\N") return more = sink.row("experiment_salt", take_field(line));
    return more = sink.row(hidden_salt, fmt::format(R"({{"experiment_id": {}, "digest": "{}"}})",
                                                    experiment, digest));
  });
  return more;
}

}  // namespace

void open_snapshot(pq::CopySession& session) { session.execute(statements::open_snapshot); }

bool stream_events(pq::CopySession& session, std::int64_t after, const RowSink& sink) {
  bool more = true;
  ChainEvent event;
  session.copy_out(fmt::format(statements::copy_events, after), [&](std::string_view line) {
    event.seq = take_number(line);
    event.fence = take_number(line);
    take_field(line, event.kind);
    take_field(line, event.ref);
    take_field(line, event.at);
    take_field(line, event.prev_hash);
    take_field(line, event.hash);
    take_field(line, event.payload);
    return more = sink.event(event);
  });
  return more;
}

bool stream_table(pq::CopySession& session, const LedgerTable& table, const RowSink& sink) {
  if (table.name == "event") return stream_events(session, 0, sink);
  if (table.name == "experiment_salt") return stream_salts(session, sink);
  bool more = true;
  std::string text;
  session.copy_out(fmt::format(statements::copy_table, table.name, table.order),
                   [&](std::string_view line) {
                     text.clear();
                     pq::append_unescaped(text, line);
                     return more = sink.row(table.name, text);
                   });
  return more;
}

void stream_ledger(pq::CopySession& session, const RowSink& sink) {
  for (const auto& table : ledger_tables) {
    if (!stream_table(session, table, sink)) return;
  }
}

}  // namespace amdahl::ledger
