#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "amdahl/http_client/client.hpp"
#include "amdahl/ledger/errors.hpp"
#include "amdahl/ledger/ledger.hpp"
#include "config.hpp"
#include "environment.hpp"
#include "options.hpp"

namespace amdahl::cli {

// What a service says, as the ledger's types with all that a person is to read.
struct ServiceRefused : ledger::Refused {
  ServiceRefused(core::Error error_, std::string sqlstate_)
      : Refused{error_.message, std::move(sqlstate_)}, error{std::move(error_)} {}
  core::Error error;
};
struct ServiceUnavailable : ledger::Unavailable {
  explicit ServiceUnavailable(core::Error error_)
      : Unavailable{error_.message}, error{std::move(error_)} {}
  core::Error error;
};

/// The ledger as a running service shows it: read models and commands over HTTP. Whatever leads
/// throws std::logic_error: the service does that.
class HttpLedger final : public ledger::Ledger {
 public:
  HttpLedger(http_client::ClientOptions options, std::string version)
      : client_{std::move(options)}, version_{std::move(version)} {}

  /// Whether a service of our series answers, within `patience`.
  core::Result<void> probe(std::chrono::milliseconds patience) const;
  std::string place() const { return client_.options().address.text(); }

  /// Events after `seq` as they are written, until `on_event` answers false or `go_on` does. Ends
  /// without an error where the service ends the stream: ask again from the last event seen. An
  /// event of kind `reset` says that the ledger ends before: {"kind": "reset", "head_seq": N}.
  core::Result<void> follow(std::int64_t seq,
                            const std::function<bool(const nlohmann::json&)>& on_event,
                            const std::function<bool()>& go_on) const;

  ledger::Head head() override;
  void put_command(std::string_view key, std::string_view verb,
                   const nlohmann::json& args) override;
  std::optional<nlohmann::json> command_answer(std::string_view key) override;
  nlohmann::json read(std::string_view view, const nlohmann::json& args) override;
  std::int64_t round_trips() const override { return asked_; }
  std::string why_read_only() const override;

  using Lease = ledger::Lease;
  std::optional<Lease> acquire(const ledger::Head&, std::string_view, std::string_view) override;
  void renew(const Lease&) override;
  void release(const Lease&) override;
  ledger::Snapshot read_snapshot() override;
  void add_jobs(const Lease&, std::span<const ledger::NewJob>) override;
  std::vector<core::HypothesisId> add_hypotheses(const Lease&,
                                                 std::span<const ledger::NewHypothesis>,
                                                 std::span<const ledger::ProposedFor>) override;
  void reject_hypotheses(const Lease&, std::span<const ledger::RejectHypothesis>) override;
  void approve_hypotheses(const Lease&, std::span<const core::HypothesisId>) override;
  std::vector<core::ExperimentId> register_experiments(
      const Lease&, std::span<const ledger::Registration>) override;
  void open_and_retry(const Lease&, std::span<const ledger::OpenPair>,
                      std::span<const ledger::RetryRun>) override;
  ledger::Head arm_submits(const Lease&, std::span<const core::RunId>,
                           std::span<const std::string>) override;
  void record_submits(const Lease&, std::span<const ledger::RecordSubmit>) override;
  void record_runs(const Lease&, std::span<const ledger::RecordRun>) override;
  void advance_and_decide(const Lease&, std::span<const ledger::Advance>,
                          std::span<const ledger::Decision>) override;
  void abort_experiments(const Lease&, std::span<const core::ExperimentId>,
                         std::string_view) override;
  void request_cancel(const Lease&, std::span<const core::RunId>) override;
  void set_paused(const Lease&, bool, std::string_view) override;
  void plan_production(const Lease&, std::span<const ledger::PlanProduction>) override;
  void record_production(const Lease&, std::span<const ledger::ProductionRun>) override;
  void finish_commands(const Lease&, std::span<const ledger::CommandDone>) override;
  void finish_deliveries(const Lease&, std::int64_t) override;
  void note(const Lease&, std::string_view, std::string_view, const nlohmann::json&) override;

 private:
  /// The document of an answer; null = 404.
  nlohmann::json ask(const http_client::ClientRequest& request) const;

  http_client::Client client_;
  std::string version_;
  mutable std::int64_t asked_ = 0;
};

/// What of the API shows this read model; empty = nothing.
std::string resource_of(std::string_view view, const nlohmann::json& args);

/// The service that commands ask: that of `--server`, which must answer; else the one on the
/// configuration's Unix socket, null where nobody answers there. `say` is told which, and why.
core::Result<std::unique_ptr<HttpLedger>> find_service(
    const Environment& env, const GlobalOptions& options, const Config& config,
    const std::function<void(const std::string&)>& say);

}  // namespace amdahl::cli
