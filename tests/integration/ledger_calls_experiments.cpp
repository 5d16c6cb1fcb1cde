// Calls about experiments: registration, nomination, verdicts, aborts, known ideas.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ledger_calls_ask.hpp"
#include "ledger_driver.hpp"

namespace amdahl::test {

using nlohmann::json;

core::Protocol LedgerCalls::protocol(const ledger::JobRow& job, std::vector<core::Change> changed) {
  core::Protocol out;
  out.job = job.spec;
  out.code_digest = std::string(64, roll(8) == 0 ? 'd' : 'c');
  out.hardware_class = "cpu";
  out.baseline = job.champion;
  const auto variant = core::apply(job.champion, changed);
  out.variant = variant.has_value() ? *variant : job.champion;
  out.changes = std::move(changed);
  out.sigma0_source = "fallback";
  out.theta_mei = -std::log(0.97);
  for (int i = 0; i < 3; ++i)
    out.checks.push_back({static_cast<core::CheckKind>(1 + roll(6)), i + 2, 0, 1, false, 0});
  return out;
}

ledger::Registration LedgerCalls::trial(const ledger::HypothesisRow& idea) {
  ledger::Registration item;
  item.hypothesis = idea.id;
  item.job = idea.job;
  const auto& jobs = twins_.snapshot().jobs;
  const auto job = std::ranges::find(jobs, idea.job, &ledger::JobRow::id);
  item.protocol = protocol(*job, idea.changes);
  item.fingerprint = core::fingerprint(item.protocol);
  item.replicate = idea.replicate;
  return item;
}

ledger::Registration LedgerCalls::canary() {
  ledger::Registration item;
  const auto& job = *any(twins_.snapshot().jobs);
  item.job = job.id;
  item.protocol = protocol(job, {});
  item.protocol.kind = core::ExperimentKind::canary;
  item.protocol.checks.clear();
  item.fingerprint = core::fingerprint(item.protocol);
  return item;
}

void LedgerCalls::spoil(ledger::Registration& item) {
  switch (roll(10)) {
    case 0:
      item.hypothesis = hypothesis_id();
      break;
    case 1:
      item.job = job_id();
      break;
    case 2:
      item.protocol.checks.resize(2);
      break;
    case 3:
      item.salt = roll(2) == 0 ? std::string{} : std::string(65, 's');
      break;
    case 4:
      item.fingerprint.resize(62);
      break;
    case 5:
      item.replicate = roll(3) - 1;
      break;
    case 6:
      item.protocol.kind = static_cast<core::ExperimentKind>(roll(3));
      break;
    case 7:
      item.protocol.extension_pairs = 0;
      break;
    case 8:
      item.hypothesis = {};
      break;
    default:
      if (const auto* known = any(fingerprints_)) item.fingerprint = *known;
  }
}

void LedgerCalls::register_experiment() {
  if (twins_.snapshot().jobs.empty()) return add_job();
  std::vector<ledger::Registration> items;
  std::string what = "register";
  for (int i = roll(4) == 0 ? 2 : 1; i > 0; --i) {
    const auto* idea = any(twins_.snapshot().hypotheses);
    auto item = idea == nullptr || roll(8) == 0 ? canary() : trial(*idea);
    item.salt = fmt::format("salt {}", roll(1000));
    item.near_duplicate_ok = roll(6) == 0;
    if (roll(6) == 0) spoil(item);
    what += fmt::format(" hypothesis {} job {} kind {} r{} {:.8} near_ok {} {}",
                        item.hypothesis.value, item.job.value, core::name(item.protocol.kind),
                        item.replicate, item.fingerprint, item.near_duplicate_ok,
                        core::to_json(item.protocol.changes).dump());
    fingerprints_.push_back(item.fingerprint);
    items.push_back(std::move(item));
  }
  const auto given = lease();
  const auto call = [&](auto& l) { return ids_json(l.register_experiments(given, items)); };
  twins_.ask(what, call);
  if (roll(6) == 0) twins_.ask(what + " (again)", call);
}

void LedgerCalls::advance() {
  const auto given = lease();
  std::vector<ledger::Advance> steps(static_cast<std::size_t>(1 + roll(2)));
  std::string what = "advance";
  for (auto& step : steps) {
    step.experiment = experiment_id();
    if (roll(2) == 0) step.nomination = ledger::NominationRow{0.5, rarely() ? 0 : 1 + roll(2), 4};
    step.register_extension = roll(4) == 0;
    if (roll(3) == 0) step.hold = text(500);
    what += fmt::format(" exp-{} nominate {} extend {} hold {:.10}", step.experiment.value,
                        step.nomination ? step.nomination->pairs_per_check : -1,
                        step.register_extension, step.hold.value_or("no"));
  }
  std::vector<ledger::Decision> decisions;
  if (roll(6) == 0) {
    decisions.emplace_back().experiment = experiment_id();
    decisions.back().reason = "with a step";
    what += fmt::format(" and decide exp-{}", decisions.back().experiment.value);
  }
  ask(what, [&](auto& l) { l.advance_and_decide(given, steps, decisions); });
}

void LedgerCalls::vote(ledger::Decision& decision, const ledger::ExperimentRow& row) {
  for (std::size_t i = 0; i < row.protocol.checks.size() + 1; ++i) {
    const auto vote = static_cast<core::Vote>(roll(3));
    if (roll(6) == 0) continue;
    decision.votes.push_back({row.id, static_cast<int>(i) + 1, core::CheckKind::scale, vote, 0.25});
    // The last is the extension, which has no vote.
    if (!row.nomination || i == row.protocol.checks.size()) continue;
    decision.upholds += vote == core::Vote::uphold;
    decision.refutes += vote == core::Vote::refute;
  }
}

void LedgerCalls::decide() {
  ledger::Decision decision;
  decision.experiment = experiment_id();
  decision.outcome = static_cast<core::VerdictOutcome>(roll(6));
  decision.reason = rarely() ? "" : "dice";
  for (const auto& row : twins_.snapshot().experiments)
    if (row.id == decision.experiment) vote(decision, row);
  if (roll(8) == 0) decision.upholds += roll(3) - 1;
  decision.e_value = roll(4) == 0 ? INFINITY : 150;
  decision.e_needed = roll(4) == 0 ? 200 : 100;
  decision.wins_before = twins_.snapshot().wins + (rarely() ? 1 : 0);
  if (roll(3) == 0) decision.lower = -0.1 + 0.2 * roll(3);
  if (roll(3) == 0) decision.sigma0 = 0.01 * roll(5);
  if (roll(3) == 0) decision.phase_share.emplace() = {{"input", 0.5}, {"compute", 0.25}};
  if (const auto* job = any(twins_.snapshot().jobs); job != nullptr && roll(3) == 0)
    decision.champion = job->champion;
  decision.release_fingerprint = roll(2) == 0;
  const auto given = lease();
  const std::vector<ledger::Decision> decisions(rarely() ? 2 : 1, decision);
  ask(fmt::format("decide exp-{} {} {}:{} of {} votes", decision.experiment.value,
                  core::name(decision.outcome), decision.upholds, decision.refutes,
                  decision.votes.size()),
      [&](auto& l) { l.decide(given, decisions); });
}

// Straight to a verdict that makes a champion.
void LedgerCalls::win() {
  const auto* open = any(twins_.snapshot().experiments);
  if (open == nullptr) return;
  const auto id = open->id;
  const auto given = lease();
  ledger::Advance nominate;
  nominate.experiment = id;
  nominate.nomination = ledger::NominationRow{0.5, 1, 1};
  ask(fmt::format("nominate exp-{}", id.value), [&](auto& l) {
    l.advance(given, std::span{&nominate, 1});
  });
  const auto live = twins_.snapshot().live_runs;
  for (const auto& run : live) {
    if (run.experiment != id) continue;
    const auto record = run_record(run.id);
    ask(fmt::format("end run-{}", run.id.value), [&](auto& l) {
      l.record_runs(given, std::span{&record, 1});
    });
  }
  ledger::Decision decision;
  decision.experiment = id;
  decision.outcome = core::VerdictOutcome::win;
  decision.reason = "it wins";
  for (int check = 1; check <= 3; ++check)
    decision.votes.push_back({id, check, core::CheckKind::scale, core::Vote::uphold, 0.5});
  decision.upholds = 3;
  decision.e_value = decision.e_needed = 400;
  decision.lower = std::log(1.1 + 0.1 * roll(5));
  decision.wins_before = twins_.snapshot().wins;
  for (const auto& row : twins_.snapshot().experiments)
    if (row.id == id && roll(8) != 0) decision.champion = row.protocol.variant;
  ask(fmt::format("win exp-{}", id.value), [&](auto& l) {
    l.decide(given, std::span{&decision, 1});
  });
}

void LedgerCalls::abort() {
  std::vector<core::ExperimentId> ids(static_cast<std::size_t>(1 + roll(3)));
  for (auto& id : ids) id = experiment_id();
  const auto given = lease();
  const auto reason = text(500);
  ask("abort " + ids_json(ids).dump(), [&](auto& l) { l.abort_experiments(given, ids, reason); });
}

}  // namespace amdahl::test
