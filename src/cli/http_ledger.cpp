#include "http_ledger.hpp"

#include <fmt/format.h>

#include <array>
#include <stdexcept>

namespace amdahl::cli {

using core::Error;
using core::ErrorCode;
using core::Result;
using nlohmann::json;

namespace {

// SQLSTATEs that say the same to whoever looks for them.
constexpr auto invalid_parameter = "22023";
constexpr auto insufficient_privilege = "42501";
constexpr auto conflicting = "AM000";

std::string text_of(const json& document, const char* field) {
  const auto it = document.find(field);
  return it != document.end() && it->is_string() ? it->get<std::string>() : std::string{};
}

std::string value_text(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// RFC 9457 as an error of ours, with every field that is wrong.
Error problem_of_answer(const http_client::ClientAnswer& answer, ErrorCode code,
                        const std::string& place) {
  const auto problem = json::parse(answer.body, nullptr, false);
  if (!problem.is_object())
    return {code, fmt::format("{} answers {}", place, answer.status), "is it a service of amdahl?"};
  auto detail = text_of(problem, "detail");
  const auto errors = problem.find("errors");
  if (errors != problem.end() && errors->is_array()) {
    for (const auto& error : *errors)
      detail += fmt::format("; {}: {}", text_of(error, "pointer"), text_of(error, "problem"));
  }
  return {code, detail, text_of(problem, "hint")};
}

[[noreturn]] void throw_problem(const http_client::ClientAnswer& answer, const std::string& place) {
  const auto said = [&](ErrorCode code) { return problem_of_answer(answer, code, place); };
  switch (answer.status) {
    case 400:
    case 415:
    case 422:
      throw ServiceRefused{said(ErrorCode::invalid_input), invalid_parameter};
    case 401:
    case 403:
      throw ServiceRefused{said(ErrorCode::not_allowed), insufficient_privilege};
    case 409:
    case 412:
    case 428:
      throw ServiceRefused{said(ErrorCode::conflict), conflicting};
    default:
      throw ServiceUnavailable{said(ErrorCode::unreachable)};
  }
}

std::string with_query(std::string path, const json& args,
                       std::initializer_list<std::string_view> names) {
  char separator = '?';
  for (const auto name : names) {
    const auto it = args.find(name);
    if (it == args.end()) continue;
    path += fmt::format("{}{}={}", separator, name, http_client::percent_encoded(value_text(*it)));
    separator = '&';
  }
  return path;
}

[[noreturn]] void never() {
  throw std::logic_error{"a service is asked for something that only it does itself"};
}

// 0.3.1 and 0.3.7 are one series, and so are 1.2 and 1.9.
std::string_view series_of(std::string_view version) {
  const auto dot = version.find('.');
  if (version.substr(0, dot) != "0") return version.substr(0, dot);
  return version.substr(0, version.find('.', dot + 1));
}

}  // namespace

std::string resource_of(std::string_view view, const json& args) {
  constexpr std::string_view base = "/api/v1/";
  const auto of = [&](std::string_view path, std::initializer_list<std::string_view> names = {}) {
    return with_query(std::string{base} + std::string{path}, args, names);
  };
  const auto part = [&](const char* field) {
    return http_client::percent_encoded(value_text(args.value(field, json{})));
  };
  if (view == "status" || view == "queue") return of(view);
  if (view == "rank") return of("wastes", {"limit", "cursor"});
  if (view == "jobs") return of(view, {"limit", "cursor"});
  if (view == "job") return of("jobs/" + part("name"));
  if (view == "hypotheses") return of(view, {"job", "state", "hypothesis", "limit", "cursor"});
  if (view == "experiments") return of(view, {"job", "state", "outcome", "limit", "cursor"});
  if (view == "experiment") return of("experiments/" + part("experiment"));
  if (view == "lineage") return of("experiments/" + part("experiment") + "/lineage");
  if (view == "runs" && args.contains("experiment"))
    return of("experiments/" + part("experiment") + "/runs", {"state", "limit", "cursor"});
  if (view == "runs") return of(view, {"state", "limit", "cursor"});
  if (view == "bank") return of("bank/entries", {"since", "limit", "cursor"});
  if (view == "events") return of(view, {"after", "kind", "limit"});
  if (view == "delivery") return of("webhooks/deliveries/" + part("delivery"));
  if (view == "deliveries") return of("webhooks/deliveries", {"source", "limit", "cursor"});
  if (view == "command") return of("commands/" + part("key"));
  return {};
}

Result<void> HttpLedger::probe(std::chrono::milliseconds patience) const {
  auto options = client_.options();
  options.connect_within = options.answer_within = patience;
  const auto answer = http_client::Client{options}.ask({"GET", "/healthz"});
  if (!answer) return answer.error();
  const auto health = json::parse(answer->body, nullptr, false);
  if (!health.is_object() || text_of(health, "schema") != "amdahl.health/v1") {
    // On a network a token is needed to look.
    constexpr int unauthorized = 401;
    if (answer->status == unauthorized)
      return problem_of_answer(*answer, ErrorCode::not_allowed, place());
    return Error{ErrorCode::unreachable,
                 fmt::format("{} is no service of amdahl: it answers {}", place(), answer->status),
                 ""};
  }
  const auto version = text_of(health, "version");
  if (series_of(version) == series_of(version_)) return {};
  return Error{
      ErrorCode::unreachable,
      fmt::format("the service at {} is amdahl {}, this is {}", place(), version, version_),
      "use the amdahl that lies beside the service"};
}

json HttpLedger::ask(const http_client::ClientRequest& request) const {
  ++asked_;
  const auto answer = client_.ask(request);
  if (!answer) throw ServiceUnavailable{answer.error()};
  constexpr int not_found = 404, first_problem = 300;
  if (answer->status == not_found) return nullptr;
  if (answer->status >= first_problem) throw_problem(*answer, place());
  auto document = json::parse(answer->body, nullptr, false);
  if (document.is_object()) return document;
  throw ServiceUnavailable{{ErrorCode::unreachable,
                            place() + " gave no document for " + request.target,
                            "is it a service of amdahl?"}};
}

json HttpLedger::read(std::string_view view, const json& args) {
  const auto resource = resource_of(view, args);
  if (resource.empty())
    throw std::logic_error{fmt::format("a service does not show the read model {}", view)};
  return ask({"GET", resource});
}

ledger::Head HttpLedger::head() {
  const auto loop = ask({"GET", "/api/v1/loop"});
  ledger::Head head;
  head.term = text_of(loop, "term");
  head.holder = text_of(loop, "holder");
  head.head_hash = text_of(loop, "head_hash");
  head.fence = loop.value("fence", std::int64_t{0});
  head.renew_seq = loop.value("renew_seq", std::int64_t{0});
  head.head_seq = loop.value("head_seq", std::int64_t{0});
  head.released = text_of(loop, "state") == "no_leader";
  return head;
}

void HttpLedger::put_command(std::string_view key, std::string_view verb, const json& args) {
  const json body{{"verb", verb}, {"args", args}};
  const auto stored =
      ask({"POST", "/api/v1/commands", {{"Idempotency-Key", std::string{key}}}, body.dump()});
  if (stored.is_null())
    throw ServiceUnavailable{{ErrorCode::unreachable, place() + " takes no commands",
                              "is the service older than this amdahl?"}};
}

std::optional<json> HttpLedger::command_answer(std::string_view key) {
  const auto command = read("command", {{"key", key}});
  if (command.is_null() || !command.value("done", false)) return std::nullopt;
  return command.value("answer", json::object());
}

std::string HttpLedger::why_read_only() const {
  ++asked_;
  const auto answer = client_.ask({"GET", "/readyz"});
  if (!answer) throw ServiceUnavailable{answer.error()};
  const auto document = json::parse(answer->body, nullptr, false);
  if (document.is_object() && text_of(document, "type").ends_with("/other-schema"))
    return text_of(document, "detail");
  constexpr int first_problem = 300;
  if (answer->status >= first_problem) throw_problem(*answer, place());
  return {};
}

Result<void> HttpLedger::follow(std::int64_t seq, const std::function<bool(const json&)>& on_event,
                                const std::function<bool()>& go_on) const {
  std::string kind, data;
  http_client::LineListener listener;
  listener.go_on = go_on;
  listener.on_line = [&](std::string_view line) {
    if (line.starts_with("event: ")) {
      kind = line.substr(7);
    } else if (line.starts_with("data: ")) {
      data += line.substr(6);
    } else if (line.empty() && !data.empty()) {
      auto event = json::parse(std::exchange(data, {}), nullptr, false);
      if (!event.is_object()) return true;
      if (kind == "reset") event["kind"] = kind;
      return on_event(event);
    }
    return true;
  };
  const auto answer =
      client_.listen({"GET", "/api/v1/stream", {{"Last-Event-ID", std::to_string(seq)}}}, listener);
  if (!answer) return answer.error();
  constexpr int fine = 200;
  if (answer->status == fine) return {};
  const bool refused = answer->status == 401 || answer->status == 403;
  return problem_of_answer(*answer, refused ? ErrorCode::not_allowed : ErrorCode::unreachable,
                           place());
}

// ---- what only a leader does ----

std::optional<ledger::Lease> HttpLedger::acquire(const ledger::Head&, std::string_view,
                                                 std::string_view) {
  never();
}
void HttpLedger::renew(const Lease&) { never(); }
void HttpLedger::release(const Lease&) { never(); }
ledger::Snapshot HttpLedger::read_snapshot() { never(); }
void HttpLedger::add_jobs(const Lease&, std::span<const ledger::NewJob>) { never(); }
std::vector<core::HypothesisId> HttpLedger::add_hypotheses(const Lease&,
                                                           std::span<const ledger::NewHypothesis>,
                                                           std::span<const ledger::ProposedFor>) {
  never();
}
void HttpLedger::reject_hypotheses(const Lease&, std::span<const ledger::RejectHypothesis>) {
  never();
}
void HttpLedger::approve_hypotheses(const Lease&, std::span<const core::HypothesisId>) { never(); }
std::vector<core::ExperimentId> HttpLedger::register_experiments(
    const Lease&, std::span<const ledger::Registration>) {
  never();
}
void HttpLedger::open_and_retry(const Lease&, std::span<const ledger::OpenPair>,
                                std::span<const ledger::RetryRun>) {
  never();
}
ledger::Head HttpLedger::arm_submits(const Lease&, std::span<const core::RunId>,
                                     std::span<const std::string>) {
  never();
}
void HttpLedger::record_submits(const Lease&, std::span<const ledger::RecordSubmit>) { never(); }
void HttpLedger::record_runs(const Lease&, std::span<const ledger::RecordRun>) { never(); }
void HttpLedger::advance_and_decide(const Lease&, std::span<const ledger::Advance>,
                                    std::span<const ledger::Decision>) {
  never();
}
void HttpLedger::abort_experiments(const Lease&, std::span<const core::ExperimentId>,
                                   std::string_view) {
  never();
}
void HttpLedger::request_cancel(const Lease&, std::span<const core::RunId>) { never(); }
void HttpLedger::set_paused(const Lease&, bool, std::string_view) { never(); }
void HttpLedger::plan_production(const Lease&, std::span<const ledger::PlanProduction>) { never(); }
void HttpLedger::record_production(const Lease&, std::span<const ledger::ProductionRun>) {
  never();
}
void HttpLedger::finish_commands(const Lease&, std::span<const ledger::CommandDone>) { never(); }
void HttpLedger::finish_deliveries(const Lease&, std::int64_t) { never(); }
void HttpLedger::note(const Lease&, std::string_view, std::string_view, const json&) { never(); }

}  // namespace amdahl::cli
