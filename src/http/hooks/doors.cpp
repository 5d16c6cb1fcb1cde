#include "doors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "amdahl/core/limits.hpp"
#include "framing.hpp"
#include "signature.hpp"

namespace amdahl::http::hooks {

using core::Result;

/// Why a request is not taken: its problem and what the metric calls it.
struct Intake::Refusal {
  std::string_view result;
  Problem problem;
};

/// Who sent a request, or why that is not proved.
struct Intake::Sender {
  std::optional<Refusal> refusal{};
  bool is_signed = false;
  std::string cluster{};
  std::string id{};  ///< `webhook-id` where it is signed
  std::optional<double> lag_s{};
};

namespace {

constexpr int accepted = 202, duplicate = 200, created = 201;
constexpr std::array<std::string_view, 4> door_names{"slurm", "kubernetes", "generic", "slurm-es"};

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return out;
}

// `application/json; charset=utf-8` → `application/json`; another charset is another type.
std::string media_type(const Request& request) {
  if (request.count("content-type") != 1) return {};
  const auto text = lower(request.header("content-type"));
  const auto semicolon = std::min(text.find(';'), text.size());
  const auto charset = text.find("charset=", semicolon);
  if (charset != std::string::npos) {
    const auto value = text.substr(charset + std::string_view{"charset="}.size());
    if (!value.starts_with("utf-8") && !value.starts_with("\"utf-8\"")) return "other charset";
  }
  return std::string{without_blanks(std::string_view{text}.substr(0, semicolon))};
}

bool is_near(const Request& request) { return request.peer.via != Peer::Via::network; }

// A request that shows a part of a signature is judged by it, never by a token.
bool shows_signature(const Request& request) {
  return request.count("webhook-signature") + request.count("webhook-id") +
             request.count("webhook-timestamp") >
         0;
}

Problem closed() {
  return {410, "gone", "no cluster takes webhooks at this door",
          "set secret_files or url_token_file in [cluster.NAME.hooks], or stop sending"};
}

Result<Content> read_body(Door door, const Request& request, bool is_signed,
                          const std::string& type) {
  if (door == Door::slurm_es) return read_jobcomp(request.body);
  if (!is_signed) return read_exported_event(request.body);
  if (door != Door::generic) return read_envelope(request.body);
  if (type == "application/cloudevents+json") return read_structured_event(request.body);
  if (request.count("ce-specversion") + request.count("ce-id") > 0)
    return read_binary_event(request.headers, request.body);
  return read_envelope(request.body);
}

bool takes(Door door, const std::string& type) {
  return type == "application/json" ||
         (door == Door::generic && type == "application/cloudevents+json");
}

// Problems name the request's path, and a path may hold a token.
Response refuse(Door door, const Request& request, const Problem& problem) {
  Request shown;
  shown.method = request.method;
  // By the door, not by its letters: a path may be written with percent signs.
  shown.path = door == Door::slurm_es ? "/hooks/slurm-es/…/_doc" : request.path;
  shown.id = request.id;
  return problem_response(shown, problem);
}

// Ids are unique within a source: what is unsigned makes its own and stands apart.
std::string source_of(Door door, bool is_signed, const std::string& cluster) {
  const std::string at{name(door)};
  if (cluster.empty()) return at;
  return at + (door == Door::kubernetes && !is_signed ? "-events/" : "/") + cluster;
}

struct Answered {
  std::string_view result;
  Problem problem{};  ///< where it is not stored
};

Answered answer_of(Stored stored) {
  switch (stored) {
    case Stored::fresh:
      return {"stored"};
    case Stored::replayed:
      return {"duplicate"};
    case Stored::overloaded:
      return {"limited",
              {429, "overloaded", "too many deliveries wait to be looked at",
               "send it again later, with the same webhook-id"}};
    case Stored::in_doubt:
      return {"unavailable",
              {503, "in-doubt", "the connection to the ledger broke while this was stored",
               "send it again with the same webhook-id: it counts once"}};
    case Stored::refused:
      return {"malformed",
              {422, "invalid", "the ledger does not take this delivery",
               "see that its texts are short and hold no NUL"}};
    case Stored::unavailable:
      break;
  }
  return {"unavailable",
          {503, "ledger-unavailable", "the ledger does not answer, nothing was stored",
           "send it again later, with the same webhook-id"}};
}

}  // namespace

std::string_view name(Door door) { return door_names.at(static_cast<std::size_t>(door)); }

void Intake::note(std::string source, std::string_view result, std::optional<double> lag_s) const {
  if (options_.on_received) options_.on_received({std::move(source), result, lag_s});
}

Intake::Sender Intake::prove_signed(const Request& request) const {
  const auto sources = options_.sources.current();
  std::vector<std::string> secrets;
  std::vector<const HookSource*> owners;
  for (const auto& source : *sources) {
    for (const auto& secret : source.secrets) {
      secrets.push_back(secret);
      owners.push_back(&source);
    }
  }
  if (secrets.empty()) return {Refusal{"switched_off", closed()}};
  const auto now = options_.now_s();
  const auto verdict = verify(request.headers, request.body, secrets, now);
  switch (verdict.proof) {
    case Proof::valid:
      break;
    case Proof::stale:
      return {Refusal{"stale", {401, "stale-time", verdict.detail, "see to the clocks of both"}}};
    case Proof::repeated:
    case Proof::malformed:
    case Proof::missing:
    case Proof::bad_signature:
      return {Refusal{"bad_signature",
                      {401, "bad-signature", verdict.detail,
                       "sign `id.timestamp.body` by Standard Webhooks with the cluster's secret"}}};
  }
  const auto& owner = *owners.at(verdict.secret);
  Sender sender;
  sender.is_signed = true;
  sender.cluster = owner.cluster;
  sender.id = verdict.id;
  sender.lag_s = static_cast<double>(std::max<std::int64_t>(now - verdict.timestamp, 0));
  if (!owner.enabled) {
    sender.refusal = {"switched_off",
                      {410, "gone", "webhooks of cluster " + owner.cluster + " are switched off",
                       "set cluster." + owner.cluster + ".hooks.enabled = true, or stop sending"}};
  }
  return sender;
}

Intake::Sender Intake::prove_token(const Request& request, std::string_view token) const {
  if (!is_near(request)) {
    return {Refusal{"forbidden",
                    {403, "forbidden", "unsigned deliveries are taken from this machine only",
                     "send signed ones, or through a relay on this machine"}}};
  }
  const auto sources = options_.sources.current();
  const HookSource* owner = nullptr;
  bool any = false;
  for (const auto& source : *sources) {
    if (source.url_token.empty()) continue;
    any = true;
    if (same_token(source.url_token, token) && owner == nullptr) owner = &source;
  }
  if (!any) return {Refusal{"switched_off", closed()}};
  if (owner == nullptr) {
    return {Refusal{"bad_signature",
                    {401, "wrong-token", "no cluster has this URL token",
                     "compare it with the url_token_file of [cluster.NAME.hooks]"}}};
  }
  Sender sender;
  sender.cluster = owner->cluster;
  if (!owner->enabled) {
    sender.refusal = {"switched_off",
                      {410, "gone", "webhooks of cluster " + owner->cluster + " are switched off",
                       "set cluster." + owner->cluster + ".hooks.enabled = true, or stop sending"}};
  }
  return sender;
}

Intake::Sender Intake::prove(Door door, const Call& call) const {
  const auto& request = *call.request;
  if (door == Door::slurm_es) {
    const auto token = call.params.find("token");
    return prove_token(request, token == call.params.end() ? std::string_view{} : token->second);
  }
  if (door == Door::kubernetes && !shows_signature(request) && !request.bearer().empty()) {
    return prove_token(request, request.bearer());
  }
  return prove_signed(request);
}

void Intake::receive(Door door, const Call& call, const Respond& respond) const {
  const auto& request = *call.request;
  const auto refused = [&](const std::string& source, std::string_view result,
                           const Problem& problem, std::optional<double> lag_s = {}) {
    note(source, result, lag_s);
    respond(refuse(door, request, problem));
  };
  const std::string at_door{name(door)};
  if (request.body.size() > core::limits::hook_body_bytes) {
    return refused(at_door, "too_large",
                   {413, "too-large",
                    fmt::format("a webhook has at most {} bytes", core::limits::hook_body_bytes)});
  }
  auto sender = prove(door, call);
  const auto source = source_of(door, sender.is_signed, sender.cluster);
  if (sender.refusal) {
    return refused(source, sender.refusal->result, sender.refusal->problem, sender.lag_s);
  }
  const auto type = media_type(request);
  if (!takes(door, type) || !is_plain(request.headers)) {
    return refused(source, "unsupported",
                   {415, "unsupported-media-type",
                    "the body is not announced as JSON in UTF-8, without a Content-Encoding",
                    "send content-type: application/json, and the body as it is"},
                   sender.lag_s);
  }
  auto content = read_body(door, request, sender.is_signed, type);
  if (!content) {
    return refused(source, "malformed",
                   {400, "bad-request", content.error().message, content.error().hint},
                   sender.lag_s);
  }
  // Slurm's own name of a cluster need not be ours, and the token says which one it is.
  if (door != Door::slurm_es && !content->cluster.empty() && content->cluster != sender.cluster) {
    return refused(
        source, "bad_signature",
        {401, "bad-signature", "data.cluster is not the cluster whose secret or token this is",
         "use the secret of the cluster that the body names"},
        sender.lag_s);
  }
  store(door, call, sender, std::move(*content), respond);
}

void Intake::store(Door door, const Call& call, const Sender& sender, Content content,
                   const Respond& respond) const {
  const auto source = source_of(door, sender.is_signed, sender.cluster);
  ledger::Delivery delivery{source,
                            content.id.empty() ? sender.id : std::move(content.id),
                            sender.cluster,
                            std::move(content.kind),
                            std::move(content.native_id),
                            std::move(content.run_key),
                            std::move(content.kept)};
  const auto id = delivery.id;
  // Without `this`: an answer may come when the routes are gone.
  options_.writer.put(
      std::move(delivery), [on_received = options_.on_received, door, request = call.request,
                            respond, source, id, lag_s = sender.lag_s](Stored stored) {
        const auto answer = answer_of(stored);
        if (on_received) on_received({source, answer.result, lag_s});
        if (stored != Stored::fresh && stored != Stored::replayed) {
          return respond(refuse(door, *request, answer.problem));
        }
        const bool fresh = stored == Stored::fresh;
        // Slurm takes 200 and 201 only, and sends again what was answered otherwise.
        const int status = door == Door::slurm_es ? created : fresh ? accepted : duplicate;
        respond(json_response(status, {{"schema", "amdahl.delivery/v1"},
                                       {"source", source},
                                       {"id", id},
                                       {"result", answer.result}}));
      });
}

Response Intake::handshake(const Call& call) const {
  const auto& request = *call.request;
  const auto sources = options_.sources.current();
  const bool open = std::any_of(sources->begin(), sources->end(), [](const HookSource& source) {
    return source.enabled && !source.secrets.empty();
  });
  if (!open) return refuse(Door::generic, request, closed());
  Response response;
  response.headers = {{"Allow", "OPTIONS, POST"}};
  const auto origin = request.header("webhook-request-origin");
  if (origin.empty()) {
    response.status = 204;
    response.content_type.clear();
    return response;
  }
  const bool is_name =
      origin.size() <= 253 && std::all_of(origin.begin(), origin.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == ':';
      });
  if (!is_name || request.count("webhook-request-origin") != 1) {
    return refuse(Door::generic, request,
                  {400, "bad-request", "webhook-request-origin is no host name"});
  }
  // Whoever may send is decided by signatures, how fast by what the ledger takes: no promise of
  // less.
  response.headers.emplace_back("WebHook-Allowed-Origin", origin);
  response.headers.emplace_back("WebHook-Allowed-Rate", "*");
  response.content_type.clear();
  return response;
}

}  // namespace amdahl::http::hooks

namespace amdahl::http {

std::vector<std::string> delivery_sources(const std::string& cluster) {
  using hooks::Door;
  std::vector<std::string> sources;
  for (const auto door : {Door::slurm, Door::kubernetes, Door::generic, Door::slurm_es}) {
    for (const bool is_signed : {true, false}) {
      auto source = hooks::source_of(door, is_signed, cluster);
      if (sources.empty() || sources.back() != source) sources.push_back(std::move(source));
    }
  }
  return sources;
}

}  // namespace amdahl::http
