#include "job_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "numbers.hpp"
#include "table.hpp"
#include "words.hpp"

namespace amdahl::cli {

using nlohmann::json;

namespace {

void print_phases(std::ostream& out, const json& shares) {
  if (!shares.is_object() || shares.empty()) {
    out << "PHASES   unknown until the first pairs are measured\n";
    return;
  }
  out << "PHASES   of the champion's baseline legs\n";
  for (const auto& [phase, share] : shares.items()) {
    if (share.is_number() && share.get<double>() >= 0.0005) {
      out << fmt::format("  {}{}\n", padded(phase, 12), padded(percent(share), 8, true));
    }
  }
}

}  // namespace

ExitCode print_job(Context& context, const json& document) {
  if (print_document(context, document)) return ExitCode::ok;
  auto& out = context.env.out;
  out << fmt::format("{}   on {}\n", text_or(document.value("name", json{}), "unknown"),
                     text_or(document.value("cluster", json{}), "unknown"));
  const auto spec = document.value("spec", json::object());
  std::string command;
  for (const auto& part : spec.value("command", json::array()))
    command += " " + text_or(part, "''");
  out << "  runs    " << command << "\n  in       "
      << text_or(spec.value("workdir", json{}), "unknown") << '\n';
  print_phases(out, document.value("phase_share", json{}));
  out << "TRIED\n";
  for (const auto& row : document.value("experiments", json::array())) {
    out << fmt::format("  {}  {}  {}  {}\n", padded(experiment_name(row), 8),
                       padded(standing_text(row), 12), change_text(row), saving_text(row));
  }
  return ExitCode::ok;
}

}  // namespace amdahl::cli
