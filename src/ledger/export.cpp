#include "amdahl/ledger/export.hpp"

#include <fmt/format.h>

#include <charconv>
#include <fstream>

#include "amdahl/ledger/errors.hpp"
#include "export_text.hpp"
#include "row_source.hpp"
#include "schema.hpp"
#include "statements.hpp"

namespace amdahl::ledger {
namespace {

using core::Error;
using core::ErrorCode;
using core::Result;

// All of history goes through one statement.
constexpr pq::Settings unhurried{3'600'000, 10'000};

ExportHeader header_of(pq::CopySession& session) {
  const auto text = session.value(statements::head_of_export);
  const auto first = text.find(' '), second = text.find(' ', first + 1);
  ExportHeader header;
  std::from_chars(text.data(), text.data() + first, header.schema_version);
  std::from_chars(text.data() + first + 1, text.data() + second, header.head_seq);
  header.head_hash = text.substr(second + 1);
  return header;
}

ExportSummary write_all(pq::CopySession& session,
                        const std::function<void(std::string_view)>& write) {
  ExportWriter writer{write};
  ExportSummary summary;
  writer.header(header_of(session));
  stream_ledger(session, {[&](const ChainEvent& event) {
                            writer.row("event", event_text(event));
                            return true;
                          },
                          [&](std::string_view table, std::string_view text) {
                            summary.hidden_salts += table == hidden_salt ? 1 : 0;
                            writer.row(table, text);
                            return true;
                          }});
  summary.rows = writer.rows();
  summary.sha256 = writer.footer();
  return summary;
}

void check_schema(const std::string& url) {
  pq::Session session{url, unhurried};
  if (auto problem = server_problem(session.server_version()); !problem.empty()) {
    throw SchemaMismatch{problem};
  }
  const auto state = read_schema_state(session);
  if (auto problem = schema_problem(state); !problem.empty()) throw SchemaMismatch{problem};
  if (!state->session_owns) {
    throw Refused{"only the ledger's owner may import: set ledger.owner_url_file", "42501"};
  }
}

// Reads the whole file once before anything is written.
Result<ExportSummary> look_through(std::istream& in, const std::string& name) {
  ExportReader reader{in, name};
  const auto header = reader.header();
  if (!header) return header.error();
  if (header->schema_version != binary_version()) {
    auto error = reader.error(
        fmt::format("the export has schema version {}, this ledger {}", header->schema_version,
                    binary_version()),
        fmt::format("import it with the amdahl that wrote it{}",
                    header->schema_version < binary_version() ? ", then run amdahl db migrate"
                                                              : ", or install that version here"));
    error.code = ErrorCode::conflict;
    return error;
  }
  ExportSummary summary;
  for (;;) {
    const auto line = reader.next();
    if (!line) return line.error();
    if (!*line) break;
    if ((*line)->table == hidden_salt) {
      return reader.error("the salt of an undecided experiment is not in this export",
                          "export with amdahl ledger export --owner: only the owner sees salts");
    }
  }
  summary.rows = reader.rows();
  summary.sha256 = reader.sha256();
  return summary;
}

Result<ExportSummary> prove(std::istream& in, const std::string& name) {
  auto summary = look_through(in, name);
  if (!summary) return summary;
  in.clear();
  in.seekg(0);
  const auto proved = verify_export(in, name);
  if (!proved) return proved.error();
  if (const auto& bad = proved->first_bad) {
    return Error{ErrorCode::failed,
                 fmt::format("{}: the ledger was altered: {} ({} {})", name, bad->problem,
                             bad->table, bad->key),
                 "nothing is repaired by itself: import a copy from before"};
  }
  return summary;
}

Result<void> copy_rows(pq::CopySession& session, std::istream& in, const std::string& name) {
  in.clear();
  in.seekg(0);
  ExportReader reader{in, name};
  if (const auto header = reader.header(); !header) return header.error();
  Result<void> outcome;
  session.copy_in(statements::copy_import, [&](std::string& out) {
    const auto line = reader.next();
    if (!line) outcome = line.error();
    if (!line || !*line) return false;
    out.append((*line)->table);
    out += '\t';
    pq::append_escaped(out, (*line)->text);
    return true;
  });
  return outcome;
}

}  // namespace

ExportSummary export_ledger(const std::string& url,
                            const std::function<void(std::string_view)>& write) {
  pq::CopySession session{url, unhurried};
  open_snapshot(session);
  return write_all(session, write);
}

Result<ExportSummary> import_ledger(const std::string& owner_url,
                                    const std::filesystem::path& file) {
  const auto name = file.string();
  std::ifstream in{file, std::ios::binary};
  if (!in) return Error{ErrorCode::not_found, "cannot read " + name, {}};
  const auto proved = prove(in, name);
  if (!proved) return proved.error();
  check_schema(owner_url);
  pq::CopySession session{owner_url, unhurried};
  session.value(statements::begin_import);
  if (const auto copied = copy_rows(session, in, name); !copied) return copied.error();
  session.value(statements::import_rows);
  const auto written = write_all(session, [](std::string_view) {});
  if (written.sha256 != proved->sha256) {
    return Error{ErrorCode::failed,
                 name + ": the ledger would not be exported again as it stands in the file",
                 "nothing was imported; was the file changed, or its rows written by hand?"};
  }
  session.execute(statements::commit);
  return written;
}

}  // namespace amdahl::ledger
