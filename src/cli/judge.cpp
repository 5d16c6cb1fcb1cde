#include <fmt/format.h>

#include <cmath>
#include <istream>
#include <iterator>
#include <limits>
#include <ostream>

#include "amdahl/stats/evidence.hpp"
#include "amdahl/stats/fdr.hpp"
#include "amdahl/stats/futility.hpp"
#include "amdahl/stats/interval.hpp"
#include "amdahl/stats/noise.hpp"
#include "commands.hpp"
#include "config_file.hpp"
#include "numbers.hpp"
#include "pairs_file.hpp"
#include "report.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

using core::Result;

constexpr double nominate_at = 10;
constexpr int projected_pairs_max = 10'000;

/// Everything that `amdahl judge` says.
struct Reading {
  std::vector<double> d;
  double sigma0 = 0;
  double e_value = 1;
  double mean = 0;
  stats::Interval interval{};
  std::optional<stats::Outlook> outlook;
};

Result<Reading> read_pairs(const std::vector<stats::PairCost>& pairs, double sigma0) {
  Reading reading;
  reading.sigma0 = sigma0;
  for (const auto& pair : pairs) {
    const auto d = stats::log_ratio(pair);
    if (!d) return d.error();
    reading.d.push_back(*d);
  }
  const auto e_value = stats::e_value(reading.d, {sigma0});
  const auto mean = stats::mean(reading.d);
  const auto interval = stats::confidence_sequence(reading.d, {0.05, sigma0});
  const auto outlook = stats::futility(reading.d, {sigma0});
  if (!e_value) return e_value.error();
  if (!mean) return mean.error();
  if (!interval) return interval.error();
  if (!outlook) return outlook.error();
  reading.e_value = *e_value;
  reading.mean = *mean;
  reading.interval = *interval;
  reading.outlook = *outlook;
  return reading;
}

// Further pairs like the mean until E passes; nothing when it never would.
std::optional<int> pairs_until(const Reading& reading, double threshold) {
  auto evidence = stats::Evidence::against({reading.sigma0});
  if (!evidence) return std::nullopt;
  for (const double d : reading.d) (void)evidence->add(d);
  for (int more = 0; more <= projected_pairs_max; ++more) {
    if (evidence->e_value() >= threshold) return more;
    if (!(reading.mean > 0)) return std::nullopt;
    (void)evidence->add(reading.mean);
  }
  return std::nullopt;
}

nlohmann::json bound(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

nlohmann::json document_of(const Reading& reading) {
  constexpr double largest = std::numeric_limits<double>::max();  // JSON has no infinity
  return {{"schema", "amdahl.judge/v1"},
          {"n", reading.d.size()},
          {"e_value", std::min(reading.e_value, largest)},
          {"interval",
           {{"level", 0.95},
            {"lower", bound(reading.interval.lower)},
            {"upper", bound(reading.interval.upper)}}},
          {"mean", reading.mean},
          {"saving", stats::saving(reading.mean)},
          {"futility", reading.outlook ? nlohmann::json(reading.outlook->chance_of_mei)
                                       : nlohmann::json(nullptr)}};
}

std::string end_of(double theta) {
  return std::isfinite(theta) ? percent(stats::saving(theta)) : "unknown";
}

std::string advice(const Reading& reading) {
  const auto to_win = pairs_until(reading, stats::win_evidence_min);
  if (reading.e_value >= stats::win_evidence_min) {
    return "strong enough for a win, once fresh pairs and the refute checks uphold it";
  }
  if (reading.interval.upper < 0) return "stop: the variant costs more";
  if (reading.outlook && reading.outlook->futile) return "stop: an effect worth having is unlikely";
  if (!to_win) return "~  no pairs like these would ever prove a saving";
  const auto to_nominate = pairs_until(reading, nominate_at);
  if (to_nominate && *to_nominate > 0) {
    return fmt::format("like these, {} more nominate it and {} prove it", *to_nominate, *to_win);
  }
  return fmt::format("nominated; like these, {} more prove it", *to_win);
}

std::string saving_line(const Reading& reading) {
  const auto text = percent(stats::saving(reading.mean));
  const auto& interval = reading.interval;
  if (!std::isfinite(interval.lower) && !std::isfinite(interval.upper)) return text + " so far";
  const bool told_apart = interval.lower > 0 || interval.upper < 0;
  return told_apart ? text : "~  " + text + ", not told apart from none";
}

std::string interval_line(const stats::Interval& interval) {
  if (!std::isfinite(interval.lower) && !std::isfinite(interval.upper))
    return "unknown: more pairs are needed";
  return fmt::format("{} … {}   (95 %, holds at every look)", end_of(interval.lower),
                     end_of(interval.upper));
}

void print_reading(std::ostream& out, const Reading& reading, bool sigma0_given) {
  const auto line = [&](std::string_view label, const std::string& text) {
    out << fmt::format("{:<10} {}\n", label, text);
  };
  line("pairs", fmt::format("{}   (noise sigma0 {}{})", reading.d.size(), reading.sigma0,
                            sigma0_given ? "" : ", the fallback: give your own with --sigma0"));
  line("saving", saving_line(reading));
  line("interval", interval_line(reading.interval));
  line("evidence", fmt::format("E = {}   ({} nominates, {} wins)", evidence_text(reading.e_value),
                               nominate_at, stats::win_evidence_min));
  line("prospect", reading.outlook ? fmt::format("a saving of 3 % or more has probability {:.2g}",
                                                 reading.outlook->chance_of_mei)
                                   : "unknown below 3 pairs");
  line("next", advice(reading));
}

Result<std::string> read_input(Context& context, const std::string& file) {
  if (file != "-") return read_text_file(context.env.directory / file, pairs_file_bytes_max);
  std::string text;
  std::array<char, 65536> block;
  while (context.env.in.read(block.data(), block.size()), context.env.in.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(context.env.in.gcount()));
    if (text.size() > pairs_file_bytes_max) break;
  }
  return text;
}

ExitCode run_judge(Context& context, const Args& args) {
  const auto file = args.text("FILE");
  const auto given = args.number("sigma0");
  if (!given) return report(context.env, given.error());
  const double sigma0 = given->value_or(stats::sigma0_fallback);
  if (!(sigma0 > 0)) {
    return report(context.env,
                  core::invalid_input(fmt::format("--sigma0 {} must be above 0", sigma0),
                                      "1.25 · 1.4826 · median |d| of pairs without a change"));
  }
  const auto text = read_input(context, file);
  if (!text) return report(context.env, text.error());
  const auto pairs = parse_pairs(*text, file == "-" ? "standard input" : file);
  if (!pairs) return report(context.env, pairs.error());
  const auto reading = read_pairs(*pairs, sigma0);
  if (!reading) return report(context.env, reading.error());
  const auto document = document_of(*reading);
  if (print_document(context, document)) return ExitCode::ok;
  if (context.options.format == Format::csv) {
    Table table{{{"n", "n"},
                 {"e_value", "e_value"},
                 {"mean", "mean"},
                 {"saving", "saving"},
                 {"lower", "lower"},
                 {"upper", "upper"},
                 {"futility", "futility"}}};
    const auto cell = [](const nlohmann::json& value) {
      return value.is_null() ? std::string{} : value.dump();
    };
    table.add({cell(document["n"]), cell(document["e_value"]), cell(document["mean"]),
               cell(document["saving"]), cell(document["interval"]["lower"]),
               cell(document["interval"]["upper"]), cell(document["futility"])});
    return print_list(context, document, "", table, "");
  }
  print_reading(context.env.out, *reading, given->has_value());
  return ExitCode::ok;
}

}  // namespace

Command judge_command() {
  return {"judge",
          "what measured pairs prove, without a loop",
          "  amdahl judge pairs.csv --sigma0 0.03\n"
          "  bench | amdahl judge - --sigma0 0.03 -o json",
          {{"FILE", "", "CSV (baseline,variant a line) or JSON; - is standard input", true}},
          {{"--sigma0", "S", "noise of ln(baseline/variant) without a change (0.042)"}},
          run_judge,
          {}};
}

}  // namespace amdahl::cli
