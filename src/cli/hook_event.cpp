#include "hook_event.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "amdahl/core/quantity.hpp"

namespace amdahl::cli {

namespace {

using nlohmann::json;

constexpr std::size_t value_bytes_max = 1024;

std::string time_text(std::int64_t seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

struct Member {
  const char* name;
  const char* jobcomp;
  const char* epilog;
};

// What /hooks/slurm keeps, by its name in each of the two environments.
constexpr Member members[] = {{"job_name", "JOBNAME", "SLURM_JOB_NAME"},
                              {"array_job_id", "ARRAYJOBID", "SLURM_ARRAY_JOB_ID"},
                              {"array_task_id", "ARRAYTASKID", "SLURM_ARRAY_TASK_ID"},
                              {"state", "JOBSTATE", nullptr},
                              {"user", "USERNAME", "SLURM_JOB_USER"},
                              {"account", "ACCOUNT", "SLURM_JOB_ACCOUNT"},
                              {"partition", "PARTITION", "SLURM_JOB_PARTITION"},
                              {"qos", "QOS", "SLURM_JOB_QOS"},
                              {"nodes", "NODES", "SLURM_JOB_NODELIST"},
                              {"exit_code", "EXITCODE", "SLURM_JOB_EXIT_CODE2"},
                              {"derived_exit_code", "DERIVED_EC", "SLURM_JOB_DERIVED_EC"},
                              {"restarts", nullptr, "SLURM_JOB_RESTART_COUNT"}};
constexpr Member times[] = {{"submit", "SUBMIT", nullptr},
                            {"start", "START", "SLURM_JOB_START_TIME"},
                            {"end", "END", "SLURM_JOB_END_TIME"}};

}  // namespace

std::optional<std::string> slurm_event(const std::map<std::string, std::string>& variables,
                                       const std::string& cluster, core::WallTime now) {
  const auto value = [&](const char* name) -> std::string {
    const auto found = name == nullptr ? variables.end() : variables.find(name);
    return found == variables.end() ? std::string{} : found->second.substr(0, value_bytes_max);
  };
  const bool epilog = !value("SLURM_JOB_ID").empty();
  const auto id = value(epilog ? "SLURM_JOB_ID" : "JOBID");
  if (id.empty()) return std::nullopt;
  json data{{"job_id", id}};
  if (!cluster.empty()) data["cluster"] = cluster;
  // jobcomp/script says so of every job: 0, and a task that no array has.
  const bool of_array = value(epilog ? "SLURM_ARRAY_JOB_ID" : "ARRAYJOBID") != "0";
  for (const auto& [name, jobcomp, of_epilog] : members) {
    if (!of_array && std::string_view{name}.starts_with("array_")) continue;
    auto text = value(epilog ? of_epilog : jobcomp);
    if (!text.empty()) data[name] = std::move(text);
  }
  for (const auto& [name, jobcomp, of_epilog] : times) {
    const auto seconds = core::parse_whole(value(epilog ? of_epilog : jobcomp));
    if (seconds && *seconds > 0 && *seconds < (std::int64_t{1} << 32))
      data[name] = time_text(*seconds);
  }
  const bool starts = value("SLURM_SCRIPT_CONTEXT") == "prolog_slurmctld";
  const auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const json body{{"type", starts ? "slurm.job.started" : "slurm.job.ended"},
                  {"timestamp", time_text(second)},
                  {"data", std::move(data)}};
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace amdahl::cli
