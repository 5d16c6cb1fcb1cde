#include "slurm_records.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/quantity.hpp"
#include "slurm_time.hpp"

namespace amdahl::scheduler_adapters::slurm {

using nlohmann::json;

namespace {

constexpr int signals = 128;

const json& member(const json& value, std::string_view name) {
  static const json none;
  if (!value.is_object()) return none;
  const auto found = value.find(name);
  return found == value.end() ? none : *found;
}

// A number, the same as text, or `{"set": true, "infinite": false, "number": 4}`.
std::optional<std::int64_t> number(const json& value) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_string()) return core::parse_whole(value.get_ref<const std::string&>());
  if (!value.is_object() || member(value, "set") == false || member(value, "infinite") == true)
    return std::nullopt;
  const auto& inner = member(value, "number");
  return inner.is_number_integer() ? std::optional{inner.get<std::int64_t>()} : std::nullopt;
}

std::string text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  const auto whole = number(value);
  return whole ? std::to_string(*whole) : std::string{};
}

std::optional<std::int64_t> time(const json& value) {
  const auto seconds = number(value);
  return seconds && *seconds > 0 && *seconds < time_max ? seconds : std::nullopt;
}

const json& first_of(const json& a, const json& b) { return a.is_null() ? b : a; }

// `"RUNNING"`, `["COMPLETED", "COMPLETING"]`, or either below `current`.
std::vector<std::string> states_of(const json& job) {
  const auto& state = first_of(member(job, "job_state"), member(member(job, "state"), "current"));
  std::vector<std::string> states;
  if (state.is_string()) states.push_back(state.get<std::string>());
  if (state.is_array()) {
    for (const auto& each : state)
      if (each.is_string()) states.push_back(each.get<std::string>());
  }
  return states;
}

// The wait status of v0.0.38's live list, or `{status, return_code, signal}`.
void read_exit(const json& value, Job& job) {
  if (value.is_object() && value.contains("return_code")) {
    if (const auto code = number(member(value, "return_code")))
      job.exit_code = static_cast<int>(*code);
    const auto& signal = member(value, "signal");
    const auto id = number(first_of(member(signal, "signal_id"), member(signal, "id")));
    if (id && *id > 0) job.signal = static_cast<int>(*id);
    return;
  }
  const auto status = number(value);
  if (!status || *status < 0 || *status > 0xFFFF) return;
  if (const auto signal = static_cast<int>(*status % signals); signal != 0) {
    job.signal = signal;
  } else {
    job.exit_code = static_cast<int>(*status / 256);
  }
}

// Accounting has a list of resources, the live list a text.
std::optional<std::int64_t> gpus_of(const json& job) {
  if (const auto& tres = member(job, "tres_alloc_str"); tres.is_string())
    return gpus_of_tres(tres.get_ref<const std::string&>());
  const auto& allocated = member(member(job, "tres"), "allocated");
  if (!allocated.is_array() || allocated.empty()) return std::nullopt;
  for (const auto& row : allocated) {
    if (member(row, "type") == "gres" && member(row, "name") == "gpu")
      return number(member(row, "count"));
  }
  return 0;
}

// Slurm's own step waits for nothing of the user's; the batch step has the GPUs whether it asks or
// not.
void read_steps(const json& steps, Job& job) {
  if (!steps.is_array()) return;
  for (const auto& step : steps) {
    const auto id = text(member(member(step, "step"), "id"));
    if (id.ends_with("extern")) continue;
    const auto began = time(member(member(step, "time"), "start"));
    if (began && (!job.first_step_s || *began < *job.first_step_s)) job.first_step_s = began;
    const auto gpus = gpus_of(step);
    if (gpus.value_or(0) > 0 && !id.ends_with("batch"))
      job.step_gpus = job.step_gpus.value_or(0) + *gpus;
  }
}

// Slurm says when it expects a start or an end, under the same names as when it was.
Job without_forecasts(Job job) {
  const auto state = meaning_of(job).state;
  using core::RunState;
  if (state != RunState::ended) job.end_s.reset();
  if (!state || state == RunState::queued || state == RunState::held) job.start_s.reset();
  return job;
}

Job job_of(const json& value) {
  Job job;
  job.id = text(member(value, "job_id"));
  job.name = text(member(value, "name"));
  job.user = text(first_of(member(value, "user_name"), member(value, "user")));
  const auto& comment = member(value, "comment");
  job.comment = text(comment.is_object() ? member(comment, "job") : comment);
  job.partition = text(member(value, "partition"));
  job.states = states_of(value);
  job.reason =
      text(first_of(member(value, "state_reason"), member(member(value, "state"), "reason")));
  job.nodes = expand_hosts(text(member(value, "nodes"))).value_or(std::vector<std::string>{});
  const auto& times = member(value, "time");
  job.submit_s = time(first_of(member(value, "submit_time"), member(times, "submission")));
  job.start_s = time(first_of(member(value, "start_time"), member(times, "start")));
  job.end_s = time(first_of(member(value, "end_time"), member(times, "end")));
  read_exit(member(value, "exit_code"), job);
  job.restarts = static_cast<int>(number(member(value, "restart_cnt")).value_or(0));
  job.priority = number(member(value, "priority"));
  job.gpus = gpus_of(value);
  job.cluster = text(member(value, "cluster"));
  job.account = text(member(value, "account"));
  job.eligible_s = time(first_of(member(value, "eligible_time"), member(times, "eligible")));
  read_steps(member(value, "steps"), job);
  job.recorded_start_s = time(member(times, "start"));
  job.recorded_end_s = time(member(times, "end"));
  return without_forecasts(std::move(job));
}

std::vector<std::string> problems_of(const json& errors) {
  std::vector<std::string> problems;
  if (!errors.is_array()) return problems;
  for (const auto& error : errors) {
    const auto code = text(first_of(member(error, "error_number"), member(error, "error_code")));
    const auto words = text(first_of(member(error, "error"), member(error, "description")));
    problems.push_back(fmt::format("{} {}", code.empty() ? "?" : code, words));
  }
  return problems;
}

// Up to `count` cells; the last takes what is left, since a comment may hold the separator.
std::vector<std::string_view> cells_of(std::string_view line, std::size_t count) {
  std::vector<std::string_view> cells;
  while (cells.size() + 1 < count) {
    const auto bar = line.find('|');
    if (bar == std::string_view::npos) break;
    cells.push_back(line.substr(0, bar));
    line.remove_prefix(bar + 1);
  }
  cells.push_back(line);
  return cells;
}

template <class Read>
Records read_lines(std::string_view text, std::size_t count, Read read) {
  Records records;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    const auto cells = cells_of(line, count);
    if (cells.size() != count || cells[0].empty() || cells[0][0] < '0' || cells[0][0] > '9') {
      ++records.unreadable;
      continue;
    }
    records.jobs.push_back(read(cells));
  }
  return records;
}

std::string known(std::string_view cell) {
  return cell == "(null)" || cell == "N/A" || cell == "Unknown" || cell == "None assigned"
             ? std::string{}
             : std::string{cell};
}

std::optional<std::int64_t> seconds(std::string_view cell) {
  const auto whole = core::parse_whole(cell);
  return whole && *whole > 0 && *whole < time_max ? whole : std::nullopt;
}

std::vector<std::string> hosts(std::string_view cell) {
  return expand_hosts(known(cell)).value_or(std::vector<std::string>{});
}

// The first ten cells, which both texts have in common.
Job job_of_cells(const std::vector<std::string_view>& cells) {
  Job job;
  job.id = cells[0];
  job.name = cells[1];
  job.user = cells[2];
  job.states = {std::string{cells[3]}};
  job.reason = known(cells[4]);
  job.submit_s = seconds(cells[5]);
  job.start_s = seconds(cells[6]);
  job.end_s = seconds(cells[7]);
  job.nodes = hosts(cells[8]);
  job.partition = cells[9];
  return without_forecasts(std::move(job));
}

}  // namespace

core::Result<Records> read_json(std::string_view text) {
  auto document = core::parse_json(text, "Slurm's answer");
  if (!document) return document.error();
  const auto& jobs = member(*document, "jobs");
  Records records;
  records.problems = problems_of(member(*document, "errors"));
  if (!jobs.is_array()) return core::failed("Slurm's answer has no list of jobs");
  for (const auto& value : jobs) {
    auto job = job_of(value);
    if (job.id.empty() || job.id == "0") {
      ++records.unreadable;
    } else {
      records.jobs.push_back(std::move(job));
    }
  }
  return records;
}

Records read_squeue(std::string_view text) {
  return read_lines(text, 12, [](const auto& cells) {
    auto job = job_of_cells(cells);
    job.priority = core::parse_whole(cells[10]);
    job.comment = known(cells[11]);
    return job;
  });
}

Records read_sacct(std::string_view text) {
  return read_lines(text, 13, [](const auto& cells) {
    auto job = job_of_cells(cells);
    const auto colon = cells[10].find(':');
    if (const auto code = core::parse_whole(cells[10].substr(0, colon)))
      job.exit_code = static_cast<int>(*code);
    if (colon != std::string_view::npos) {
      const auto signal = core::parse_whole(cells[10].substr(colon + 1));
      if (signal && *signal > 0) job.signal = static_cast<int>(*signal);
    }
    job.gpus = gpus_of_tres(cells[11]);
    job.comment = known(cells[12]);
    return job;
  });
}

}  // namespace amdahl::scheduler_adapters::slurm
