#include <fmt/format.h>

#include <fstream>
#include <ostream>

#include "amdahl/ledger/export.hpp"
#include "ask.hpp"
#include "commands.hpp"
#include "ledger_files.hpp"
#include "numbers.hpp"
#include "report.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

// Offline when an export is named.
core::Result<void> read_proof(Context& context, const Args& args, json& document) {
  if (!args.has("from")) return read_view(context, "verify", json::object(), document);
  const auto name = args.text("from");
  std::ifstream file;
  if (name != "-") {
    file.open(name, std::ios::binary);
    if (!file) return core::Error{core::ErrorCode::not_found, "cannot read " + name, {}};
  }
  const auto proved = ledger::verify_export(name == "-" ? context.env.in : file, name);
  if (!proved) return proved.error();
  document = ledger::to_json(*proved);
  return {};
}

ExitCode run_verify(Context& context, const Args& args) {
  json document;
  if (const auto read = read_proof(context, args, document); !read) {
    return report(context.env, read.error());
  }
  const bool ok = document.value("ok", false);
  const auto code = ok ? ExitCode::ok : ExitCode::check_failed;
  if (print_document(context, document)) return code;
  if (ok) {
    context.env.out << fmt::format("{} events: the chain holds and the tables agree with it\n",
                                   text_or(document.value("events", json{}), "unknown"));
    return code;
  }
  const auto bad = document.value("first_bad", json::object());
  context.env.out << fmt::format(
      "altered: {} ({}{}{})\n", text_or(bad.value("problem", json{}), "unknown"),
      text_or(bad.value("table", json{}), "unknown"),
      bad.value("key", "").empty() ? "" : " " + bad.value("key", ""),
      bad.value("seq", json{}).is_null() ? "" : ", event " + bad["seq"].dump());
  return code;
}

}  // namespace

Command ledger_command() {
  return {
      "ledger",
      "the ledger itself",
      "  amdahl ledger verify\n  amdahl ledger export copy.ledger",
      {},
      {},
      nullptr,
      {{"verify",
        "recompute the hash chain and compare the tables; exit 8 if something was altered",
        "  amdahl ledger verify\n  amdahl ledger verify --from copy.ledger -o json",
        {},
        {{"--from", "FILE", "an export instead of the ledger: needs no database"}},
        run_verify,
        {}},
       {"export",
        "write the whole ledger into a file that ledger verify --from proves",
        "  amdahl ledger export copy.ledger\n  amdahl ledger export --owner - | zstd > copy.zst",
        {{"FILE", "", "replaced at once when it is whole; - is standard output", true}},
        {{"--owner", "",
          "as the ledger's owner: with the salts of undecided experiments, for an import"}},
        run_export,
        {}},
       {"import",
        "fill an empty, migrated ledger from a complete export, as the owner",
        "  amdahl --config new.toml db migrate\n  amdahl --config new.toml ledger import "
        "copy.ledger",
        {{"FILE", "", "written by ledger export --owner", true}},
        {},
        run_import,
        {}}}};
}

}  // namespace amdahl::cli
