#include <fmt/format.h>

#include <ostream>

#include "ask.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "report.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

ExitCode run_verify(Context& context, const Args&) {
  json document;
  if (const auto read = read_view(context, "verify", json::object(), document); !read) {
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
  return {"ledger",
          "the ledger itself",
          "  amdahl ledger verify\n  amdahl ledger verify -o json",
          {},
          {},
          nullptr,
          {{"verify",
            "recompute the hash chain and compare the tables; exit 8 if something was altered",
            "  amdahl ledger verify\n  amdahl ledger verify -o json",
            {},
            {},
            run_verify,
            {}}}};
}

}  // namespace amdahl::cli
