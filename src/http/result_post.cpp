#include "amdahl/http/result_post.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "amdahl/core/failpoint.hpp"
#include "amdahl/core/sha256.hpp"
#include "api/body.hpp"
#include "hooks/signature.hpp"

// Results of workers that share no disk with the service.

namespace amdahl::http {

using ledger::Posted;

namespace {

// What is signed says what for: a signature of anything else never opens this door.
constexpr std::string_view purpose = "amdahl.result_post/v1:";

std::optional<Problem> problem_with_sender(const Request& request, const std::string& secret,
                                           const core::RunKey& key) {
  if (secret.empty())
    return Problem{410, "gone", "no cluster's workers post their results here",
                   "set post_url in [cluster.NAME]"};
  const auto token = request.bearer();
  if (token.empty())
    return Problem{401, "no-token",
                   "this needs the run's own token, as `Authorization: Bearer amr_...`",
                   "it stands in post.json of the run's directory"};
  if (!core::is_run_key(key.text) || !hooks::same_token(token, run_token(secret, key)))
    return Problem{401, "wrong-token", "this token is not of this run",
                   "do all services of this ledger have one service.post_key_file?"};
  return std::nullopt;
}

// What is no result is refused while its sender is still there to say so in its log.
std::optional<Problem> problem_with_result(const Request& request, const core::RunKey& key) {
  const auto body = json_body(request, {{"type", "object"}});
  if (const auto* problem = std::get_if<Problem>(&body)) return *problem;
  const auto result = core::run_result_from_json(std::get<nlohmann::json>(body));
  if (!result) return Problem{422, "invalid", result.error().message, ""};
  if (result->key != key)
    return Problem{422, "invalid", fmt::format("this is the result of {}", result->key.text), ""};
  return std::nullopt;
}

Response answer_of(Posted posted, const Request& request, const core::RunKey& key) {
  const auto stored = [&](int status, const char* word) {
    return json_response(
        status, {{"schema", "amdahl.result_post/v1"}, {"run_key", key.text}, {"result", word}});
  };
  switch (posted) {
    case Posted::fresh:
      return stored(201, "stored");
    case Posted::same:
      return stored(200, "duplicate");
    case Posted::other:
      return problem_response(request,
                              {409, "conflict", "another result of this run was posted", ""});
    case Posted::ended:
      return problem_response(request,
                              {410, "gone", "the end of this run is recorded already", ""});
    case Posted::unknown:
      break;
  }
  return problem_response(request, {404, "not-found", "this ledger has no run " + key.text, ""});
}

}  // namespace

std::string run_token(std::string_view secret, const core::RunKey& key) {
  const auto text = std::string{purpose}.append(key.text);
  std::array<std::uint8_t, 32> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  return "amr_" + core::hex(digest);
}

Route result_post_route(std::string secret, std::function<void()> poke) {
  Route route{"POST", "/api/v1/runs/{run_key}/result", Access::run, "post_result",
              "a worker hands in what it measured, with the token of its run"};
  route.body = {{"type", "object"}, {"description", "result.json of the run's directory"}};
  route.answers = {{201, "stored", "amdahl.result_post/v1"},
                   {200, "stored before", "amdahl.result_post/v1"},
                   {400, "the body is not JSON"},
                   {401, "no token, or one of another run"},
                   {404, "there is no such run"},
                   {409, "another result of this run was posted"},
                   {410, "the run's end is recorded, or no worker posts here"},
                   {413, "too large"},
                   {415, "not JSON"},
                   {422, "no result of this run"},
                   {429, "too many requests"},
                   {503, "the ledger does not answer"}};
  route.handle = answering([secret = std::move(secret), poke = std::move(poke)](const Call& call) {
    const core::RunKey key{call.params.at("run_key")};
    const auto& request = *call.request;
    if (const auto problem = problem_with_sender(request, secret, key))
      return problem_response(request, *problem);
    if (const auto problem = problem_with_result(request, key))
      return problem_response(request, *problem);
    const auto posted = call.desk->doors().post_result(key.text, request.body);
    core::failpoint("hooks.result_stored");
    if (posted == Posted::fresh && poke) poke();
    return answer_of(posted, request, key);
  });
  return route;
}

}  // namespace amdahl::http
