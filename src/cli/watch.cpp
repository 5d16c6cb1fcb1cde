#include <fmt/format.h>

#include <ostream>

#include "ask.hpp"
#include "commands.hpp"
#include "http_ledger.hpp"
#include "numbers.hpp"
#include "report.hpp"
#include "services.hpp"
#include "status_text.hpp"
#include "table.hpp"
#include "words.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds watch_interval{500};
constexpr std::int64_t page_events = 200;
constexpr std::chrono::seconds service_away_max{60};

/// What is watched, and how far it was seen.
struct Watched {
  std::optional<std::int64_t> experiment;
  std::string ref;
  std::int64_t seq = 0;
  core::BootTime start{0};
};

bool is_late(const Context& context, const Watched& watched) {
  return context.options.timeout &&
         context.env.clock.since_boot() - watched.start > *context.options.timeout;
}

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
  context.env.clear_screen();
  context.env.out << status_text(document) << "\nCtrl-C ends the view; the loop goes on\n";
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

// As `is_over`; a service that is away is an error like any other here.
core::Result<bool> is_over_there(Context& context, const Watched& watched) {
  try {
    return is_over(context, watched.experiment);
  } catch (const ServiceUnavailable& away) {
    return away.error;
  }
}

// One connection's worth of events; false = nothing more is wanted of this connection.
bool take_event(Context& context, Watched& watched, const json& event) {
  const auto kind = text_or(event.value("kind", json{}), "");
  if (kind == "reset") {
    watched.seq = event.value("head_seq", watched.seq);
    context.env.err << fmt::format(
        "amdahl: the ledger ends at event {}: it lost its tail, or is another one\n", watched.seq);
    return true;
  }
  watched.seq = std::max(watched.seq, event.value("seq", watched.seq));
  if (!concerns(event, watched.ref)) return true;
  print_event(context, event);
  context.env.out.flush();
  return !watched.experiment || (kind != "verdict_recorded" && kind != "experiment_aborted");
}

// The service's stream; where it is cut it is taken up after the last event seen.
ExitCode follow_stream(Context& context, const HttpLedger& service, Watched watched) {
  auto& env = context.env;
  const auto wanted = [&] { return !env.interrupted() && !is_late(context, watched); };
  auto heard = env.clock.since_boot();
  while (wanted()) {
    const auto over = is_over_there(context, watched);
    if (over && *over) return ExitCode::ok;
    const auto listening_since = env.clock.since_boot();
    const auto followed =
        over ? service.follow(
                   watched.seq,
                   [&](const json& event) { return take_event(context, watched, event); }, wanted)
             : core::Result<void>{over.error()};
    if (followed || env.clock.since_boot() - listening_since > watch_interval)
      heard = env.clock.since_boot();
    if (!followed && (followed.error().code != core::ErrorCode::unreachable ||
                      env.clock.since_boot() - heard > service_away_max))
      return report(env, followed.error());
    if (wanted()) env.sleep(followed && watched.experiment ? watch_interval / 5 : watch_interval);
  }
  return env.interrupted() ? ExitCode::interrupted : ExitCode::timed_out;
}

ExitCode poll(Context& context, Watched watched, bool drawn) {
  auto& env = context.env;
  while (!env.interrupted()) {
    if (drawn) {
      redraw(context);
    } else {
      const auto more = print_new(context, watched.seq, watched.ref);
      if (!more) return report(env, more.error());
      if (*more) continue;
    }
    const auto over = is_over(context, watched.experiment);
    if (!over) return report(env, over.error());
    if (*over) return ExitCode::ok;
    if (is_late(context, watched)) return ExitCode::timed_out;
    env.sleep(watch_interval);
  }
  return ExitCode::interrupted;
}

ExitCode run_watch(Context& context, const Args& args) {
  auto& env = context.env;
  Watched watched;
  if (args.has("EXP")) {
    const auto number = parse_number(args.text("EXP"), "EXP-");
    if (!number) return report(env, number.error());
    watched.experiment = *number;
    watched.ref = fmt::format("exp-{}", *number);
  }
  const bool drawn = env.out_is_terminal && context.options.for_people() && !args.has("events");
  json status;
  if (const auto read = read_view(context, "status", json::object(), status); !read)
    return report(env, read.error());
  const auto after = args.whole("after");
  if (!after) return report(env, after.error());
  watched.seq = after->value_or(status.value("/loop/head_seq"_json_pointer, std::int64_t{0}));
  watched.start = env.clock.since_boot();
  const auto* service = context.services.service();
  if (service != nullptr && !drawn) return follow_stream(context, *service, watched);
  return poll(context, watched, drawn);
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
