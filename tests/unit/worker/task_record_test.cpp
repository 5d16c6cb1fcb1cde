#include "task_record.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "support/scratch_folder.hpp"

using namespace amdahl;
using worker::TaskRecord;

namespace {

constexpr int exited_9 = 9 << 8;

TaskRecord exited(int code) {
  TaskRecord record;
  record.ended = true;
  record.exit_code = code;
  record.peak_memory_bytes = 10;
  return record;
}

TaskRecord stopped(int signal) {
  TaskRecord record;
  record.ended = record.stopped = true;
  record.signal = signal;
  return record;
}

TaskRecord failed_to_start() {
  TaskRecord record;
  record.ended = true;
  record.problem = "cannot execute `x`";
  return record;
}

core::LegResult ending_of(const std::vector<TaskRecord>& records, int status = exited_9) {
  core::LegResult leg;
  worker::set_ending_of_tasks(records, 2, status, leg);
  return leg;
}

}  // namespace

TEST_CASE("a leg's end is the worst of its tasks", "[worker][step]") {
  CHECK(ending_of({exited(0), exited(0)}).exit_code == 0);
  CHECK(ending_of({exited(3), exited(4)}).exit_code == 4);
  CHECK(ending_of({exited(0), exited(4)}).exit_code == 4);
  auto killed = exited(0);
  killed.exit_code.reset();
  killed.signal = 9;
  const auto worst = ending_of({exited(4), killed});
  CHECK(worst.signal == 9);
  CHECK_FALSE(worst.exit_code);
}

TEST_CASE("a task that was stopped for another's failure is not the worst", "[worker][step]") {
  CHECK(ending_of({exited(3), stopped(15)}).exit_code == 3);
  CHECK(ending_of({stopped(15), exited(3)}).exit_code == 3);
  CHECK(ending_of({exited(3)}).exit_code == 3);
  CHECK(ending_of({stopped(15), stopped(9)}).signal == 15);
}

TEST_CASE("where the tasks do not tell, the program that started them does", "[worker][step]") {
  core::LegResult leg;
  CHECK_FALSE(worker::set_ending_of_tasks({TaskRecord{}, TaskRecord{}}, 2, exited_9, leg));
  CHECK(leg.started);
  CHECK(leg.exit_code == 9);
  CHECK(ending_of({exited(0), TaskRecord{}}).exit_code == 9);
  CHECK_FALSE(ending_of({exited(0), stopped(15)}).exit_code);
  CHECK(ending_of({exited(0), stopped(15)}).signal == 15);
}

TEST_CASE("a command that no task could execute is a leg that did not start", "[worker][step]") {
  const auto leg = ending_of({failed_to_start(), TaskRecord{}});
  CHECK_FALSE(leg.started);
  CHECK(leg.problem == "cannot execute `x`");
  CHECK_FALSE(ending_of({}).started);
}

TEST_CASE("the memory of a part of the tasks is not the leg's", "[worker][step]") {
  CHECK(ending_of({exited(0), exited(0)}).peak_memory_bytes == 20);
  CHECK_FALSE(ending_of({exited(0), stopped(9)}).peak_memory_bytes);
}

TEST_CASE("records are read back, and garbage is as if it were not there", "[worker][step]") {
  test::ScratchFolder folder;
  auto told = exited(7);
  told.step = "3";
  told.out_of_memory = true;
  REQUIRE(worker::write_task_record(folder.path(), 1, told).has_value());
  folder.write("0.json", "[1]");
  CHECK(worker::read_task_records(folder.path(), 2) == std::vector{told});
  folder.write("0.json", R"({"ended":3,"exit_code":"x","signal":null,"step":[]})");
  const auto both = worker::read_task_records(folder.path(), 3);
  REQUIRE(both.size() == 2);
  CHECK(both[0] == TaskRecord{});
}
