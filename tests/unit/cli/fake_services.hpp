#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "command.hpp"
#include "commands.hpp"
#include "parse.hpp"
#include "run_cli.hpp"
#include "services.hpp"

namespace amdahl::cli {

/// Answers read models from a map, and commands with what the test says.
class FakeLedger : public ledger::Ledger {
 public:
  std::function<nlohmann::json(std::string_view view, const nlohmann::json& args)> answer_read;
  std::map<std::string, nlohmann::json> views;
  std::vector<std::pair<std::string, nlohmann::json>> commands;
  std::optional<nlohmann::json> command_reply;
  ledger::Head head_row;
  std::optional<std::int64_t> now_us;  ///< of a snapshot that holds nothing else
  int heads_read = 0;

  ledger::Head head() override {
    ++heads_read;
    return head_row;
  }
  nlohmann::json read(std::string_view view, const nlohmann::json& args) override {
    if (answer_read) return answer_read(view, args);
    const auto found = views.find(std::string{view});
    return found == views.end() ? nlohmann::json{} : found->second;
  }
  void put_command(std::string_view, std::string_view verb, const nlohmann::json& args) override {
    commands.emplace_back(verb, args);
  }
  std::optional<nlohmann::json> command_answer(std::string_view) override { return command_reply; }
  std::int64_t round_trips() const override { return 0; }

  using Lease = ledger::Lease;
  std::optional<Lease> acquire(const ledger::Head&, std::string_view, std::string_view) override {
    never();
  }
  void renew(const Lease&) override { never(); }
  void release(const Lease&) override { never(); }
  ledger::Snapshot read_snapshot() override {
    if (!now_us) never();
    ledger::Snapshot snapshot;
    snapshot.now_us = *now_us;
    return snapshot;
  }
  void add_jobs(const Lease&, std::span<const ledger::NewJob>) override { never(); }
  std::vector<core::HypothesisId> add_hypotheses(const Lease&,
                                                 std::span<const ledger::NewHypothesis>,
                                                 std::span<const ledger::ProposedFor>) override {
    never();
  }
  void reject_hypotheses(const Lease&, std::span<const ledger::RejectHypothesis>) override {
    never();
  }
  void approve_hypotheses(const Lease&, std::span<const core::HypothesisId>) override { never(); }
  std::vector<core::ExperimentId> register_experiments(
      const Lease&, std::span<const ledger::Registration>) override {
    never();
  }
  void open_and_retry(const Lease&, std::span<const ledger::OpenPair>,
                      std::span<const ledger::RetryRun>) override {
    never();
  }
  ledger::Head arm_submits(const Lease&, std::span<const core::RunId>,
                           std::span<const std::string>) override {
    never();
  }
  void record_submits(const Lease&, std::span<const ledger::RecordSubmit>) override { never(); }
  void record_runs(const Lease&, std::span<const ledger::RecordRun>) override { never(); }
  void advance_and_decide(const Lease&, std::span<const ledger::Advance>,
                          std::span<const ledger::Decision>) override {
    never();
  }
  void abort_experiments(const Lease&, std::span<const core::ExperimentId>,
                         std::string_view) override {
    never();
  }
  void request_cancel(const Lease&, std::span<const core::RunId>) override { never(); }
  void set_paused(const Lease&, bool, std::string_view) override { never(); }
  void plan_production(const Lease&, std::span<const ledger::PlanProduction>) override { never(); }
  void record_production(const Lease&, std::span<const ledger::ProductionRun>) override { never(); }
  void finish_commands(const Lease&, std::span<const ledger::CommandDone>) override { never(); }
  void finish_deliveries(const Lease&, std::int64_t) override { never(); }
  void note(const Lease&, std::string_view, std::string_view, const nlohmann::json&) override {
    never();
  }

 private:
  [[noreturn]] static void never() { throw std::logic_error{"no command leads by itself"}; }
};

/// Keeps what is put; everything is new.
class FakeAccounting : public ledger::Accounting {
 public:
  explicit FakeAccounting(std::vector<ledger::AccountingRow>& rows) : rows_{rows} {}
  Stored put(std::span<const ledger::AccountingRow> rows) override {
    rows_.insert(rows_.end(), rows.begin(), rows.end());
    return {static_cast<std::int64_t>(rows.size()), 0};
  }

 private:
  std::vector<ledger::AccountingRow>& rows_;
};

class FakeServices : public Services {
 public:
  explicit FakeServices(FakeLedger& ledger) : ledger_{ledger} {}

  std::function<void(const Drive&)> on_drive;
  std::vector<ledger::AccountingRow>* imported = nullptr;
  std::vector<std::string> waiting;
  Config config;

  core::Result<Config> configuration() override {
    config.lease_ttl = std::chrono::seconds{15};
    return config;
  }
  core::Result<ledger::Ledger*> ledger() override { return &ledger_; }
  core::Result<std::string> ledger_url() override { return std::string{}; }
  core::Result<std::unique_ptr<ledger::Accounting>> accounting() override {
    return std::unique_ptr<ledger::Accounting>{std::make_unique<FakeAccounting>(*imported)};
  }
  core::Result<scheduler_adapters::Adapter*> adapter(const std::string&) override {
    return core::Error{core::ErrorCode::not_found, "no cluster in this test", {}};
  }
  core::Result<Driven> drive(const Drive& drive) override {
    if (on_drive) on_drive(drive);
    return Driven{};
  }
  core::Result<loop::Actions> dry_run() override {
    loop::Actions actions;
    actions.waiting = waiting;
    return actions;
  }

 private:
  FakeLedger& ledger_;
};

/// A clock that moves when somebody sleeps.
class FakeClock : public core::Clock {
 public:
  std::chrono::microseconds time{std::chrono::seconds{1'000}};
  core::WallTime now() override { return core::WallTime{time}; }
  core::BootTime since_boot() override { return time; }
};

/// What one command line says and answers.
struct Spoken {
  ExitCode code;
  std::string out;
  std::string err;
};

/// Runs command lines against fakes.
class Bench {
 public:
  FakeLedger ledger;
  FakeClock clock;
  std::map<std::string, std::string> variables{{"HOME", "/nonexistent"}};
  std::filesystem::path directory = "/nonexistent";
  std::filesystem::path program = "/usr/bin/amdahl";
  Config config;
  std::string input;
  int interrupts = 0;
  std::function<void(const Drive&)> on_drive;
  std::vector<std::string> waiting;
  std::vector<ledger::AccountingRow> imported;

  /// What the command line means, without running it.
  Parsed parse(const std::vector<std::string>& words) {
    std::istringstream in;
    std::ostringstream out, err;
    return parse_arguments(command_groups(), words, environment(in, out, err)).value();
  }

  Spoken run(const std::vector<std::string>& words) {
    std::istringstream in{input};
    std::ostringstream out, err;
    auto env = environment(in, out, err);
    const auto code = run_cli(command_groups(), words, env, [this](const GlobalOptions&) {
      auto services = std::make_unique<FakeServices>(ledger);
      services->on_drive = on_drive;
      services->waiting = waiting;
      services->imported = &imported;
      services->config = config;
      return services;
    });
    return {code, out.str(), err.str()};
  }

 private:
  Environment environment(std::istream& in, std::ostream& out, std::ostream& err) {
    return {in,
            out,
            err,
            clock,
            false,
            false,
            directory,
            program,
            variables,
            [this](std::chrono::milliseconds pause) { clock.time += pause; },
            [this] { return interrupts; }};
  }
};

}  // namespace amdahl::cli
