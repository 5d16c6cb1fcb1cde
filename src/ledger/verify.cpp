#include "amdahl/ledger/verify.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "amdahl/ledger/export.hpp"
#include "export_text.hpp"
#include "row_source.hpp"
#include "schema.hpp"
#include "statements.hpp"
#include "verifier.hpp"

namespace amdahl::ledger {
namespace {

// Verifying reads all of history: minutes on a long ledger.
constexpr pq::Settings patient{600'000, 2'000};

// Hands a row to the verifier, wherever it comes from.
bool give(Verifier& verifier, std::string_view table, std::string_view text) {
  if (table != "loop_head" && table != hidden_salt) {
    verifier.row(table, text);
  } else if (const auto row = RowText::parse(text)) {
    if (table == "loop_head") {
      verifier.head(*row);
    } else {
      verifier.hidden_row(row->integer("experiment_id").value_or(0),
                          row->text("digest").value_or(""));
    }
  }
  return !verifier.failed();
}

RowSink sink_of(Verifier& verifier) {
  return {[&verifier](const ChainEvent& event) {
            verifier.event(event);
            return !verifier.failed();
          },
          [&verifier](std::string_view table, std::string_view text) {
            return give(verifier, table, text);
          }};
}

// Hands over a row of an export, in which events stand as rows; false when it cannot be read.
bool give_line(Verifier& verifier, const ExportLine& line) {
  if (line.table != "event") return give(verifier, line.table, line.text), true;
  const auto row = RowText::parse(line.text);
  const auto event = row ? event_from(*row) : std::nullopt;
  if (event) verifier.event(*event);
  return event.has_value();
}

// Where the attempts are, the database counts them faster than they could be read.
std::optional<FirstBad> accounting_fault(pq::CopySession& session) {
  const auto text = session.value(statements::accounting_fault);
  const auto fault = RowText::parse(text);
  if (!fault) return {};
  return FirstBad{std::nullopt, fault->text("table").value_or(""), fault->text("key").value_or(""),
                  fault->text("problem").value_or("")};
}

}  // namespace

nlohmann::json to_json(const Verification& verification) {
  nlohmann::json bad;
  if (const auto& first = verification.first_bad) {
    bad = {{"seq", first->seq ? nlohmann::json(*first->seq) : nlohmann::json()},
           {"table", first->table},
           {"key", first->key},
           {"problem", first->problem}};
  }
  return {{"schema", "amdahl.verify/v1"},
          {"ok", !verification.first_bad.has_value()},
          {"events", verification.events},
          {"first_bad", std::move(bad)}};
}

Verification verify_ledger(const std::string& url, Proof proof) {
  pq::CopySession session{url, patient};
  open_snapshot(session);
  Verifier verifier;
  const auto sink = sink_of(verifier);
  for (const auto& table : ledger_tables) {
    // Of the others nothing is bound, and some are large.
    const bool needed = table.chained || table.name == "loop_head" || table.name == "event";
    if (needed && !stream_table(session, table, sink)) break;
  }
  auto verified = verifier.finish();
  if (!verified.first_bad && proof == Proof::everything)
    verified.first_bad = accounting_fault(session);
  return verified;
}

Verification verify_chain_since(const std::string& url, const Verification& earlier) {
  pq::CopySession session{url, patient};
  open_snapshot(session);
  Verifier verifier{earlier};
  const auto sink = sink_of(verifier);
  if (stream_table(session, *table_named("loop_head"), sink)) {
    stream_events(session, earlier.events, sink);
  }
  return verifier.finish();
}

core::Result<Verification> verify_export(std::istream& in, const std::string& name) {
  ExportReader reader{in, name};
  const auto header = reader.header();
  if (!header) return header.error();
  if (header->schema_version > binary_version()) {
    return reader.error(fmt::format("the export has schema version {}, this binary only knows {}",
                                    header->schema_version, binary_version()),
                        "install a newer amdahl");
  }
  Verifier verifier;
  while (!verifier.failed()) {
    const auto line = reader.next();
    if (!line) return line.error();
    if (!*line) break;
    if (!give_line(verifier, **line)) return reader.error("the event lacks a column");
  }
  return verifier.finish();
}

}  // namespace amdahl::ledger
