#include "result_post.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "amdahl/core/limits.hpp"
#include "amdahl/http_client/client.hpp"
#include "log.hpp"

namespace amdahl::worker {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto pause_first = 500ms, pause_last = 15'000ms;
constexpr auto answer_within = 30s;
constexpr auto look_interval = 20ms;

enum class Posted { taken, refused, not_answered };

Posted post_once(const http_client::Client& client, const http_client::ClientRequest& request) {
  const auto answer = client.ask(request);
  if (!answer) {
    log_line(answer.error().message);
    return Posted::not_answered;
  }
  constexpr int ok = 200, created = 201, timeout = 408, too_many = 429, server_error = 500;
  if (answer->status == ok || answer->status == created) return Posted::taken;
  constexpr std::size_t shown = 500;
  log_line("the service answered the result with " + std::to_string(answer->status) + ": " +
           answer->body.substr(0, shown));
  const bool may_change =
      answer->status == timeout || answer->status == too_many || answer->status >= server_error;
  return may_change ? Posted::not_answered : Posted::refused;
}

bool post_until_taken(const run_files::PostSettings& settings, const core::RunKey& key,
                      const std::string& result) {
  const auto address = http_client::parse_service_address(settings.url);
  if (!address) {
    log_line("post.json: " + address.error().message);
    return false;
  }
  http_client::ClientOptions options;
  options.address = *address;
  options.token = settings.token;
  options.ca = settings.ca;
  options.answer_within = answer_within;
  const http_client::Client client{options};
  const http_client::ClientRequest request{
      "POST", "/api/v1/runs/" + key.text + "/result", {}, result};
  const auto until = steady_clock::now() + core::limits::post_patience;
  for (auto pause = std::chrono::milliseconds{pause_first};;
       pause = std::min<std::chrono::milliseconds>(2 * pause, pause_last)) {
    const auto posted = post_once(client, request);
    if (posted != Posted::not_answered) return posted == Posted::taken;
    if (steady_clock::now() + pause > until) return false;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

bool post_result(const run_files::PostSettings& settings, const core::RunKey& key,
                 const std::string& result) {
  const auto shim = ::getpid();
  const auto child = ::fork();
  if (child < 0) {
    log_line(std::string{"cannot post the result: "} + std::strerror(errno));
    return false;
  }
  if (child == 0) {
    // It has the shim's lock and slots open, so it must not outlive it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != shim) ::_exit(1);
    ::_exit(post_until_taken(settings, key, result) ? 0 : 1);
  }
  // A name that never resolves has no deadline of its own.
  const auto until = steady_clock::now() + core::limits::post_patience + answer_within;
  int status = 0;
  for (bool killed = false; ::waitpid(child, &status, WNOHANG) != child;) {
    if (!killed && steady_clock::now() > until) {
      log_line("posting the result took too long");
      killed = ::kill(child, SIGKILL) == 0;
    }
    std::this_thread::sleep_for(look_interval);
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace amdahl::worker
