#include "slurm_records.hpp"

#include <catch2/catch.hpp>

#include "slurm_fixture.hpp"

namespace amdahl::scheduler_adapters::slurm {
namespace {

using core::CauseClass;
using core::RunOutcome;
using core::RunState;

TEST_CASE("the live list of a real Slurm is read: v0.0.38", "[slurm]") {
  const auto records = read_json(fixture("rest_jobs_later.json")).value();
  CHECK(records.jobs.size() == 15);
  CHECK(records.unreadable == 0);
  const auto ended = named(records, "al-completed");
  CHECK(ended.nodes == std::vector<std::string>{"n1"});
  CHECK(ended.gpus == 2);
  CHECK(ended.exit_code == 0);
  CHECK(meaning_of(ended).outcome == RunOutcome::succeeded);
  const auto failed = named(records, "al-failed");
  CHECK(failed.exit_code == 3);
  CHECK(meaning_of(failed).outcome == RunOutcome::failed);
  CHECK(named(records, "al-signaled").signal == 9);
  CHECK(meaning_of(named(records, "al-cancelled")).outcome == RunOutcome::cancelled);
  CHECK(meaning_of(named(records, "al-cancelled")).cause == CauseClass::operator_);
  CHECK(meaning_of(named(records, "al-node-fail")).outcome == RunOutcome::node_failed);
  CHECK(meaning_of(named(records, "al-node-fail")).cause == CauseClass::infra);
}

TEST_CASE("a held, a waiting, a hopeless and a requeued job are told apart", "[slurm]") {
  const auto records = read_json(fixture("rest_jobs_later.json")).value();
  const auto held = named(records, "al-held");
  CHECK(meaning_of(held).state == RunState::held);
  CHECK(held.comment == "al witness");
  CHECK_FALSE(held.start_s);
  CHECK_FALSE(held.gpus);
  const auto hopeless = meaning_of(named(records, "wrap"));
  CHECK(hopeless.state == RunState::queued);
  CHECK(hopeless.hopeless);
  CHECK(hopeless.raw == "PENDING: PartitionNodeLimit");
  const auto requeued = named(records, "al-running");  // preempted, and back in the queue
  CHECK(requeued.restarts == 1);
  CHECK(meaning_of(requeued).state == RunState::queued);
  CHECK(meaning_of(requeued).tainted);
  CHECK_FALSE(requeued.end_s);    // in the year 2163
  CHECK_FALSE(requeued.start_s);  // when it may begin again
  const auto running = named(records, "al-requeue");
  CHECK(running.start_s);
  CHECK_FALSE(running.end_s);  // where its time limit would end it
}

TEST_CASE("accounting over REST is read like the live list", "[slurm]") {
  const auto records = read_json(fixture("restdb_jobs.json")).value();
  const auto ended = named(records, "al-completed");
  CHECK(ended.gpus == 2);
  CHECK(ended.exit_code == 0);
  CHECK(meaning_of(ended).outcome == RunOutcome::succeeded);
  CHECK(named(records, "al-running").comment == "al witness");
  CHECK(read_json(fixture("restdb_jobs_none.json")).value().problems ==
        std::vector<std::string>{"9003 Nothing found with query"});
}

TEST_CASE("newer versions have other shapes for the same", "[slurm]") {
  const auto records = read_json(R"({"jobs": [{"job_id": 7, "name": "al-x", "user_name": "mira",
    "job_state": ["COMPLETED", "COMPLETING"], "submit_time": {"set": true, "infinite": false, "number": 1700000000},
    "end_time": {"set": false, "infinite": false, "number": 0}, "nodes": "n[08-10]",
    "exit_code": {"status": ["SIGNALED"], "return_code": {"set": true, "infinite": false, "number": 0},
                  "signal": {"id": {"set": true, "infinite": false, "number": 15}, "name": "TERM"}}}]})")
                           .value();
  const auto& job = records.jobs.at(0);
  CHECK(job.submit_s == 1'700'000'000);
  CHECK_FALSE(job.end_s);
  CHECK(job.signal == 15);
  CHECK(job.nodes == std::vector<std::string>{"n08", "n09", "n10"});
  CHECK(meaning_of(job).state == RunState::finishing);
  CHECK_FALSE(meaning_of(job).outcome);
}

TEST_CASE("a word that nobody knows is no state, and so is none at all", "[slurm]") {
  Job job;
  CHECK_FALSE(meaning_of(job).state);
  job.states = {"COMPLETED", "TELEPORTING"};
  job.reason = "Why";
  CHECK_FALSE(meaning_of(job).state);
  CHECK(meaning_of(job).raw == "COMPLETED+TELEPORTING: Why");
  job.states = {"CANCELLED by 1000"};
  CHECK(meaning_of(job).outcome == RunOutcome::cancelled);
  job.states = {"DEADLINE"};
  CHECK(meaning_of(job).cause == CauseClass::policy);
  job.start_s = 5;
  CHECK(meaning_of(job).cause == CauseClass::app);
}

TEST_CASE("text is read cell by cell, and a comment may hold the separator", "[slurm]") {
  const auto live =
      read_squeue("17|al-x|mira|PENDING|JobHeldUser|1700000000|N/A|N/A||gpu|0|a|b\nnonsense\n\n");
  REQUIRE(live.jobs.size() == 1);
  CHECK(live.unreadable == 1);
  CHECK(live.jobs[0].comment == "a|b");
  CHECK(live.jobs[0].submit_s == 1'700'000'000);
  CHECK(meaning_of(live.jobs[0]).state == RunState::held);
  const auto ended = read_sacct(
      "18|al-y|mira|CANCELLED by 0|None|1700000000|1700000001|1700000009|n[2-3]|gpu|0:15|"
      "billing=2,cpu=2,gres/gpu=16,node=2|\n");
  REQUIRE(ended.jobs.size() == 1);
  CHECK(ended.jobs[0].signal == 15);
  CHECK(ended.jobs[0].gpus == 16);
  CHECK(ended.jobs[0].nodes == std::vector<std::string>{"n2", "n3"});
}

TEST_CASE("host lists are expanded, and what is none is none", "[slurm]") {
  CHECK(expand_hosts("n[1-3,07],login") ==
        std::vector<std::string>{"n1", "n2", "n3", "n07", "login"});
  CHECK(expand_hosts("") == std::vector<std::string>{});
  for (const auto* bad : {"n[1-", "n[3-1]", "n[a]", "n[1]m[2]", "n[0-99999999]", "a,"})
    CHECK_FALSE(expand_hosts(bad));
}

TEST_CASE("resources without a node are no allocation", "[slurm]") {
  CHECK(gpus_of_tres("cpu=4,gres/gpu:h100=8,gres/gpu=8,node=2") == 8);
  CHECK(gpus_of_tres("cpu=1,node=1") == 0);
  CHECK_FALSE(gpus_of_tres(""));
  CHECK_FALSE(gpus_of_tres("cpu=1"));
}

TEST_CASE("what is no answer of Slurm's is an error, and odd members are as if not there",
          "[slurm]") {
  CHECK(read_json("").has_error());
  CHECK(read_json("{}").has_error());
  CHECK(read_json(R"({"jobs": 3})").has_error());
  const auto odd =
      read_json(R"({"jobs": [3, {}, {"job_id": 5, "name": 7, "job_state": 9, "nodes": [],
    "exit_code": "x", "submit_time": -4, "comment": null, "state": "RUNNING"}]})")
          .value();
  CHECK(odd.unreadable == 2);
  REQUIRE(odd.jobs.size() == 1);
  CHECK_FALSE(meaning_of(odd.jobs[0]).state);
  CHECK_FALSE(odd.jobs[0].submit_s);
}

}  // namespace
}  // namespace amdahl::scheduler_adapters::slurm
