#include <fmt/format.h>

#include <chrono>
#include <ostream>

#include "accounting_intake.hpp"
#include "accounting_text.hpp"
#include "amdahl/core/quantity.hpp"
#include "commands.hpp"
#include "report.hpp"
#include "services.hpp"
#include "slurm_cluster.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using nlohmann::json;
using scheduler_adapters::AccountingListener;
using scheduler_adapters::AccountingSpan;
using scheduler_adapters::SlurmAccounting;

constexpr std::int64_t usual_days = 30;
constexpr std::int64_t day_s = 86'400;
constexpr std::int64_t minute_s = 60;

// `30d`, `2026-11-20` or `2026-11-20T00:00:00Z`.
Result<std::int64_t> moment(const std::string& option, const std::string& text,
                            std::int64_t now_s) {
  if (const auto ago = core::parse_duration(text))
    return now_s - std::chrono::floor<std::chrono::seconds>(*ago).count();
  const auto part = [&](std::size_t at, std::size_t length) {
    const auto whole =
        text.size() >= at + length ? core::parse_whole(text.substr(at, length)) : std::nullopt;
    return static_cast<unsigned>(whole.value_or(9999));
  };
  const auto wrong = core::invalid_input(fmt::format("--{} {}: no moment", option, text),
                                         "30d, 2026-11-20 or 2026-11-20T00:00:00Z");
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(part(0, 4))},
                                         std::chrono::month{part(5, 2)},
                                         std::chrono::day{part(8, 2)}};
  const bool has_time =
      text.size() == 20 && text[10] == 'T' && text[13] == ':' && text[16] == ':' && text[19] == 'Z';
  if (text.size() < 10 || text[4] != '-' || text[7] != '-' || !date.ok() ||
      (text.size() != 10 && !has_time))
    return wrong;
  std::int64_t at = std::chrono::sys_days{date}.time_since_epoch().count() * day_s;
  if (!has_time) return at;
  const auto hour = part(11, 2), minute = part(14, 2), second = part(17, 2);
  if (hour > 23 || minute > 59 || second > 60) return wrong;
  return at + std::int64_t{hour} * 3600 + std::int64_t{minute} * 60 + second;
}

Result<AccountingSpan> span_of(Context& context, const Args& args) {
  const auto now =
      std::chrono::floor<std::chrono::seconds>(context.env.clock.now().time_since_epoch()).count();
  // Beyond now: Slurm leaves out what begins in the last second of a span.
  AccountingSpan span{now - usual_days * day_s, now + minute_s};
  for (auto [option, at] : {std::pair{"since", &span.since_s}, {"until", &span.until_s}}) {
    if (!args.has(option)) continue;
    const auto said = moment(option, args.text(option), now);
    if (!said) return said.error();
    *at = *said;
  }
  if (span.since_s >= span.until_s) return core::invalid_input("--since is not before --until", "");
  return span;
}

// The cluster of that name; the only one of Slurm where none is named.
Result<const ClusterConfig*> slurm_cluster(const Config& config, const std::string& name) {
  const ClusterConfig* found = nullptr;
  for (const auto& cluster : config.clusters) {
    if (name.empty() ? cluster.adapter != "slurm" : cluster.name != name) continue;
    if (found != nullptr)
      return core::invalid_input("there are several clusters of Slurm", "--cluster NAME");
    found = &cluster;
  }
  if (found == nullptr)
    return Error{ErrorCode::not_found,
                 name.empty() ? std::string{"no cluster of Slurm is configured here"}
                              : fmt::format("cluster \"{}\" is not configured here", name),
                 "set one in the configuration, or import a file: --from FILE"};
  if (found->adapter != "slurm")
    return core::invalid_input(
        fmt::format("cluster \"{}\" is {}, which has no accounting", found->name, found->adapter),
        "");
  return found;
}

Result<SlurmAccounting::Counts> read_accounting_of_cluster(Context& context, const Args& args,
                                                           const AccountingListener& listener) {
  const auto span = span_of(context, args);
  if (!span) return span.error();
  const auto config = context.services.configuration();
  if (!config) return config.error();
  const auto cluster = slurm_cluster(*config, args.text("cluster"));
  if (!cluster) return cluster.error();
  const auto options =
      slurm_options(*config, **cluster, context.env.program.parent_path() / "amdahl-run");
  if (!options) return options.error();
  return scheduler_adapters::read_slurm_cluster(*options, context.env.clock, *span, listener);
}

json import_document(const SlurmAccounting::Counts& read, const AccountingIntake::Counts& taken) {
  auto refusals = json::array();
  for (const auto& refusal : taken.refusals)
    refusals.push_back(
        {{"line", refusal.line > 0 ? json(refusal.line) : json{}}, {"why", refusal.why}});
  return {{"schema", "amdahl.import/v1"}, {"lines", read.lines},
          {"attempts", taken.attempts},   {"new", taken.fresh},
          {"changed", taken.changed},     {"unchanged", taken.unchanged()},
          {"refused", taken.refused},     {"refusals", std::move(refusals)}};
}

void print_counts(Context& context, const json& document) {
  const auto count = [&](const char* name) { return document[name].get<std::int64_t>(); };
  context.env.out << fmt::format(
      "{} lines, {} attempts: {} new, {} changed, {} unchanged; {} refused\n", count("lines"),
      count("attempts"), count("new"), count("changed"), count("unchanged"), count("refused"));
  if (context.options.quiet) return;
  const auto& refusals = document["refusals"];
  for (const auto& refusal : refusals) {
    const auto& line = refusal["line"];
    context.env.err << (line.is_null() ? std::string{"a record"}
                                       : fmt::format("line {}", line.get<std::int64_t>()))
                    << ": " << refusal["why"].get<std::string>() << '\n';
  }
  if (count("refused") > static_cast<std::int64_t>(refusals.size()))
    context.env.err << fmt::format("and {} more\n",
                                   count("refused") - static_cast<std::int64_t>(refusals.size()));
  if (count("new") + count("changed") > 0) context.env.err << "amdahl rank shows where it went\n";
}

ExitCode run_import_sacct(Context& context, const Args& args) {
  const auto accounting = context.services.accounting();
  if (!accounting) return report(context.env, accounting.error());
  const auto file = args.text("from");
  AccountingIntake intake{**accounting, file.empty() ? std::string{} : args.text("cluster")};
  AccountingListener listener;
  listener.attempt = [&](core::Attempt&& attempt) { intake.take(std::move(attempt)); };
  listener.unreadable = [&](std::int64_t line, std::string_view why) {
    intake.refuse(line, std::string{why});
  };
  listener.go_on = [&] { return !context.env.interrupted(); };
  const auto read = file.empty() ? read_accounting_of_cluster(context, args, listener)
                                 : read_accounting_file(context.env, file, listener);
  if (context.env.interrupted()) {
    return report(context.env,
                  {ErrorCode::failed, "interrupted",
                   fmt::format("{} new attempts are stored; run it again for the rest",
                               intake.counts().fresh)},
                  ExitCode::interrupted);
  }
  if (!read) return report(context.env, read.error());
  intake.finish();
  // JSON names no lines, so those that cannot be read were not told one by one.
  if (read->first_unreadable == 0)
    for (auto left = read->unreadable; left > 0; --left) intake.refuse(0, "it has no job id");
  const auto document = import_document(*read, intake.counts());
  if (!print_document(context, document)) print_counts(context, document);
  const auto& taken = intake.counts();
  return taken.attempts == 0 && taken.refused > 0 ? ExitCode::usage : ExitCode::ok;
}

}  // namespace

Command import_command() {
  return {
      "import",
      "bring in what others know of production",
      "  amdahl import sacct --cluster main --since 90d\n  amdahl import sacct --from sacct.txt",
      {},
      {},
      nullptr,
      {{"sacct",
        "the attempts that Slurm's accounting knows, requeued ones too; again and again "
        "without doubles",
        "  amdahl import sacct --cluster main --since 90d\n  sacct -a -D -P … | amdahl import "
        "sacct --from -",
        {},
        {{"--cluster", "NAME",
          "a configured cluster of Slurm; with --from: the cluster of lines that name none"},
         {"--since", "TIME", "30d, 2026-11-20 or 2026-11-20T00:00:00Z (30d)"},
         {"--until", "TIME", "the same (now)"},
         {"--from", "FILE",
          "what sacct printed (--parsable2 or --json; - is standard input), not a cluster"}},
        run_import_sacct,
        {}}}};
}

}  // namespace amdahl::cli
