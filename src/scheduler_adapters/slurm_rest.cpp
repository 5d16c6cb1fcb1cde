#include <fmt/chrono.h>
#include <fmt/format.h>

#include "amdahl/core/quantity.hpp"
#include "amdahl/http_client/client.hpp"
#include "slurm_environment.hpp"
#include "slurm_rest_texts.hpp"
#include "slurm_token.hpp"
#include "slurm_transport.hpp"

namespace amdahl::scheduler_adapters::slurm {
namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using http_client::ClientAnswer;

constexpr std::size_t listing_bytes_max = 256u << 20;  // all jobs of a large cluster
// Accounting comes by the page, of some tens of thousands of jobs; slurmdbd may take its time.
constexpr std::size_t page_bytes_max = 48u << 20;
constexpr std::chrono::milliseconds page_within{120'000};
constexpr std::int64_t page_s_max = 86'400, page_s_min = 60;
constexpr std::int64_t code_nothing_found = 9003;
constexpr std::int64_t expiry_soon_s = 3600;

class RestTransport final : public Transport {
 public:
  RestTransport(const SlurmOptions& options, core::Clock& clock)
      : options_{options}, clock_{clock}, token_{options_, clock} {}

  std::variant<std::string, Failure> submit_held(const JobRequest& request,
                                                 std::chrono::milliseconds deadline) override;
  Result<Records> live() override { return jobs("jobs"); }
  Result<Records> live_job(const std::string& id) override {
    auto one = jobs("job/" + http_client::percent_encoded(id));
    if (!one && one.error().code == ErrorCode::not_found) return Records{};
    return one;
  }
  Result<Records> history(std::span<const std::string> names, std::chrono::seconds window) override;
  Result<SlurmAccounting::Counts> accounting(const AccountingSpan& span,
                                             const AccountingListener& listener) override;
  Result<void> release(const std::string& id) override {
    return effect("POST", "job/" + http_client::percent_encoded(id), R"({"hold":false})");
  }
  Result<void> cancel(const std::string& id) override {
    return effect("DELETE", "job/" + http_client::percent_encoded(id), "");
  }
  Result<std::vector<Node>> nodes(const std::string& partition) override {
    const auto answer = ask("GET", "slurm", "nodes", "", usual());
    if (!answer) return answer.error();
    if (auto refused = refusal_of({answer->status, answer->body})) return *refused;
    return read_rest_nodes(answer->body, partition);
  }
  std::vector<Finding> examine() override;

 private:
  /// One answer, however many requests it takes: finding the version, a new token, once more.
  struct Call {
    core::BootTime end{0};  ///< nothing is sent after it
    bool* sent = nullptr;   ///< whether it may have arrived although there is no answer
    std::size_t bytes_max = listing_bytes_max;
  };
  Call within(std::chrono::milliseconds time) const { return {clock_.since_boot() + time}; }
  Call usual() const { return within(options_.call_within); }
  Result<ClientAnswer> send(const std::string& method, const std::string& target,
                            const std::string& body, const Call& call);
  Result<ClientAnswer> send_once(const std::string& method, const std::string& target,
                                 const std::string& body, const Call& call);
  Result<ClientAnswer> ask(const std::string& method, const std::string& tree,
                           const std::string& path, const std::string& body, const Call& call);
  Result<int> version(const Call& call);
  Result<Records> jobs(const std::string& path);
  Finding clock_finding();
  Result<ClientAnswer> accounting_page(const AccountingSpan& page);
  Result<void> effect(const std::string& method, const std::string& path, const std::string& body);

  SlurmOptions options_;
  core::Clock& clock_;
  TokenSource token_;
  int version_ = 0;  ///< 0 = not known yet
};

// Once more with a new token where the old one was not accepted: then nothing has happened.
Result<ClientAnswer> RestTransport::send(const std::string& method, const std::string& target,
                                         const std::string& body, const Call& call) {
  auto answer = send_once(method, target, body, call);
  // Slurm 22.05 calls a token that slurmctld does not take an error of its own.
  if (answer && answer->status >= http_server_error) token_.refused();
  if (!answer || answer->status != http_unauthorized || !token_.refused()) return answer;
  return send_once(method, target, body, call);
}

Result<ClientAnswer> RestTransport::send_once(const std::string& method, const std::string& target,
                                              const std::string& body, const Call& call) {
  const auto address = http_client::parse_service_address(options_.url);
  if (!address) return address.error();
  const auto left = [&] {
    return std::chrono::floor<std::chrono::milliseconds>(call.end - clock_.since_boot());
  };
  const auto secret = token_.token(left());
  if (!secret) return secret.error();
  if (left().count() <= 0)
    return Error{ErrorCode::timed_out, "no time was left to ask slurmrestd", ""};
  http_client::ClientOptions client;
  client.address = *address;
  client.ca_file = options_.ca_file;
  client.answer_within = left();
  client.connect_within = std::min(client.connect_within, client.answer_within);
  client.answer_bytes_max = call.bytes_max;
  if (call.sent != nullptr) client.on_sending = [&] { *call.sent = true; };
  http_client::ClientRequest request{method, target, {}, body};
  request.headers = {{"X-SLURM-USER-NAME", options_.user}, {"X-SLURM-USER-TOKEN", *secret}};
  auto answer = http_client::Client{client}.ask(request);
  if (answer) return answer;
  auto error = answer.error();
  error.hint = "is slurmrestd up at cluster.NAME.url?";
  return error;
}

// The newest that the daemon speaks.
Result<int> RestTransport::version(const Call& call) {
  if (version_ != 0) return version_;
  for (int version = rest_version_last; version >= rest_version_first; --version) {
    const auto answer = send("GET", fmt::format("/slurm/v0.0.{}/ping", version), "", {call.end});
    if (!answer) return answer.error();
    if (answer->status == http_not_found) continue;
    if (auto refused = refusal_of({answer->status, answer->body})) return *refused;
    version_ = version;
    return version;
  }
  return Error{ErrorCode::failed,
               fmt::format("slurmrestd speaks none of v0.0.{} to v0.0.{}", rest_version_first,
                           rest_version_last),
               "Slurm 22.05 to 25.05; start slurmrestd with its plugins of such a version, or set "
               "via = \"cli\""};
}

Result<ClientAnswer> RestTransport::ask(const std::string& method, const std::string& tree,
                                        const std::string& path, const std::string& body,
                                        const Call& call) {
  const auto spoken = version(call);
  if (!spoken) return spoken.error();
  auto answer = send(method, fmt::format("/{}/v0.0.{}/{}", tree, *spoken, path), body, call);
  if (answer && answer->status == http_not_found) version_ = 0;  // another slurmrestd, perhaps
  return answer;
}

std::variant<std::string, Failure> RestTransport::submit_held(const JobRequest& request,
                                                              std::chrono::milliseconds deadline) {
  auto call = within(deadline);
  const auto failed = [](const Error& error, bool sent) {
    const auto kind = sent                                   ? FailureClass::unknown_outcome
                      : error.code == ErrorCode::not_allowed ? FailureClass::auth
                                                             : FailureClass::retryable;
    return Failure{kind, error.message};
  };
  const auto spoken = version(call);
  if (!spoken) return failed(spoken.error(), false);
  bool sent = false;
  call.sent = &sent;
  const auto body = submit_body(request, environment_of_jobs(), *spoken);
  const auto answer = ask("POST", "slurm", "job/submit", body, call);
  if (!answer) return failed(answer.error(), sent);
  return read_rest_submit({answer->status, answer->body});
}

Result<Records> RestTransport::jobs(const std::string& path) {
  const auto answer = ask("GET", "slurm", path, "", usual());
  if (!answer) return answer.error();
  if (auto refused = refusal_of({answer->status, answer->body})) return *refused;
  auto records = read_json(answer->body);
  if (!records) return records;
  // This list is the whole cluster's.
  std::erase_if(records->jobs, [&](const Job& job) { return job.user != options_.user; });
  return records;
}

Result<Records> RestTransport::history(std::span<const std::string> names,
                                       std::chrono::seconds window) {
  const auto since = std::chrono::floor<std::chrono::seconds>(clock_.now()) - window;
  // A day more than asked for: the text has no zone.
  const auto day =
      fmt::format("{:%m/%d/%y}", fmt::gmtime(std::chrono::system_clock::to_time_t(since) - 86'400));
  const auto path =
      fmt::format("jobs?job_name={}&start_time={}",
                  http_client::percent_encoded(fmt::format("{}", fmt::join(names, ","))),
                  http_client::percent_encoded(day));
  const auto answer = ask("GET", "slurmdb", path, "", usual());
  if (!answer) return answer.error();
  if (auto refused = refusal_of({answer->status, answer->body}, code_nothing_found))
    return *refused;
  auto records = read_json(answer->body);
  if (records)
    std::erase_if(records->jobs, [&](const Job& job) { return job.user != options_.user; });
  return records;
}

// Seconds since the epoch, which no zone moves.
Result<ClientAnswer> RestTransport::accounting_page(const AccountingSpan& page) {
  const auto path = fmt::format("jobs?start_time=uts{}&end_time=uts{}", page.since_s, page.until_s);
  auto call = within(page_within);
  call.bytes_max = page_bytes_max;
  return ask("GET", "slurmdb", path, "", call);
}

// An attempt belongs to the page in which it ended, so that it is told once; what has not ended, to
// the last.
Result<SlurmAccounting::Counts> RestTransport::accounting(const AccountingSpan& span,
                                                          const AccountingListener& listener) {
  SlurmAccounting::Counts counts;
  auto length_s = page_s_max;
  if (const auto spoken = version(usual()); !spoken) return spoken.error();
  for (auto page = span; page.since_s < span.until_s && listener.go_on();) {
    page.until_s = std::min(span.until_s, page.since_s + length_s);
    const auto answer = accounting_page(page);
    // An answer that is over its bound is the one failure of a request that is no silence.
    if (!answer && answer.error().code == ErrorCode::failed && length_s > page_s_min) {
      length_s = std::max(page_s_min, length_s / 4);
      continue;
    }
    if (!answer) return answer.error();
    if (auto refused = refusal_of({answer->status, answer->body}, code_nothing_found))
      return *refused;
    const bool first = page.since_s == span.since_s, last = page.until_s >= span.until_s;
    const auto take = [&](core::Attempt&& attempt) {
      const auto at = attempt.outcome && attempt.end_s ? *attempt.end_s : span.until_s;
      if ((at < page.since_s && !first) || (at >= page.until_s && !last)) return;
      ++counts.lines;
      listener.attempt(std::move(attempt));
    };
    const auto unreadable = read_slurm_accounting_json(answer->body, take);
    if (!unreadable) return unreadable.error();
    counts.unreadable += *unreadable;
    page.since_s = page.until_s;
  }
  return counts;
}

Result<void> RestTransport::effect(const std::string& method, const std::string& path,
                                   const std::string& body) {
  const auto answer = ask(method, "slurm", path, body, usual());
  if (!answer) return answer.error();
  if (auto refused = refusal_of({answer->status, answer->body})) return *refused;
  return {};
}

Finding RestTransport::clock_finding() {
  using Grade = Finding::Grade;
  const auto answer = ask("GET", "slurm", "diag", "", usual());
  const auto there = answer ? rest_clock(answer->body) : std::nullopt;
  if (!there)
    return {Grade::fine, "Slurm's clock is unknown: diag does not say it; compare date there", ""};
  const auto here =
      std::chrono::floor<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
  if (std::abs(*there - here) <= skew_max_s)
    return {Grade::fine, fmt::format("Slurm's clock is within {} s of this one", skew_max_s), ""};
  return {Grade::warning, fmt::format("Slurm's clock is {} s from this one", *there - here),
          "is NTP running here and there? times of Slurm decide how long is waited"};
}

std::vector<Finding> RestTransport::examine() {
  using Grade = Finding::Grade;
  const auto secret = token_.token(options_.call_within);
  if (!secret) return {{Grade::failure, secret.error().message, secret.error().hint}};
  std::vector<Finding> found;
  const auto now =
      std::chrono::floor<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
  if (const auto expiry = token_expiry(*secret)) {
    const auto left = *expiry - now;
    const auto fix = token_.fix();
    const auto text = [](std::int64_t seconds) {
      return core::format_duration(std::chrono::seconds{seconds});
    };
    if (left <= 0)
      return {{Grade::failure, fmt::format("the token expired {} ago", text(-left)), fix}};
    if (left < expiry_soon_s && !token_.renews_itself())
      found.push_back({Grade::warning, fmt::format("the token expires in {}", text(left)), fix});
  }
  version_ = 0;
  const auto spoken = version(usual());
  if (!spoken) {
    found.push_back({Grade::failure, spoken.error().message, spoken.error().hint});
    return found;
  }
  found.push_back({Grade::fine, fmt::format("slurmrestd answers, v0.0.{}", *spoken), ""});
  found.push_back(clock_finding());
  // No version of the interface shows slurm.conf.
  found.push_back({Grade::fine,
                   "MinJobAge is unknown: slurmrestd does not tell it; scontrol show config does, "
                   "and below 60 s a job may be forgotten between two looks",
                   ""});
  if (const auto all = live(); !all)
    found.push_back({Grade::failure, all.error().message, all.error().hint});
  const std::vector<std::string> nobody{"al-none"};
  if (const auto past = history(nobody, std::chrono::seconds{60}); options_.accounting && !past) {
    found.push_back({Grade::failure, "no accounting: " + past.error().message,
                     "start slurmrestd with its slurmdb plugin, is slurmdbd up? else set "
                     "accounting = false for this cluster"});
  }
  return found;
}

}  // namespace

std::unique_ptr<Transport> make_rest_transport(const SlurmOptions& options, core::Clock& clock) {
  return std::make_unique<RestTransport>(options, clock);
}

}  // namespace amdahl::scheduler_adapters::slurm
