#include "hook_event.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace amdahl;
using namespace amdahl::cli;
using nlohmann::json;

namespace {

const core::WallTime now{std::chrono::microseconds{1'795'795'033'123'456}};

json event(const std::map<std::string, std::string>& variables, const std::string& cluster = "") {
  const auto body = slurm_event(variables, cluster, now);
  REQUIRE(body);
  return json::parse(*body);
}

}  // namespace

TEST_CASE("EpilogSlurmctld's environment is a job that ended", "[cli][hook]") {
  const auto body = event({{"SLURM_JOB_ID", "17"},
                           {"SLURM_JOB_NAME", "train"},
                           {"SLURM_JOB_EXIT_CODE2", "0:9"},
                           {"SLURM_JOB_RESTART_COUNT", "2"},
                           {"SLURM_CLUSTER_NAME", "lab"},
                           {"SLURM_JOB_WORK_DIR", "/srv/mira"},
                           {"JOBID", "of another"}},
                          "alpha");
  CHECK(body == json{{"type", "slurm.job.ended"},
                     {"timestamp", "2026-11-27T15:57:13Z"},
                     {"data",
                      {{"job_id", "17"},
                       {"cluster", "alpha"},
                       {"job_name", "train"},
                       {"exit_code", "0:9"},
                       {"restarts", "2"}}}});
}

TEST_CASE("PrologSlurmctld's is one that starts", "[cli][hook]") {
  const auto body = event({{"SLURM_JOB_ID", "17"}, {"SLURM_SCRIPT_CONTEXT", "prolog_slurmctld"}});
  CHECK(body["type"] == "slurm.job.started");
  CHECK(body["data"] == json{{"job_id", "17"}});
}

TEST_CASE("jobcomp/script's times are said as others say them", "[cli][hook]") {
  const auto body = event({{"JOBID", "18"},
                           {"JOBSTATE", "TIMEOUT"},
                           {"START", "1795795033"},
                           {"END", "Unknown"},
                           {"SUBMIT", "0"}});
  CHECK(body["data"] ==
        json{{"job_id", "18"}, {"state", "TIMEOUT"}, {"start", "2026-11-27T15:57:13Z"}});
}

TEST_CASE("a job of no array is not said to be a task of one", "[cli][hook]") {
  const auto body = event({{"JOBID", "18"}, {"ARRAYJOBID", "0"}, {"ARRAYTASKID", "4294967294"}});
  CHECK(body["data"] == json{{"job_id", "18"}});
  const auto task = event({{"JOBID", "19"}, {"ARRAYJOBID", "18"}, {"ARRAYTASKID", "0"}});
  CHECK(task["data"] == json{{"job_id", "19"}, {"array_job_id", "18"}, {"array_task_id", "0"}});
}

TEST_CASE("values of any bytes and any length make a body", "[cli][hook]") {
  const auto body = event({{"JOBID", "18"},
                           {"JOBNAME", std::string{"\xff\xfe"} + "\"\n$(x)"},
                           {"NODES", std::string(100'000, 'n')}});
  CHECK(body["data"]["job_name"].get<std::string>().ends_with("\"\n$(x)"));
  CHECK(body["data"]["nodes"].get<std::string>().size() == 1024);
}

TEST_CASE("without a job there is no event", "[cli][hook]") {
  CHECK_FALSE(slurm_event({}, "alpha", now));
  CHECK_FALSE(slurm_event({{"SLURM_JOB_ID", ""}, {"JOBID", ""}}, "", now));
}
