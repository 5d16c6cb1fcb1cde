#include <signal.h>

#include "amdahl/core/limits.hpp"
#include "amdahl/run_files/process_identity.hpp"
#include "run_driver.hpp"

// Laws of what jobs and machines do to a run.
namespace amdahl::conformance::laws {

using core::RunOutcome;
using core::RunState;

namespace {

bool alive(pid_t process) { return run_files::identify(process).has_value(); }

pid_t pid_in(const std::filesystem::path& file) {
  const auto text = read_text(file);
  return text.ends_with('\n') ? static_cast<pid_t>(std::stol(text)) : 0;
}

}  // namespace

void crash_is_lost_and_leaves_nothing(AdapterSubject& subject) {
  const auto mark = subject.scratch() / "ran";
  const auto leg = subject.scratch() / "leg", daemon = subject.scratch() / "daemon";
  const auto spec =
      shell_run(subject, count_in(mark) + "setsid sh -c 'echo $$ > " + daemon.string() +
                             "; exec sleep 600' & echo $$ > " + leg.string() + "; sleep 600");
  const auto submitted = submit(subject, spec);
  REQUIRE(subject.adapter().release(spec.key, submitted.ref).has_value());
  REQUIRE(eventually([&] { return pid_in(leg) > 0 && pid_in(daemon) > 0; }));
  subject.crash(spec.key);
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  const auto seen = observed(subject.adapter(), spec.key);
  CHECK(seen->outcome == RunOutcome::lost);
  CHECK(seen->cause == core::CauseClass::infra);
  // Lost is said of a run of which nothing is left, not of one that is about to die.
  CHECK_FALSE(alive(pid_in(leg)));
  CHECK_FALSE(alive(pid_in(daemon)));
  CHECK(offer(subject.adapter(), spec).kind == scheduler_adapters::Submitted::Kind::already_exists);
  CHECK(lines_of(read_text(mark)).size() == 1);
  CHECK_FALSE(subject.adapter().fetch_result(spec.key).has_value());
}

void gpus_are_never_handed_out_twice(AdapterSubject& subject) {
  // Each run marks the GPUs it has by folders: making one that exists means a slot given twice.
  const auto marks = subject.scratch() / "marks";
  std::filesystem::create_directories(marks);
  const auto script =
      "cd '" + marks.string() +
      "'; for g in $(echo $CUDA_VISIBLE_DEVICES | tr , ' '); do mkdir gpu-$g || exit 9; done; "
      "sleep 0.15; for g in $(echo $CUDA_VISIBLE_DEVICES | tr , ' '); do rmdir gpu-$g; done";
  std::vector<core::RunSpec> specs;
  const auto other = subject.successor();
  for (int i = 0; i < 6; ++i) {
    specs.push_back(shell_run(subject, script));
    specs.back().allocation.gpus = specs.back().legs.front().gpus = 2;
    const auto submitted = offer(i % 2 == 0 ? subject.adapter() : *other, specs.back());
    REQUIRE(submitted.kind == scheduler_adapters::Submitted::Kind::accepted);
  }
  for (const auto& spec : specs) REQUIRE(subject.adapter().release(spec.key, {}).has_value());
  for (const auto& spec : specs) {
    REQUIRE(wait_for_end(subject.adapter(), spec.key));
    const auto result = result_of(subject.adapter(), spec.key);
    CHECK(result.gpu_ids.size() == 2);
    CHECK(result.legs.front().exit_code == 0);
  }
}

void leftovers_are_killed(AdapterSubject& subject) {
  const auto daemon = subject.scratch() / "daemon";
  // In a session of its own, orphaned, deaf to SIGTERM and SIGHUP, holding the output pipe.
  const auto spec =
      shell_run(subject, "(setsid sh -c 'trap \"\" TERM HUP; echo $$ > " + daemon.string() +
                             "; while :; do sleep 1; done' &) ; while ! test -s " +
                             daemon.string() + "; do sleep 0.02; done; exit 4");
  const auto result = execute(subject, spec);
  CHECK(result.legs.front().exit_code == 4);
  CHECK(result.legs.front().window_us < 30'000'000);
  CHECK_FALSE(alive(pid_in(daemon)));
}

void output_is_bounded(AdapterSubject& subject) {
  auto spec = shell_run(subject, "yes 0123456789 | head -c 1073741824; echo; echo units 42");
  spec.units = {core::Source::Kind::regex, "^units (\\d+)$", "", ""};
  const auto result = execute(subject, spec);
  CHECK(result.legs.front().exit_code == 0);
  CHECK(result.legs.front().units == 42);
  const auto log = subject.adapter().fetch_log(spec.key, core::Arm::baseline, false, 100 << 20);
  REQUIRE(log.has_value());
  CHECK(log->size() <= core::limits::leg_output_bytes);
  CHECK(log->find("left out") != std::string::npos);
  CHECK(log->ends_with("units 42\n"));
}

void time_limit_ends_a_leg(AdapterSubject& subject) {
  auto spec = shell_run(subject, "trap '' TERM; while :; do sleep 0.1; done");
  add_variant(spec, "echo fine");
  spec.leg_time_limit = std::chrono::milliseconds{300};
  const auto result = execute(subject, spec);
  REQUIRE(result.legs.size() == 2);
  CHECK(result.legs[0].timed_out);
  CHECK(result.legs[0].signal == SIGKILL);
  CHECK_FALSE(result.legs[0].out_of_memory);
  CHECK_FALSE(result.legs[1].timed_out);
  CHECK(result.legs[1].exit_code == 0);
}

}  // namespace amdahl::conformance::laws
