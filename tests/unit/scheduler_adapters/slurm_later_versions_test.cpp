#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "slurm_fixture.hpp"
#include "slurm_records.hpp"
#include "slurm_rest_texts.hpp"

// Versions after v0.0.38: 40 to 42 as Slurm 24.11 printed them, 39 as its schema says, 43 as 42.

namespace amdahl::scheduler_adapters::slurm {
namespace {

using core::RunOutcome;
using core::RunState;
using nlohmann::json;

std::string recorded(int version, const std::string& name) {
  return fixture(std::to_string(version) + "_" + name, "24.11");
}

Job only_job(const std::string& text) {
  const auto records = read_json(text).value();
  REQUIRE(records.jobs.size() == 1);
  return records.jobs.front();
}

TEST_CASE("the live list of Slurm 24.11 is read in each version", "[slurm]") {
  const int version = GENERATE(40, 41, 42);
  const auto records = read_json(recorded(version, "jobs.json")).value();
  CHECK(records.jobs.size() == 3);
  CHECK(records.unreadable == 0);
  CHECK(records.problems.empty());
  const auto failed = named(records, "al-x-1");
  CHECK(meaning_of(failed).outcome == RunOutcome::failed);
  CHECK(failed.exit_code == 3);
  CHECK(failed.gpus == 2);
  CHECK(failed.nodes.size() == 1);
  CHECK(failed.user == "root");
  CHECK(failed.comment == "amdahl1 01234567 term 3 14 0123456789abcdef");
  REQUIRE(failed.submit_s);
  REQUIRE(failed.start_s);
  REQUIRE(failed.end_s);
  CHECK(*failed.submit_s <= *failed.start_s);
  const auto held = named(records, "al-y-1");
  CHECK(meaning_of(held).state == RunState::held);
  CHECK(held.reason == "JobHeldUser");
  CHECK(held.priority == 0);
  CHECK_FALSE(held.start_s);
  const auto running = named(records, "al-z-1");
  CHECK(meaning_of(running).state == RunState::running);
  CHECK(running.nodes == std::vector<std::string>{"n1", "n2"});
  CHECK(running.gpus == 4);
  CHECK_FALSE(running.end_s);
}

TEST_CASE("the accounting of Slurm 24.11 is read in each version", "[slurm]") {
  const int version = GENERATE(40, 41, 42);
  const auto records = read_json(recorded(version, "db_jobs.json")).value();
  const auto failed = named(records, "al-x-1");
  CHECK(meaning_of(failed).outcome == RunOutcome::failed);
  CHECK(failed.exit_code == 3);
  CHECK(failed.gpus == 2);
  CHECK(failed.nodes.size() == 1);
  CHECK(failed.user == "root");
  CHECK(failed.account == "root");
  CHECK(failed.cluster == "lab");
  REQUIRE(failed.submit_s);
  REQUIRE(failed.end_s);
  REQUIRE(failed.eligible_s);
  REQUIRE(failed.first_step_s);
  CHECK_FALSE(failed.step_gpus);
  const auto wide = named(records, "al-z-1");
  CHECK(wide.nodes == std::vector<std::string>{"n1", "n2"});
  CHECK(wide.gpus == 4);
  CHECK(wide.step_gpus == 2);
  CHECK(read_json(recorded(version, "db_none.json")).value().jobs.empty());
  CHECK_FALSE(refusal_of({200, recorded(version, "db_none.json")}, 9003));
}

TEST_CASE("what Slurm 24.11 answers to a submit is read in each version", "[slurm]") {
  const int version = GENERATE(40, 41, 42);
  const auto held = read_rest_submit({200, recorded(version, "submit_held.json")});
  REQUIRE(std::holds_alternative<std::string>(held));
  CHECK_FALSE(std::get<std::string>(held).empty());
  const auto refused = read_rest_submit({500, recorded(version, "submit_bad_partition.json")});
  REQUIRE(std::holds_alternative<Failure>(refused));
  CHECK(std::get<Failure>(refused).kind == FailureClass::permanent);
  CHECK(std::get<Failure>(refused).message ==
        "Batch job submission failed: Invalid partition name specified (2000)");
  // A run is not to blame for a token that ran out.
  const auto token = read_rest_submit({511, recorded(version, "bad_token.txt")});
  REQUIRE(std::holds_alternative<Failure>(token));
  CHECK(std::get<Failure>(token).kind == FailureClass::auth);
}

TEST_CASE("what Slurm 24.11 refuses is told with its reason in each version", "[slurm]") {
  const int version = GENERATE(40, 41, 42);
  CHECK_FALSE(refusal_of({200, recorded(version, "ping.json")}));
  CHECK_FALSE(refusal_of({200, recorded(version, "cancel_unknown.json")}));
  const auto token = refusal_of({511, recorded(version, "bad_token.txt")});
  REQUIRE(token);
  CHECK(token->code == core::ErrorCode::not_allowed);
  CHECK(token->message.find("Protocol authentication error") != std::string::npos);
  CHECK(token->hint.find("scontrol token") != std::string::npos);
  for (const auto* gone : {"job_unknown.json", "job_ended.json"})
    CHECK(refusal_of({404, recorded(version, gone)})->code == core::ErrorCode::not_found);
  const auto nodes = read_rest_nodes(recorded(version, "nodes.json"), "gpu").value();
  REQUIRE(nodes.size() == 2);
  CHECK(nodes[0].gpus == 8);
  CHECK(nodes[0].cpus == 16);
  CHECK(nodes[0].memory_mib == 64000);
  CHECK(read_rest_nodes(recorded(version, "nodes.json"), "wide").value().size() == 1);
}

TEST_CASE("an accounting that is down is unreachable, not empty", "[slurm]") {
  const auto down = refusal_of({502, recorded(42, "db_down.json")}, 9003);
  REQUIRE(down);
  CHECK(down->code == core::ErrorCode::unreachable);
}

// By the schema `v0.0.39_job_info`: numbers that may be unset are objects, the state one word.
TEST_CASE("a job of v0.0.39 is read as its schema says", "[slurm]") {
  const auto job = only_job(R"({"jobs":[{"job_id":17,"name":"al-x-1","user_name":"amdahl",
    "comment":"c","partition":"gpu","job_state":"FAILED","state_reason":"NonZeroExitCode",
    "nodes":"n[1-2]","submit_time":1700000000,"start_time":1700000010,"end_time":1700000020,
    "exit_code":{"set":true,"infinite":false,"number":768},"restart_cnt":0,
    "priority":{"set":true,"infinite":false,"number":7},
    "tres_alloc_str":"cpu=2,mem=1G,node=2,billing=2,gres/gpu=4"}],"errors":[],"warnings":[]})");
  CHECK(meaning_of(job).outcome == RunOutcome::failed);
  CHECK(job.exit_code == 3);
  CHECK(job.nodes == std::vector<std::string>{"n1", "n2"});
  CHECK(job.end_s == 1700000020);
  CHECK(job.gpus == 4);
  CHECK(job.priority == 7);
}

// As the schema of 42: each time may be unset, the state is a list, the exit names its parts.
TEST_CASE("a job of v0.0.43 is read as one of v0.0.42", "[slurm]") {
  const auto job = only_job(R"({"jobs":[{"job_id":17,"name":"al-x-1","user_name":"amdahl",
    "comment":"c","partition":"gpu","job_state":["COMPLETED","COMPLETING"],"state_reason":"None",
    "nodes":"n1","submit_time":{"set":true,"infinite":false,"number":1700000000},
    "start_time":{"set":true,"infinite":false,"number":1700000010},
    "end_time":{"set":false,"infinite":true,"number":0},
    "exit_code":{"status":["SIGNALED"],"return_code":{"set":false,"infinite":false,"number":0},
      "signal":{"id":{"set":true,"infinite":false,"number":9},"name":"KILL"}},
    "priority":{"set":true,"infinite":false,"number":7},"restart_cnt":1,
    "tres_alloc_str":"cpu=2,mem=1G,node=1,billing=2"}],
    "last_backfill":{"set":false,"infinite":false,"number":0},"errors":[],"warnings":[]})");
  CHECK(meaning_of(job).state == RunState::finishing);
  CHECK(meaning_of(job).tainted);
  CHECK(job.signal == 9);
  CHECK_FALSE(job.exit_code);
  CHECK(job.start_s == 1700000010);
  CHECK_FALSE(job.end_s);
  CHECK(job.gpus == 0);
}

TEST_CASE("a body is what its version's schema says", "[slurm]") {
  JobRequest request;
  request.script = "#!/bin/sh\n";
  request.nodes = 2;
  request.gpus_per_node = 3;
  request.memory_mib_per_node = 64;
  request.minutes = 5;
  const auto middle = json::parse(submit_body(request, {{"A", "1=2"}}, 39));
  CHECK(middle["script"] == "#!/bin/sh\n");
  CHECK(middle["job"]["environment"] == json::array({"A=1=2"}));
  CHECK(middle["job"]["minimum_nodes"] == 2);
  CHECK(middle["job"]["time_limit"]["number"] == 5);
  CHECK(middle["job"]["memory_per_node"]["number"] == 64);
  CHECK(middle["job"]["tres_per_node"] == "gres:gpu:3");
  CHECK(submit_body(request, {}, 43) == submit_body(request, {}, 42));
}

}  // namespace
}  // namespace amdahl::scheduler_adapters::slurm
