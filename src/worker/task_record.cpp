#include "task_record.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/run_files/durable.hpp"
#include "child.hpp"

namespace amdahl::worker {

using nlohmann::json;

namespace {

constexpr std::size_t record_bytes = 64 * 1024;

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

template <class T>
std::optional<T> number_of(const json& value, const char* key) {
  const auto found = value.find(key);
  if (found == value.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<T>();
}

bool flag_of(const json& value, const char* key) {
  const auto found = value.find(key);
  return found != value.end() && found->is_boolean() && found->get<bool>();
}

std::string text_of(const json& value, const char* key) {
  const auto found = value.find(key);
  return found != value.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::filesystem::path file_of(const std::filesystem::path& folder, std::int64_t rank) {
  return folder / (std::to_string(rank) + ".json");
}

int badness(const TaskRecord& record) {
  return record.signal ? killed_status + *record.signal : record.exit_code.value_or(0);
}

void set_status(int status, core::LegResult& leg) {
  if (WIFEXITED(status)) leg.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) leg.signal = WTERMSIG(status);
}

}  // namespace

json to_json(const TaskRecord& record) {
  return {{"schema", "amdahl.task/v1"},
          {"step", record.step},
          {"ended", record.ended},
          {"stopped", record.stopped},
          {"exit_code", or_null(record.exit_code)},
          {"signal", or_null(record.signal)},
          {"out_of_memory", record.out_of_memory},
          {"peak_memory_bytes", or_null(record.peak_memory_bytes)},
          {"problem", record.problem}};
}

core::Result<TaskRecord> task_record_from_json(const json& value) {
  if (!value.is_object()) return core::invalid_input("a task's record is no object");
  TaskRecord record;
  record.step = text_of(value, "step");
  record.ended = flag_of(value, "ended");
  record.stopped = flag_of(value, "stopped");
  record.exit_code = number_of<int>(value, "exit_code");
  record.signal = number_of<int>(value, "signal");
  record.out_of_memory = flag_of(value, "out_of_memory");
  record.peak_memory_bytes = number_of<std::int64_t>(value, "peak_memory_bytes");
  record.problem = text_of(value, "problem");
  return record;
}

core::Result<void> write_task_record(const std::filesystem::path& folder, std::int64_t rank,
                                     const TaskRecord& record) {
  return run_files::write_file_volatile(file_of(folder, rank),
                                        core::canonical_json(to_json(record)));
}

std::vector<TaskRecord> read_task_records(const std::filesystem::path& folder, std::int64_t count) {
  std::vector<TaskRecord> records;
  for (std::int64_t rank = 0; rank < count; ++rank) {
    const auto file = file_of(folder, rank);
    const auto text = run_files::read_file(file, record_bytes);
    if (!text) continue;
    const auto value = core::parse_json(*text, file.string());
    if (!value) continue;
    if (auto record = task_record_from_json(*value)) records.push_back(std::move(*record));
  }
  return records;
}

bool set_ending_of_tasks(const std::vector<TaskRecord>& records, std::int64_t count,
                         int launcher_status, core::LegResult& leg) {
  std::vector<TaskRecord> ended;
  std::int64_t peak = 0, measured = 0;
  bool began = false;
  for (const auto& record : records) {
    if (!record.problem.empty() && leg.problem.empty()) leg.problem = record.problem;
    began = began || record.problem.empty();
    leg.out_of_memory = leg.out_of_memory || record.out_of_memory;
    if (record.peak_memory_bytes) {
      peak += *record.peak_memory_bytes;
      ++measured;
    }
    if (record.ended && record.problem.empty()) ended.push_back(record);
  }
  // A part of the memory is not the memory.
  if (measured == count) leg.peak_memory_bytes = peak;
  // One that began may have been ended before it could tell that its command cannot be executed.
  leg.started = !ended.empty() || (began && leg.problem.empty());
  if (!leg.started) return true;
  const auto worse = [](const auto& a, const auto& b) { return badness(a) < badness(b); };
  const auto stopped = std::stable_partition(ended.begin(), ended.end(),
                                             [](const auto& record) { return !record.stopped; });
  auto worst = std::max_element(ended.begin(), stopped, worse);
  const bool failed = worst != stopped && badness(*worst) != 0;
  if (!failed) worst = std::max_element(ended.begin(), ended.end(), worse);
  if (failed || static_cast<std::int64_t>(ended.size()) == count) {
    leg.exit_code = worst->exit_code;
    leg.signal = worst->signal;
    return true;
  }
  set_status(launcher_status, leg);
  return false;
}

}  // namespace amdahl::worker
