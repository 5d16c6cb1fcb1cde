#include "slurm_rest_texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/quantity.hpp"
#include "slurm_commands.hpp"

namespace amdahl::scheduler_adapters::slurm {

using core::Error;
using core::ErrorCode;
using nlohmann::json;

namespace {

// Numbers of Slurm's errors (slurm_errno.h).
constexpr std::int64_t code_again = 11, code_connect = 1800, code_invalid_job = 2017;
constexpr std::int64_t code_busy = 2007, code_not_authenticated = 1007;
constexpr std::array<std::int64_t, 7> codes_of_auth{
    code_not_authenticated, 2002, 1906, 1907, 6000, 6001, 6006};

const json& field(const json& value, std::string_view name) {
  static const json none;
  if (!value.is_object()) return none;
  const auto found = value.find(name);
  return found == value.end() ? none : *found;
}

std::int64_t whole_of(const json& value) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_string()) return core::parse_whole(value.get_ref<const std::string&>()).value_or(0);
  const auto& number = field(value, "number");
  return number.is_number_integer() ? number.get<std::int64_t>() : 0;
}

std::string words_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string{};
}

struct RestError {
  std::int64_t code = 0;
  std::string words;
};

// The first error that says something; an answer without errors has none.
std::optional<RestError> error_in(const json& document, std::int64_t fine_code) {
  const auto& errors = field(document, "errors");
  if (!errors.is_array()) return std::nullopt;
  for (const auto& error : errors) {
    RestError found{whole_of(field(error, "error_number")), words_of(field(error, "description"))};
    if (found.code == 0) found.code = whole_of(field(error, "error_code"));
    // Later versions say in one what was tried, and in the other why it failed.
    const auto why = words_of(field(error, "error"));
    if (!why.empty() && why != found.words) found.words += (found.words.empty() ? "" : ": ") + why;
    if (found.code == fine_code && fine_code != 0) continue;
    return found;
  }
  return std::nullopt;
}

bool is_about_the_token(std::int64_t code) {
  return std::find(codes_of_auth.begin(), codes_of_auth.end(), code) != codes_of_auth.end();
}

Error token_refused(const std::string& words) {
  return {ErrorCode::not_allowed, "slurmrestd does not accept the token" + words,
          "renew it: scontrol token username=… lifespan=… > token_file"};
}

bool is_lost_answer(std::int64_t code) {
  return (code > code_connect && code <= code_connect + 3) || (code >= 5000 && code <= 5005);
}

FailureClass class_of(const RestError& error) {
  if (error.code == code_connect || error.code == code_again || error.code == code_busy)
    return FailureClass::retryable;
  if (is_about_the_token(error.code)) return FailureClass::auth;
  // The controller could not be asked at all, or nobody knows.
  if (is_lost_answer(error.code) || error.code <= 0) return FailureClass::unknown_outcome;
  return FailureClass::permanent;
}

json number_of(std::int64_t value, int version) {
  if (version == rest_version_first) return value;
  return {{"set", true}, {"infinite", false}, {"number", value}};
}

}  // namespace

std::string submit_body(const JobRequest& request,
                        const std::map<std::string, std::string>& environment, int version) {
  const bool old = version == rest_version_first;
  json job{{"name", request.name},
           {"comment", request.comment},
           {"current_working_directory", request.directory.string()},
           {"standard_output", request.log},
           {"hold", true},
           {"dependency", "singleton"},
           {"tasks_per_node", 1},
           {"cpus_per_task", request.cpus_per_node}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) job[name] = value;
  };
  add("partition", request.partition);
  add("account", request.account);
  add("qos", request.qos);
  if (old) {
    job["no_requeue"] = true;
    job["nodes"] = request.nodes;  // of a list [2, 2] it takes one node
    job["environment"] = environment;
  } else {
    job["requeue"] = false;
    job["minimum_nodes"] = request.nodes;
    job["maximum_nodes"] = request.nodes;
    job["environment"] = json::array();
    for (const auto& [name, value] : environment) job["environment"].push_back(name + "=" + value);
  }
  if (!request.pinned_nodes.empty() && old) {
    job["nodelist"] = fmt::format("{}", fmt::join(request.pinned_nodes, ","));
  } else if (!request.pinned_nodes.empty()) {
    job["required_nodes"] = request.pinned_nodes;
  }
  if (request.gpus_per_node > 0) {
    const auto count = std::to_string(request.gpus_per_node);
    // 39 is the newest of Slurm 23.02 alone, which still writes `gres:gpu`.
    job[old ? "gres" : "tres_per_node"] = (old             ? "gpu:"
                                           : version == 39 ? "gres:gpu:"
                                                           : "gres/gpu:") +
                                          count;
  }
  if (request.memory_mib_per_node > 0)
    job["memory_per_node"] = number_of(request.memory_mib_per_node, version);
  if (request.minutes > 0) job["time_limit"] = number_of(request.minutes, version);
  if (version < 40) return core::canonical_json({{"job", job}, {"script", request.script}});
  job["script"] = request.script;
  return core::canonical_json({{"job", job}});
}

std::variant<std::string, Failure> read_rest_submit(const RestAnswer& answer) {
  const auto document = core::parse_json(answer.body, "slurmrestd's answer");
  const auto shown = std::string{answer.body.substr(0, 300)};
  if (document) {
    auto id = whole_of(field(*document, "job_id"));
    if (id == 0) id = whole_of(field(field(*document, "result"), "job_id"));
    if (id > 0) return std::to_string(id);
    if (const auto error = error_in(*document, 0)) {
      const auto kind = answer.status == http_unauthorized ? FailureClass::auth : class_of(*error);
      return Failure{kind, fmt::format("{} ({})", error->words, error->code)};
    }
  }
  const auto words = fmt::format("slurmrestd answered {}: {}", answer.status, shown);
  if (answer.status == http_unauthorized) return Failure{FailureClass::auth, words};
  if (answer.status == http_too_many) return Failure{FailureClass::throttled, words};
  const bool refused = answer.status >= 400 && answer.status < http_server_error;
  return Failure{refused ? FailureClass::permanent : FailureClass::unknown_outcome, words};
}

std::optional<Error> refusal_of(const RestAnswer& answer, std::int64_t fine_code) {
  if (answer.status == http_unauthorized) return token_refused("");
  const auto document = core::parse_json(answer.body, "slurmrestd's answer");
  if (!document) {
    return Error{
        ErrorCode::unreachable,
        fmt::format("slurmrestd answered {}: {}", answer.status, answer.body.substr(0, 200)),
        "is url a slurmrestd?"};
  }
  if (const auto error = error_in(*document, fine_code)) {
    if (error->code == code_not_authenticated) return token_refused(": " + error->words);
    const auto code =
        error->code == code_invalid_job ? ErrorCode::not_found : ErrorCode::unreachable;
    // With a token that slurmctld does not take, slurmrestd cannot even read the configuration.
    const bool token = error->words.find("config is unable to load") != std::string::npos;
    return Error{code, fmt::format("Slurm: {} ({})", error->words, error->code),
                 token ? "is slurmctld up, and the token still good? amdahl doctor" : ""};
  }
  // An error that means nothing comes with whatever status.
  if (answer.status == http_ok || fine_code != 0) return std::nullopt;
  return Error{ErrorCode::unreachable, fmt::format("slurmrestd answered {}", answer.status), ""};
}

core::Result<std::vector<Node>> read_rest_nodes(std::string_view body,
                                                const std::string& partition) {
  const auto document = core::parse_json(body, "slurmrestd's nodes");
  if (!document) return document.error();
  const auto& list = field(*document, "nodes");
  if (!list.is_array()) return core::failed("slurmrestd's answer has no list of nodes");
  std::vector<Node> nodes;
  for (const auto& value : list) {
    const auto& partitions = field(value, "partitions");
    const bool in = partition.empty() ||
                    (partitions.is_array() && std::find(partitions.begin(), partitions.end(),
                                                        json(partition)) != partitions.end());
    const auto name = words_of(field(value, "name"));
    if (!in || name.empty()) continue;
    const auto gpus = gpus_of_gres(words_of(field(value, "gres")));
    nodes.push_back({name, whole_of(field(value, "cpus")), whole_of(field(value, "real_memory")),
                     gpus.count, gpus.type});
  }
  return nodes;
}

std::optional<std::int64_t> rest_clock(std::string_view body) {
  const auto document = core::parse_json(body, "slurmrestd's diag");
  if (!document) return std::nullopt;
  const auto at = whole_of(field(field(*document, "statistics"), "req_time"));
  return at > 0 ? std::optional{at} : std::nullopt;
}

std::optional<std::int64_t> token_expiry(std::string_view token) {
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string claims;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : token.substr(first + 1, second - first - 1)) {
    const auto value = digits.find(c == '+' ? '-' : c == '/' ? '_' : c);
    if (c == '=') break;
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    claims += static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xFFU);
  }
  const auto value = core::parse_json(claims, "the token");
  if (!value) return std::nullopt;
  const auto& expiry = field(*value, "exp");
  return expiry.is_number_integer() ? std::optional{expiry.get<std::int64_t>()} : std::nullopt;
}

std::string token_of(std::string_view text) {
  constexpr std::string_view mark = "SLURM_JWT=";
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  text = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  return std::string{text};
}

}  // namespace amdahl::scheduler_adapters::slurm
