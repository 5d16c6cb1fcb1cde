#include "ledger_driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "amdahl/core/protocol.hpp"

namespace amdahl::test {

using core::RunState;

namespace {
constexpr auto first_term = "00000000-0000-4000-8000-000000000001";
}  // namespace

core::JobSpec example_job(const std::string& name) {
  core::JobSpec job;
  job.name = name;
  job.cluster = "local";
  job.command = {"python3", "eval.py", "--workers", "{workers}", "--seed", "{seed}"};
  job.workdir = "/srv/eval";
  job.dataset = "digits-1998";
  job.resources = {1, 4, 2, std::int64_t{2} << 30};
  job.time_limit = std::chrono::minutes{2};
  job.unit = "sample";
  job.runs_per_month = 1200;
  core::Knob knob;
  knob.name = "workers";
  knob.phase = "input";
  knob.baseline = "0";
  knob.values = {"2", "4"};
  job.knobs = {knob};
  return job;
}

core::Change workers(int value) {
  return {core::ChangeKind::arg, "workers", std::to_string(value)};
}
core::Change gpus(int value) { return {core::ChangeKind::resource, "gpus", std::to_string(value)}; }

core::LegResult example_leg(core::Arm arm, double seconds) {
  core::LegResult leg;
  leg.arm = arm;
  leg.started = true;
  leg.exit_code = 0;
  leg.window_us = std::llround(seconds * 1e6);
  leg.gpus = 4;
  leg.units = 100;
  leg.quality = 0.975;
  leg.sample_digest = "d1";
  leg.phase_seconds = {{"input", seconds / 2}, {"compute", seconds / 4}, {"unknown", seconds / 4}};
  leg.start_us = 1'700'000'000'000'000;
  return leg;
}

LedgerDriver::LedgerDriver(ledger::ConnectOptions options)
    : ledger{ledger::connect(options.allow_owner ? db.owner_url() : db.service_url(), options)} {
  const auto taken = ledger->acquire(ledger->head(), first_term, "test");
  if (!taken) throw std::runtime_error{"a fresh ledger's lease could not be taken"};
  lease = *taken;
}

core::RunKey LedgerDriver::next_key(int attempt) {
  std::array<std::uint8_t, 16> uuid{};
  ++keys_;
  uuid[0] = static_cast<std::uint8_t>(keys_ >> 8);
  uuid[1] = static_cast<std::uint8_t>(keys_ & 0xff);
  return core::make_run_key(uuid, attempt);
}

core::JobId LedgerDriver::add_job(const std::string& name) {
  ledger::NewJob job;
  job.spec = example_job(name);
  job.champion = core::baseline_configuration(job.spec);
  ledger->add_jobs(lease, std::span{&job, 1});
  return snapshot().jobs.back().id;
}

core::HypothesisId LedgerDriver::propose(core::JobId job, std::vector<core::Change> changes) {
  ledger::NewHypothesis hypothesis;
  hypothesis.job = job;
  hypothesis.phase = "input";
  hypothesis.ceiling = 2.0;
  hypothesis.changes = std::move(changes);
  hypothesis.rationale = "half of the time goes to input";
  return ledger->add_hypotheses(lease, std::span{&hypothesis, 1}, {}).at(0);
}

core::Protocol LedgerDriver::trial(core::JobId job, const std::vector<core::Change>& changes,
                                   int checks) {
  const auto snap = snapshot();
  const auto row = std::ranges::find(snap.jobs, job, &ledger::JobRow::id);
  core::Protocol protocol;
  protocol.job = row->spec;
  protocol.code_digest = std::string(64, 'c');
  protocol.hardware_class = "cpu";
  protocol.baseline = row->champion;
  protocol.variant = core::apply(row->champion, changes).value();
  protocol.changes = changes;
  protocol.sigma0_source = "fallback";
  protocol.theta_mei = -std::log(0.97);
  for (int i = 0; i < checks; ++i) {
    protocol.checks.push_back({core::CheckKind::seed_and_shard, i + 2, 0, 1, false, 0});
  }
  return protocol;
}

core::Protocol LedgerDriver::canary(core::JobId job) {
  auto protocol = trial(job, {workers(2)}, 0);
  protocol.kind = core::ExperimentKind::canary;
  protocol.variant = protocol.baseline;
  protocol.changes.clear();
  return protocol;
}

ledger::Registration LedgerDriver::registration(core::HypothesisId hypothesis, core::JobId job,
                                                const core::Protocol& protocol) {
  ledger::Registration out;
  out.hypothesis = hypothesis;
  out.job = job;
  out.protocol = protocol;
  out.fingerprint = core::fingerprint(protocol);
  return out;
}

core::ExperimentId LedgerDriver::start_trial(core::JobId job,
                                             const std::vector<core::Change>& changes) {
  const auto item = registration(propose(job, changes), job, trial(job, changes));
  const auto made = ledger->register_experiments(lease, std::span{&item, 1}).at(0);
  if (!made) throw std::runtime_error{"the trial is a duplicate"};
  return made;
}

ledger::OpenPair LedgerDriver::pair_for(core::ExperimentId experiment, int check_no) {
  ledger::OpenPair pair;
  pair.experiment = experiment;
  pair.check_no = check_no;
  pair.cluster = "local";
  pair.run_key = next_key();
  pair.worker_run_id = core::worker_run_id("local", "local", pair.run_key);
  pair.gpu_us_reserved = 1e6;
  return pair;
}

core::RunId LedgerDriver::live_run(core::ExperimentId experiment, RunState state, int check_no) {
  const auto pair = pair_for(experiment, check_no);
  ledger->open_pairs(lease, std::span{&pair, 1});
  const auto live = snapshot().live_runs;
  const auto run = std::ranges::find(live, pair.run_key, &ledger::RunRow::key)->id;
  if (state == RunState::planned) return run;
  const std::string sha(64, 'a');
  ledger->arm_submits(lease, std::span{&run, 1}, std::span{&sha, 1});
  if (state == RunState::submitting) return run;
  ledger::RecordSubmit accepted;
  accepted.run = run;
  accepted.native_id = fmt::format("pid-{}", run.value);
  accepted.native_at_us = 1;
  ledger->record_submits(lease, std::span{&accepted, 1});
  if (state == RunState::submitted) return run;
  ledger::RecordRun moved;
  moved.run = run;
  moved.state = state;
  moved.released = true;
  ledger->record_runs(lease, std::span{&moved, 1});
  return run;
}

void LedgerDriver::finish_run(core::RunId run, double ratio) {
  ledger::RecordRun ended;
  ended.run = run;
  ended.state = RunState::ended;
  ended.outcome = core::RunOutcome::succeeded;
  ended.gpu_us_charged = 8e6;
  ended.nodes = {"node-1"};
  ended.legs = {example_leg(core::Arm::variant, 2 * ratio), example_leg(core::Arm::baseline, 2)};
  ended.pair = core::PairState::complete;
  ledger->record_runs(lease, std::span{&ended, 1});
}

void LedgerDriver::complete_pair(core::ExperimentId experiment, int check_no, double ratio) {
  finish_run(live_run(experiment, RunState::running, check_no), ratio);
}

ledger::Decision LedgerDriver::win_of(core::ExperimentId experiment, core::Configuration champion) {
  complete_pair(experiment);
  ledger::Advance nominate;
  nominate.experiment = experiment;
  nominate.nomination = ledger::NominationRow{0.6, 1, 1};
  ledger->advance(lease, std::span{&nominate, 1});
  ledger::Decision decision;
  decision.experiment = experiment;
  decision.outcome = core::VerdictOutcome::win;
  decision.reason = "saves half, three checks of three uphold it";
  for (int check = 1; check <= 3; ++check) {
    complete_pair(experiment, check);
    decision.votes.push_back(
        {experiment, check, core::CheckKind::seed_and_shard, core::Vote::uphold, 0.69});
  }
  decision.upholds = 3;
  decision.e_value = 1200;
  decision.e_needed = 400;
  decision.effect = std::log(2.0);
  decision.lower = std::log(1.5);
  decision.upper = std::log(3.0);
  decision.evidence = {{"pairs", 4}};
  decision.wins_before = snapshot().wins;
  decision.champion = std::move(champion);
  return decision;
}

}  // namespace amdahl::test
