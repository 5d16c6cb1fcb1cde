#include <fmt/format.h>

#include <ostream>

#include "ask.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "report.hpp"
#include "status_text.hpp"
#include "table.hpp"
#include "words.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds watch_interval{500};
constexpr std::int64_t page_events = 200;

std::string payload_text(const json& payload) {
  if (!payload.is_object()) return payload.is_null() ? "" : payload.dump();
  std::string text;
  for (const auto& [key, value] : payload.items()) {
    if (value.is_null() || value.is_object() || value.is_array()) continue;
    text += (text.empty() ? "" : "  ") + key + "=" + text_or(value, "-");
  }
  return text;
}

void print_event(Context& context, const json& event) {
  if (context.options.format == Format::json || context.options.format == Format::jsonl) {
    context.env.out << event.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
    return;
  }
  auto payload = event.value("payload", json{});
  if (payload.is_string()) payload = json::parse(payload.get<std::string>(), nullptr, false);
  context.env.out << fmt::format(
      "{}  {}  {}  {}\n", time_text(event.value("at", json{}), context.options),
      padded(text_or(event.value("kind", json{}), "unknown"), 22),
      padded(text_or(event.value("ref", json{}), ""), 10), payload_text(payload));
}

bool concerns(const json& event, const std::string& ref) {
  return ref.empty() || text_or(event.value("ref", json{}), "") == ref;
}

// Prints what came after `seq`; where the last page was full there is more at once.
core::Result<bool> print_new(Context& context, std::int64_t& seq, const std::string& ref) {
  json document;
  if (const auto read =
          read_view(context, "events", {{"after", seq}, {"limit", page_events}}, document);
      !read) {
    return read.error();
  }
  const auto& events = document["events"];
  for (const auto& event : events) {
    seq = std::max(seq, event.value("seq", seq));
    if (concerns(event, ref)) print_event(context, event);
  }
  context.env.out.flush();
  return events.size() == static_cast<std::size_t>(page_events);
}

void redraw(Context& context) {
  json document;
  if (!read_status(context, document)) return;
  context.env.out << "\x1b[H\x1b[2J" << status_text(document)
                  << "\nCtrl-C ends the view; the loop goes on\n";
  context.env.out.flush();
}

// True when there is nothing more to see; then its verdict was printed.
core::Result<bool> is_over(Context& context, const std::optional<std::int64_t>& experiment) {
  if (!experiment) return false;
  json document;
  if (const auto read = read_view(context, "experiment", {{"experiment", *experiment}}, document);
      !read) {
    return read.error();
  }
  const auto state = document.value("state", "");
  const bool over = state == "decided" || state == "aborted";
  if (over && context.options.for_people()) context.env.out << verdict_line(document) << '\n';
  return over;
}

ExitCode run_watch(Context& context, const Args& args) {
  auto& env = context.env;
  std::optional<std::int64_t> experiment;
  if (args.has("EXP")) {
    const auto number = parse_number(args.text("EXP"), "EXP-");
    if (!number) return report(env, number.error());
    experiment = *number;
  }
  const bool drawn = env.out_is_terminal && context.options.for_people() && !args.has("events");
  json status;
  if (const auto read = read_view(context, "status", json::object(), status); !read)
    return report(env, read.error());
  const auto after = args.whole("after");
  if (!after) return report(env, after.error());
  std::int64_t seq = after->value_or(status.value("/loop/head_seq"_json_pointer, std::int64_t{0}));
  const auto ref = experiment ? fmt::format("exp-{}", *experiment) : std::string{};
  const auto start = env.clock.since_boot();
  while (!env.interrupted()) {
    if (drawn) {
      redraw(context);
    } else {
      const auto more = print_new(context, seq, ref);
      if (!more) return report(env, more.error());
      if (*more) continue;
    }
    const auto over = is_over(context, experiment);
    if (!over) return report(env, over.error());
    if (*over) return ExitCode::ok;
    if (context.options.timeout && env.clock.since_boot() - start > *context.options.timeout)
      return ExitCode::timed_out;
    env.sleep(watch_interval);
  }
  return ExitCode::interrupted;
}

}  // namespace

Command watch_command() {
  return {
      "watch",
      "the loop at work; plain lines when piped",
      "  amdahl watch\n  amdahl watch EXP-12 --events | tee log",
      {{"EXP", "", "this experiment only, until its verdict"}},
      {{"--events", "", "lines on a terminal too"}, {"--after", "SEQ", "begin after this event"}},
      run_watch,
      {}};
}

}  // namespace amdahl::cli
