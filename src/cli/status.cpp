#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "ask.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "report.hpp"
#include "services.hpp"
#include "status_text.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

constexpr int waiting_max = 20;

ExitCode run_status(Context& context, const Args&) {
  json document;
  if (const auto read = read_status(context, document); !read)
    return report(context.env, read.error());
  if (print_document(context, document)) return ExitCode::ok;
  if (context.options.format == Format::csv) {
    return report(context.env, core::invalid_input("status has no csv form",
                                                   "amdahl experiments -o csv, or -o json"));
  }
  context.env.out << status_text(document);
  return ExitCode::ok;
}

bool has_experiments(const json& document) {
  const auto counts = document.value("experiments", json::object());
  return std::any_of(counts.begin(), counts.end(),
                     [](const json& count) { return count.is_number() && count > 0; });
}

// Work that could be under way although no run is: then the plan itself says why.
bool stands_still(const json& document) {
  const auto runs = document.value("runs", json::object());
  for (const auto& [state, count] : runs.items()) {
    if (count.is_number() && count > 0) return false;
  }
  return !document.value("open", json::array()).empty() ||
         !document.value("awaiting", json::array()).empty() ||
         document.value("/hypotheses/proposed"_json_pointer, 0) > 0 ||
         // Jobs, and not even their noise was measured.
         (document.value("jobs", 0) > 0 && !has_experiments(document));
}

}  // namespace

core::Result<void> read_status(Context& context, json& document) {
  const auto config = context.services.configuration();
  if (!config) return config.error();
  if (const auto read = read_view(context, "status", status_query(*config), document); !read)
    return read.error();
  document["version"] = AMDAHL_VERSION;
  auto waiting = waiting_of(document);
  const bool still = stands_still(document);
  const auto ledger = context.services.ledger();
  if (ledger && !(*ledger)->why_read_only().empty()) {
    // Nothing is planned on a ledger of another version: it is only read.
    waiting.push_back({{"reason", (*ledger)->why_read_only()}, {"next", ""}});
  } else if (const auto plan = context.services.dry_run()) {
    for (const auto& reason : plan->waiting) {
      // The ledger has said these already.
      const bool said = reason.starts_with("paused") ||
                        reason.find("for approval") != reason.npos ||
                        reason.find(": hold: ") != reason.npos;
      // Of a rewound ledger even the live runs are of the past: they do not mean that it moves.
      if ((still || plan->rewound) && !said && waiting.size() < waiting_max) {
        waiting.push_back({{"reason", reason}, {"next", ""}});
      }
    }
  }
  document["waiting"] = std::move(waiting);
  return {};
}

Command status_command() {
  return {"status",
          "what the loop does, why nothing moves, and what next",
          "  amdahl status\n  amdahl status -o json",
          {},
          {},
          run_status,
          {}};
}

}  // namespace amdahl::cli
