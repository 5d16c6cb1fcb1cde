#include "slurm_completion.hpp"

#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

#include "slurm_time.hpp"

namespace amdahl::scheduler_adapters::slurm {

using nlohmann::json;

namespace {

// Of the first of two names that is there.
std::string told_text(const json& told, const char* name, const char* other) {
  for (const auto* candidate : {name, other}) {
    const auto found = told.find(candidate);
    if (found == told.end()) continue;
    if (found->is_string()) return found->get<std::string>();
    if (found->is_number_integer()) return std::to_string(found->get<std::int64_t>());
  }
  return {};
}

std::optional<std::int64_t> moment(std::string text) {
  const bool universal = text.ends_with('Z');
  if (universal) text.pop_back();
  auto seconds = seconds_of(text);
  if (!seconds || universal || text.find('T') == std::string::npos) return seconds;
  std::tm fields{};
  const auto as_if = static_cast<std::time_t>(*seconds);
  ::gmtime_r(&as_if, &fields);
  fields.tm_isdst = -1;
  const auto local = std::mktime(&fields);
  return local == static_cast<std::time_t>(-1) ? std::nullopt : std::optional<std::int64_t>{local};
}

}  // namespace

std::optional<Job> read_completion(const json& told) {
  if (!told.is_object()) return std::nullopt;
  Job job;
  job.id = told_text(told, "job_id", "jobid");
  job.name = told_text(told, "job_name", "job_name");
  auto state = told_text(told, "state", "state");
  job.submit_s = moment(told_text(told, "submit", "@submit"));
  if (job.id.empty() || job.id == "0" || job.name.empty() || state.empty() || !job.submit_s)
    return std::nullopt;
  job.states = {std::move(state)};
  job.start_s = moment(told_text(told, "start", "@start"));
  job.end_s = moment(told_text(told, "end", "@end"));
  if (auto nodes = expand_hosts(told_text(told, "nodes", "nodes"))) job.nodes = std::move(*nodes);
  return job;
}

}  // namespace amdahl::scheduler_adapters::slurm
