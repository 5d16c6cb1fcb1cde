#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "amdahl/ledger/ledger.hpp"

namespace amdahl::test {

/// A ledger that is nothing but its head: enough to lead, to lose and to follow. Every stage throws
/// std::logic_error.
class HeadLedger final : public ledger::Ledger {
 public:
  ledger::Head now;
  std::function<void()> before;  ///< a call: may throw, so that nothing happens
  std::function<void()> after;  ///< a call that changed the head: may throw, so that it is in doubt

  std::function<nlohmann::json(const nlohmann::json&)> on_read;  ///< what a view answers

  /// Another process takes over.
  void taken_by(std::string holder) {
    now.term = "term of " + holder;
    now.holder = std::move(holder);
    ++now.fence;
    now.released = false;
  }

  ledger::Head head() override {
    call(before);
    return now;
  }
  std::optional<ledger::Lease> acquire(const ledger::Head& seen, std::string_view new_term,
                                       std::string_view holder) override {
    call(before);
    if (seen.term != now.term || seen.renew_seq != now.renew_seq) return std::nullopt;
    taken_by(std::string{holder});
    now.term = new_term;
    call(after);
    return ledger::Lease{now.term, now.fence};
  }
  void renew(const ledger::Lease& lease) override {
    call(before);
    check(lease);
    ++now.renew_seq;
    call(after);
  }
  void release(const ledger::Lease& lease) override {
    call(before);
    check(lease);
    now.released = true;
    call(after);
  }

  ledger::Snapshot read_snapshot() override { none(); }
  void add_jobs(const ledger::Lease&, std::span<const ledger::NewJob>) override { none(); }
  std::vector<core::HypothesisId> add_hypotheses(const ledger::Lease&,
                                                 std::span<const ledger::NewHypothesis>,
                                                 std::span<const ledger::ProposedFor>) override {
    none();
  }
  void reject_hypotheses(const ledger::Lease&, std::span<const ledger::RejectHypothesis>) override {
    none();
  }
  void approve_hypotheses(const ledger::Lease&, std::span<const core::HypothesisId>) override {
    none();
  }
  std::vector<core::ExperimentId> register_experiments(
      const ledger::Lease&, std::span<const ledger::Registration>) override {
    none();
  }
  void open_and_retry(const ledger::Lease&, std::span<const ledger::OpenPair>,
                      std::span<const ledger::RetryRun>) override {
    none();
  }
  ledger::Head arm_submits(const ledger::Lease&, std::span<const core::RunId>,
                           std::span<const std::string>) override {
    none();
  }
  void record_submits(const ledger::Lease&, std::span<const ledger::RecordSubmit>) override {
    none();
  }
  void record_runs(const ledger::Lease&, std::span<const ledger::RecordRun>) override { none(); }
  void advance_and_decide(const ledger::Lease&, std::span<const ledger::Advance>,
                          std::span<const ledger::Decision>) override {
    none();
  }
  void abort_experiments(const ledger::Lease&, std::span<const core::ExperimentId>,
                         std::string_view) override {
    none();
  }
  void request_cancel(const ledger::Lease&, std::span<const core::RunId>) override { none(); }
  void set_paused(const ledger::Lease&, bool, std::string_view) override { none(); }
  void plan_production(const ledger::Lease&, std::span<const ledger::PlanProduction>) override {
    none();
  }
  void record_production(const ledger::Lease&, std::span<const ledger::ProductionRun>) override {
    none();
  }
  void finish_commands(const ledger::Lease&, std::span<const ledger::CommandDone>) override {
    none();
  }
  void finish_deliveries(const ledger::Lease&, std::int64_t) override { none(); }
  void note(const ledger::Lease&, std::string_view, std::string_view,
            const nlohmann::json&) override {
    none();
  }
  void put_command(std::string_view, std::string_view, const nlohmann::json&) override { none(); }
  std::optional<nlohmann::json> command_answer(std::string_view) override { none(); }
  nlohmann::json read(std::string_view, const nlohmann::json& args) override {
    if (!on_read) none();
    return on_read(args);
  }
  std::int64_t round_trips() const override { return 0; }

 private:
  static void call(const std::function<void()>& what) {
    if (what) what();
  }
  void check(const ledger::Lease& lease) const {
    if (lease.term != now.term)
      throw ledger::Fenced{"fence " + std::to_string(now.fence) + " of " + now.holder + " leads"};
  }
  [[noreturn]] static void none() { throw std::logic_error{"a ledger that has only a head"}; }
};

}  // namespace amdahl::test
