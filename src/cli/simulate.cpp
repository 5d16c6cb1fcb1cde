#include "amdahl/simulation/simulate.hpp"

#include <fmt/format.h>

#include <charconv>
#include <ostream>

#include "commands.hpp"
#include "report.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using nlohmann::json;

constexpr std::uint64_t schedules_max = 1'000'000'000;  // weeks of work

// Seeds use all 64 bits, which a signed number cannot carry.
Result<std::uint64_t> unsigned_of(const Args& args, const std::string& name,
                                  std::uint64_t fallback) {
  if (!args.has(name)) return fallback;
  const auto text = args.text(name);
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec == std::errc{} && read.ptr == end) return value;
  return Error{ErrorCode::invalid_input,
               fmt::format("--{} {} is no whole number from 0 to 18446744073709551615", name, text),
               ""};
}

json document_of(const simulation::SimulateReport& report, std::uint64_t seed) {
  json document{{"schema", "amdahl.simulate/v1"},  {"seed", seed},
                {"schedules", report.schedules},   {"crashes", report.crashes},
                {"stalls", report.stalls},         {"seam_calls", report.seam_calls},
                {"violations", report.violations}, {"violation_list", json::array()}};
  for (const auto& violation : report.violation_list) {
    document["violation_list"].push_back({{"seed", violation.seed},
                                          {"invariant", violation.invariant},
                                          {"what", violation.what},
                                          {"schedule", violation.schedule}});
  }
  return document;
}

void print_text(std::ostream& out, const simulation::SimulateReport& report) {
  out << fmt::format("{} schedules: {} crashes, {} stalls, {} seam calls, {} violations\n",
                     report.schedules, report.crashes, report.stalls, report.seam_calls,
                     report.violations);
  for (const auto& violation : report.violation_list) {
    out << fmt::format("\nviolated: {}\n  {}\n  again: amdahl simulate --seed {} --schedules 1\n",
                       violation.invariant, violation.what, violation.seed);
    for (const auto& step : violation.schedule) out << "    " << step << '\n';
  }
}

ExitCode run_simulate(Context& context, const Args& args) {
  simulation::SimulateOptions options;
  const auto seed = unsigned_of(args, "seed", options.seed);
  if (!seed) return report(context.env, seed.error());
  const auto schedules = unsigned_of(args, "schedules", 1000);
  if (!schedules) return report(context.env, schedules.error());
  if (*schedules == 0 || *schedules > schedules_max) {
    return report(
        context.env,
        {ErrorCode::invalid_input,
         fmt::format("--schedules {} is out of range: 1 to {}", *schedules, schedules_max), ""});
  }
  options.seed = *seed;
  options.schedules = *schedules;
  options.first = args.has("first");
  const bool show = context.env.out_is_terminal && context.options.format == Format::table;
  if (show) {
    options.progress = [&](std::uint64_t done) {
      if (done % 100 == 0 || done == *schedules)
        context.env.err << fmt::format("\r{} of {} schedules", done, *schedules) << std::flush;
    };
  }
  const auto found = simulation::simulate(options);
  if (show) context.env.err << "\n";
  const auto code = found.violations == 0 ? ExitCode::ok : ExitCode::check_failed;
  if (!print_document(context, document_of(found, *seed))) print_text(context.env.out, found);
  return code;
}

}  // namespace

Command simulate_command() {
  return {
      "simulate",
      "search simulated crashes, stalls and failures for a broken promise",
      "  amdahl simulate --seed 7 --schedules 10000\n  amdahl simulate --seed 7 -o json",
      {},
      {{"--seed", "N", "of the first schedule, 64 bits (1)"},
       {"--schedules", "K", "how many (1000)"},
       {"--first", "", "stop at the first violation, without looking for its shortest schedule"}},
      run_simulate,
      {}};
}

}  // namespace amdahl::cli
