#include "seam_ledger.hpp"

#include <fmt/format.h>

#include <type_traits>

#include "invariants.hpp"

namespace amdahl::simulation {

using ledger::Lease;
using enum FaultKind;

namespace {

[[noreturn]] void lost(Seam seam, std::string_view what) {
  const auto message = fmt::format("simulated: {}", what);
  if (seam == Seam::ledger_write) throw ledger::OutcomeUnknown{message};
  throw ledger::Unavailable{message};
}

constexpr auto reads = Seam::ledger_read;
constexpr auto writes = Seam::ledger_write;

}  // namespace

template <class Call>
auto SeamLedger::through(Seam seam, std::string_view name, const Call& call) {
  const auto fault = program_.enter(seam, name);
  const auto is = [&](FaultKind kind) { return fault && fault->kind == kind; };
  if (is(refused)) throw ledger::Unavailable{"simulated: PostgreSQL cannot be reached"};
  if (is(cut)) lost(seam, "the connection broke before the call arrived");
  if (program_.ledger_epoch != program_.world.ledger_epoch) {
    program_.ledger_epoch = program_.world.ledger_epoch;
    lost(seam, "the server this connection had is gone");
  }
  const auto finish = [&] {
    check_after_write(program_.world, name);
    program_.leave(fault);
    if (is(answer_lost)) lost(seam, "the answer was lost");
  };
  if constexpr (std::is_void_v<decltype(call())>) {
    call();
    finish();
  } else {
    auto answer = call();
    finish();
    return answer;
  }
}

ledger::Head SeamLedger::head() {
  return through(reads, "head", [&] { return memory_.head(); });
}
std::optional<Lease> SeamLedger::acquire(const ledger::Head& seen, std::string_view new_term,
                                         std::string_view holder) {
  return through(writes, "acquire", [&] {
    const auto before = program_.world.ledger.head;
    auto taken = memory_.acquire(seen, new_term, holder);
    if (!taken) return taken;
    check_takeover(program_, before);
    program_.term = taken->term;  // also where the answer is lost: it knows what it asked
    return taken;
  });
}
void SeamLedger::renew(const Lease& lease) {
  through(writes, "renew", [&] { memory_.renew(lease); });
}
void SeamLedger::release(const Lease& lease) {
  through(writes, "release", [&] { memory_.release(lease); });
}
ledger::Snapshot SeamLedger::read_snapshot() {
  return through(reads, "read_snapshot", [&] { return memory_.read_snapshot(); });
}
void SeamLedger::add_jobs(const Lease& lease, std::span<const ledger::NewJob> jobs) {
  through(writes, "add_jobs", [&] { memory_.add_jobs(lease, jobs); });
}
std::vector<core::HypothesisId> SeamLedger::add_hypotheses(
    const Lease& lease, std::span<const ledger::NewHypothesis> hypotheses,
    std::span<const ledger::ProposedFor> proposed) {
  return through(writes, "add_hypotheses",
                 [&] { return memory_.add_hypotheses(lease, hypotheses, proposed); });
}
void SeamLedger::reject_hypotheses(const Lease& lease,
                                   std::span<const ledger::RejectHypothesis> rejections) {
  through(writes, "reject_hypotheses", [&] { memory_.reject_hypotheses(lease, rejections); });
}
void SeamLedger::approve_hypotheses(const Lease& lease, std::span<const core::HypothesisId> ids) {
  through(writes, "approve_hypotheses", [&] { memory_.approve_hypotheses(lease, ids); });
}
std::vector<core::ExperimentId> SeamLedger::register_experiments(
    const Lease& lease, std::span<const ledger::Registration> registrations) {
  return through(writes, "register_experiments",
                 [&] { return memory_.register_experiments(lease, registrations); });
}
void SeamLedger::open_and_retry(const Lease& lease, std::span<const ledger::OpenPair> pairs,
                                std::span<const ledger::RetryRun> retries) {
  if (pairs.empty() && retries.empty()) return;
  through(writes, "open_and_retry", [&] { memory_.open_and_retry(lease, pairs, retries); });
}
ledger::Head SeamLedger::arm_submits(const Lease& lease, std::span<const core::RunId> runs,
                                     std::span<const std::string> spec_shas) {
  return through(writes, "arm_submits",
                 [&] { return memory_.arm_submits(lease, runs, spec_shas); });
}
void SeamLedger::record_submits(const Lease& lease, std::span<const ledger::RecordSubmit> submits) {
  through(writes, "record_submits", [&] { memory_.record_submits(lease, submits); });
}
void SeamLedger::record_runs(const Lease& lease, std::span<const ledger::RecordRun> runs) {
  through(writes, "record_runs", [&] { memory_.record_runs(lease, runs); });
}
void SeamLedger::advance_and_decide(const Lease& lease, std::span<const ledger::Advance> steps,
                                    std::span<const ledger::Decision> decisions) {
  if (steps.empty() && decisions.empty()) return;
  through(writes, "advance_and_decide",
          [&] { memory_.advance_and_decide(lease, steps, decisions); });
}
void SeamLedger::abort_experiments(const Lease& lease, std::span<const core::ExperimentId> ids,
                                   std::string_view reason) {
  through(writes, "abort_experiments", [&] { memory_.abort_experiments(lease, ids, reason); });
}
void SeamLedger::request_cancel(const Lease& lease, std::span<const core::RunId> runs) {
  through(writes, "request_cancel", [&] { memory_.request_cancel(lease, runs); });
}
void SeamLedger::set_paused(const Lease& lease, bool paused, std::string_view reason) {
  through(writes, "set_paused", [&] { memory_.set_paused(lease, paused, reason); });
}
void SeamLedger::plan_production(const Lease& lease, std::span<const ledger::PlanProduction> runs) {
  through(writes, "plan_production", [&] { memory_.plan_production(lease, runs); });
}
void SeamLedger::record_production(const Lease& lease,
                                   std::span<const ledger::ProductionRun> runs) {
  through(writes, "record_production", [&] { memory_.record_production(lease, runs); });
}
void SeamLedger::finish_commands(const Lease& lease,
                                 std::span<const ledger::CommandDone> commands) {
  through(writes, "finish_commands", [&] { memory_.finish_commands(lease, commands); });
}
void SeamLedger::finish_deliveries(const Lease& lease, std::int64_t upto) {
  through(writes, "finish_deliveries", [&] { memory_.finish_deliveries(lease, upto); });
}
void SeamLedger::note(const Lease& lease, std::string_view kind, std::string_view ref,
                      const nlohmann::json& payload) {
  through(writes, "note", [&] { memory_.note(lease, kind, ref, payload); });
}
void SeamLedger::put_command(std::string_view key, std::string_view verb,
                             const nlohmann::json& args) {
  through(writes, "put_command", [&] { memory_.put_command(key, verb, args); });
}
std::optional<nlohmann::json> SeamLedger::command_answer(std::string_view key) {
  return through(reads, "command_answer", [&] { return memory_.command_answer(key); });
}
nlohmann::json SeamLedger::read(std::string_view view, const nlohmann::json& args) {
  return through(reads, view, [&] { return memory_.read(view, args); });
}

}  // namespace amdahl::simulation
