#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/run.hpp"

namespace amdahl::worker {

/// What one task of a leg on several nodes tells of itself, in a file on the shared disk: written
/// when it begins and again when it has ended.
struct TaskRecord {
  std::string step;  ///< Slurm's number of it, `3`; empty = not told
  bool ended = false;
  bool stopped = false;  ///< it was told to end
  std::optional<int> exit_code, signal;
  bool out_of_memory = false;
  std::optional<std::int64_t> peak_memory_bytes;
  std::string problem;  ///< why its command could not be executed

  friend bool operator==(const TaskRecord&, const TaskRecord&) = default;
};
nlohmann::json to_json(const TaskRecord& record);
core::Result<TaskRecord> task_record_from_json(const nlohmann::json& value);

/// `folder` is the leg's of task records.
core::Result<void> write_task_record(const std::filesystem::path& folder, std::int64_t rank,
                                     const TaskRecord& record);
/// Those that can be read, of `count` tasks.
std::vector<TaskRecord> read_task_records(const std::filesystem::path& folder, std::int64_t count);

/// What a leg's tasks and the program that started them make of the leg. Its exit is the worst of
/// the tasks' own; tasks that were stopped because another failed count only where all were.
/// `launcher_status` is the program's, as waitpid gives it: it tells where no task does, and then
/// this is false.
bool set_ending_of_tasks(const std::vector<TaskRecord>& records, std::int64_t count,
                         int launcher_status, core::LegResult& leg);

}  // namespace amdahl::worker
