#include "slurm_run.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/run_files/life_lock.hpp"
#include "support/scratch_folder.hpp"

namespace amdahl::scheduler_adapters::slurm {
namespace {

using core::CauseClass;
using core::RunOutcome;
using core::RunState;

const core::RunKey key = core::make_run_key({}, 1);

Job some_job(std::vector<std::string> states, std::string reason = "None") {
  Job job;
  job.id = "17";
  job.name = key.text;
  job.states = std::move(states);
  job.reason = std::move(reason);
  job.submit_s = 1'000;
  job.start_s = 1'010;
  job.end_s = 1'100;
  job.comment = comment_of({"01234567", {"term", 3, 14, "0123456789abcdef"}});
  return job;
}

struct Run {
  test::ScratchFolder folder;

  void claim(const std::string& job) const {
    folder.write("claim", R"({"job_id":")" + job + "\"}");
  }
  void result(bool cancelled = false, const std::string& node = "") const {
    core::RunResult result;
    result.node = node;
    result.key = key;
    result.cancelled = cancelled;
    result.start_us = 5;
    result.end_us = 9;
    folder.write("result.json", core::canonical_json(core::to_json(result)));
  }
  Observation seen(const Job& job, std::int64_t now_s = 10'000) const {
    return observe_job(job, folder.path(), {now_s, std::chrono::seconds{15}});
  }
};

TEST_CASE("a comment carries whose job it is and where the ledger stood", "[slurm]") {
  const core::Witness witness{"term", 3, 14, "0123456789abcdef"};
  const auto carried = read_comment(comment_of({"01234567", witness}));
  REQUIRE(carried);
  CHECK(carried->scope == "01234567");
  CHECK(carried->witness == witness);
  CHECK(read_comment(comment_of({"01234567", {}}))->witness == core::Witness{});
  for (const auto* other :
       {"", "amdahl1", "amdahl1 a b c d e", "amdahl1 a b 1 2 h more", "x a b 1 2 h"})
    CHECK_FALSE(read_comment(other));
}

TEST_CASE("a completed job without a result is waited for, then lost", "[slurm]") {
  const Run run;
  run.claim("17");
  CHECK(run.seen(some_job({"COMPLETED"}), 1'114).state == RunState::finishing);
  const auto lost = run.seen(some_job({"COMPLETED"}), 1'115);
  CHECK(lost.outcome == RunOutcome::lost);
  CHECK(lost.cause == CauseClass::infra);
  CHECK(lost.claimed);
}

TEST_CASE("a job that failed before its claim was not launched", "[slurm]") {
  const Run run;
  run.folder.write("shim.log", "exec: amdahl-run: not found\n");
  const auto seen = run.seen(some_job({"FAILED"}, "NonZeroExitCode"));
  CHECK(seen.outcome == RunOutcome::launch_failed);
  CHECK(seen.reason.find("not found") != std::string::npos);
  CHECK_FALSE(seen.claimed);
}

TEST_CASE("a result goes before the scheduler's word, but not before what explains it", "[slurm]") {
  const Run run;
  run.claim("17");
  run.result();
  CHECK(run.seen(some_job({"COMPLETED"})).outcome == RunOutcome::succeeded);
  CHECK(run.seen(some_job({"NODE_FAIL"})).outcome == RunOutcome::succeeded);
  CHECK(run.seen(some_job({"COMPLETED", "COMPLETING"})).state == RunState::finishing);
  run.result(true);
  CHECK(run.seen(some_job({"CANCELLED by 0"})).cause == CauseClass::operator_);
  const auto preempted = run.seen(some_job({"PREEMPTED"}));
  CHECK(preempted.outcome == RunOutcome::preempted);
  CHECK(preempted.cause == CauseClass::infra);
  CHECK(run.seen(some_job({"TIMEOUT"})).outcome == RunOutcome::timed_out);
}

TEST_CASE("a result on several nodes names each of them", "[slurm]") {
  const Run run;
  run.claim("17");
  run.result(false, "n[2-3]");
  CHECK(run.seen(some_job({"COMPLETED"})).nodes == std::vector<std::string>{"n2", "n3"});
  run.result(false, "vm");
  CHECK(run.seen(some_job({"COMPLETED"})).nodes == std::vector<std::string>{"vm"});
}

TEST_CASE("a result is not that of a submission that did not take the claim", "[slurm]") {
  const Run run;
  run.claim("16");
  run.result();
  const auto seen = run.seen(some_job({"FAILED"}));
  CHECK(seen.outcome == RunOutcome::launch_failed);
  CHECK_FALSE(seen.claimed);
}

TEST_CASE("an end without a result is whose doing Slurm says", "[slurm]") {
  const Run run;
  run.claim("17");
  CHECK(run.seen(some_job({"NODE_FAIL"})).outcome == RunOutcome::node_failed);
  CHECK(run.seen(some_job({"OUT_OF_MEMORY"})).outcome == RunOutcome::out_of_memory);
  CHECK(run.seen(some_job({"TIMEOUT"})).outcome == RunOutcome::timed_out);
  CHECK(run.seen(some_job({"CANCELLED by 0"})).outcome == RunOutcome::cancelled);
  run.folder.write("given_up", "unschedulable PENDING: PartitionTimeLimit");
  const auto given_up = run.seen(some_job({"CANCELLED by 0"}));
  CHECK(given_up.outcome == RunOutcome::unschedulable);
  CHECK(given_up.cause == CauseClass::policy);
  CHECK(given_up.reason == "PENDING: PartitionTimeLimit");
}

TEST_CASE("a job is held by us unless an administrator holds it or it has run", "[slurm]") {
  const Run run;
  const auto held = some_job({"PENDING"}, "JobHeldUser");
  CHECK(run.seen(held).held_by_us);
  auto waits = some_job({"PENDING"}, "Dependency");
  waits.priority = 0;
  CHECK(run.seen(waits).held_by_us);
  CHECK_FALSE(run.seen(some_job({"PENDING"}, "JobHeldAdmin")).held_by_us);
  CHECK_FALSE(run.seen(some_job({"REQUEUE_HOLD"}, "JobHeldUser")).held_by_us);
  // Its controller was restarted with an older state.
  run.claim("17");
  CHECK_FALSE(run.seen(held).held_by_us);
  CHECK(run.seen(held).claimed);
}

TEST_CASE("a job runs once its shim has the claim", "[slurm]") {
  const Run run;
  CHECK(run.seen(some_job({"RUNNING"})).state == RunState::starting);
  run.claim("17");
  const auto seen = run.seen(some_job({"RUNNING"}));
  CHECK(seen.state == RunState::running);
  CHECK(seen.claimed);
  CHECK(seen.witness.head_seq == 14);
  CHECK(seen.ref == NativeRef{"17", 1'000'000'000});
}

TEST_CASE("a word that nobody knows ends nothing", "[slurm]") {
  const Run run;
  const auto seen = run.seen(some_job({"COMPLETED", "TELEPORTED"}));
  CHECK(seen.state == RunState::queued);
  CHECK_FALSE(seen.outcome);
  CHECK(seen.reason.find("TELEPORTED") != std::string::npos);
}

TEST_CASE("what Slurm has forgotten is told by the directory", "[slurm]") {
  const Run run;
  const auto look = [&] { return observe_without_job(key, run.folder.path()); };
  CHECK_FALSE(look());
  REQUIRE(write_submitted(run.folder.path(), {"17", 5}).has_value());
  CHECK_FALSE(look());  // accepted once, never begun
  run.claim("18");
  CHECK(look()->outcome == RunOutcome::lost);
  CHECK(look()->ref.native_id == "18");
  {
    const auto lock = run_files::LifeLock::try_take(run.folder.path() / "lock");
    REQUIRE((lock && *lock));
    CHECK(look()->state == RunState::running);
  }
  run.claim("17");
  run.result();
  CHECK(look()->outcome == RunOutcome::succeeded);
  CHECK(look()->ref == NativeRef{"17", 5});
  run.folder.write("claim", "garbage");
  CHECK(look()->claimed);
}

}  // namespace
}  // namespace amdahl::scheduler_adapters::slurm
