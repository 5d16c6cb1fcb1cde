// Seeded random work, half of it asked twice and some of it on a connection that was just killed.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "amdahl/ledger/errors.hpp"
#include "ledger_driver.hpp"

namespace amdahl::test {
namespace {

using core::RunState;

class RandomWork : public LedgerDriver {
 public:
  explicit RandomWork(unsigned seed) : dice_{seed} { job_ = add_job(); }

  void step() {
    const auto snap = snapshot();
    switch (roll(10)) {
      case 0:
        return propose_and_register();
      case 1:
        return open(snap);
      case 2:
        return arm(snap);
      case 3:
        return answer(snap);
      case 4:
        return move(snap);
      case 5:
      case 6:
        return end(snap);
      case 7:
        return retry(snap);
      case 8:
        return conclude(snap);
      default:
        return change_leader();
    }
  }
  int refused() const { return refused_; }

 private:
  int roll(int sides) { return std::uniform_int_distribution{0, sides - 1}(dice_); }
  template <class T>
  const T* any(const std::vector<T>& items) {
    if (items.empty()) return nullptr;
    return &items[static_cast<std::size_t>(roll(static_cast<int>(items.size())))];
  }
  // Asks once or twice; now and then the connection has died before. What the ledger refuses is
  // counted: a refusal must leave no trace.
  template <class Stage>
  void ask(const Stage& stage) {
    if (roll(12) == 0) {
      db.as_owner(
          "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE "
          "datname = current_database() AND usename = 'amdahl_service'");
    }
    for (int times = 1 + roll(2); times > 0; --times) {
      try {
        stage();
      } catch (const ledger::OutcomeUnknown&) {
        ++times;  // done or not: the same again must do no harm
      } catch (const ledger::Unavailable&) {
        ++times;
      } catch (const ledger::Refused&) {
        ++refused_;
      }
    }
  }

  void propose_and_register() {
    ledger::NewHypothesis idea;
    idea.job = job_;
    idea.changes = {workers(2 + roll(30))};
    core::HypothesisId id;
    ask([&] { id = ledger->add_hypotheses(lease, std::span{&idea, 1}, {}).at(0); });
    const auto item = registration(id, job_, trial(job_, idea.changes));
    ask([&] { ledger->register_experiments(lease, std::span{&item, 1}); });
  }
  void open(const ledger::Snapshot& snap) {
    const auto* experiment = any(snap.experiments);
    if (experiment == nullptr) return;
    const auto pair = pair_for(experiment->id, roll(5) == 0 ? 1 : 0);
    ask([&] { ledger->open_pairs(lease, std::span{&pair, 1}); });
  }
  void arm(const ledger::Snapshot& snap) {
    const auto* run = any(snap.live_runs);
    if (run == nullptr) return;
    const std::string sha(64, 'a');
    ask([&] { ledger->arm_submits(lease, std::span{&run->id, 1}, std::span{&sha, 1}); });
  }
  void answer(const ledger::Snapshot& snap) {
    const auto* run = any(snap.live_runs);
    if (run == nullptr) return;
    const ledger::RecordSubmit submit{
        run->id, static_cast<ledger::RecordSubmit::Kind>(roll(8) < 5 ? 0 : roll(4)),
        fmt::format("pid-{}", run->id.value), 1, "answer"};
    ask([&] { ledger->record_submits(lease, std::span{&submit, 1}); });
  }
  void move(const ledger::Snapshot& snap) {
    const auto* run = any(snap.live_runs);
    if (run == nullptr) return;
    ledger::RecordRun record;
    record.run = run->id;
    record.state = static_cast<RunState>(roll(9));
    record.misses = roll(3);
    record.released = roll(2) == 0;
    ask([&] { ledger->record_runs(lease, std::span{&record, 1}); });
  }
  void end(const ledger::Snapshot& snap) {
    const auto* run = any(snap.live_runs);
    if (run == nullptr) return;
    ledger::RecordRun record;
    record.run = run->id;
    record.state = RunState::ended;
    record.outcome = static_cast<core::RunOutcome>(roll(11));
    record.pair = static_cast<core::PairState>(roll(3));
    record.gpu_us_charged = roll(1000);
    record.legs = {example_leg(core::Arm::baseline, 2), example_leg(core::Arm::variant, 1)};
    ask([&] { ledger->record_runs(lease, std::span{&record, 1}); });
  }
  void retry(const ledger::Snapshot& snap) {
    const auto* experiment = any(snap.experiments);
    if (experiment == nullptr || experiment->pairs.empty()) return;
    ledger::RetryRun again;
    again.pair = any(experiment->pairs)->id;
    again.cluster = "local";
    again.run_key = next_key(2);
    again.worker_run_id = "local/local/" + again.run_key.text;
    ask([&] { ledger->retry_runs(lease, std::span{&again, 1}); });
  }
  void conclude(const ledger::Snapshot& snap) {
    const auto* experiment = any(snap.experiments);
    if (experiment == nullptr) return;
    if (roll(3) == 0) {
      ask([&] { ledger->abort_experiments(lease, std::span{&experiment->id, 1}, "dice"); });
      return;
    }
    ledger::Advance step;
    step.experiment = experiment->id;
    step.nomination = ledger::NominationRow{0.5, 1, 1};
    if (roll(2) == 0) ask([&] { ledger->advance(lease, std::span{&step, 1}); });
    ledger::Decision decision;
    decision.experiment = experiment->id;
    decision.outcome = static_cast<core::VerdictOutcome>(roll(6));
    decision.reason = "dice";
    decision.wins_before = snap.wins;
    decision.e_value = 1000;
    decision.upholds = roll(4);
    for (int check = 1; check <= decision.upholds; ++check) {
      decision.votes.push_back(
          {experiment->id, check, core::CheckKind::scale, core::Vote::uphold, 0.5});
    }
    decision.release_fingerprint = roll(2) == 0;
    ask([&] { ledger->decide(lease, std::span{&decision, 1}); });
  }
  void change_leader() {
    const auto stale = lease;
    const auto term = fmt::format("00000000-0000-4000-8000-{:012}", ++terms_);
    ask([&] {
      if (auto taken = ledger->acquire(ledger->head(), term, "next")) lease = *taken;
    });
    CHECK_THROWS_AS(ledger->note(stale, "rewind_noticed", "loop-1", {}), ledger::Fenced);
  }

  std::mt19937 dice_;
  core::JobId job_;
  int terms_ = 100;
  int refused_ = 0;
};

TEST_CASE("whatever is asked in whatever order, the ledger stays true", "[ledger][random]") {
  const auto seed = GENERATE(1U, 2U, 3U, 4U);
  CAPTURE(seed);
  RandomWork work{seed};
  for (int i = 0; i < 150; ++i) work.step();
  const auto verify = work.ledger->read("verify", {});
  CAPTURE(verify.dump());
  CHECK(verify["ok"] == true);
  CHECK(work.refused() > 0);
  // No two pairs of an experiment share an index, and every event stands for one transition.
  CHECK(work.db.as_owner("SELECT count(*) FROM (SELECT ref, kind FROM amdahl.event WHERE kind IN "
                         "('run_ended', 'verdict_recorded', 'pair_completed', 'pair_voided', "
                         "'experiment_registered', 'experiment_aborted', 'run_submitted') "
                         "GROUP BY ref, kind HAVING count(*) > 1) AS twice") == "0");
}

}  // namespace
}  // namespace amdahl::test
