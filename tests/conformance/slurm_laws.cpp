#include "slurm_laws.hpp"

#include <cstdlib>

namespace amdahl::conformance::slurm_laws {

using core::CauseClass;
using core::RunOutcome;
using core::RunState;
using scheduler_adapters::Submitted;

namespace {

void shell(const std::string& command) {
  INFO(command);
  REQUIRE(std::system(command.c_str()) == 0);
}

std::string sleeps_until(const fs::path& go) {
  return "while ! test -e '" + go.string() + "'; do sleep 0.02; done";
}

}  // namespace

void second_submission_never_executes(SlurmSubject& subject) {
  const auto mark = subject.scratch() / "ran", out = subject.scratch() / "id";
  const auto spec = shell_run(subject, count_in(mark));
  const auto first = submit(subject, spec);
  const auto directory = (subject.live() / spec.key.text).string();
  // What a sbatch does that outlives its service.
  shell("printf '#!/bin/sh\\nexec \"%s\" job \"%s\"\\n' '" + std::string{AMDAHL_SHIM} + "' '" +
        directory + "' | sbatch --parsable --job-name=" + spec.key.text +
        " --hold --output=/dev/null > '" + out.string() + "'");
  const auto second = lines_of(read_text(out)).front();
  CHECK(subject.adapter().find(std::vector{spec.key}).front().runs.size() == 2);
  REQUIRE(subject.adapter().release(spec.key, first.ref).has_value());
  shell("scontrol release " + second);
  REQUIRE(eventually([&] {
    const auto all = subject.adapter().find(std::vector{spec.key}).front().runs;
    return std::all_of(all.begin(), all.end(),
                       [](const auto& run) { return run.state == RunState::ended; });
  }));
  CHECK(lines_of(read_text(mark)).size() == 1);
  // Whichever came first: one of them.
  const auto ended = subject.adapter().find(std::vector{spec.key}).front().runs;
  REQUIRE(ended.size() == 2);
  CHECK(ended[0].claimed != ended[1].claimed);
  for (const auto& run : ended) {
    INFO(run.ref.native_id << ": " << run.reason);
    CHECK(run.outcome == (run.claimed ? RunOutcome::succeeded : RunOutcome::launch_failed));
  }
}

void other_services_are_left_alone(SlurmSubject& subject) {
  const auto spec = shell_run(subject, "true");
  submit(subject, spec);
  auto elsewhere = subject.options();
  elsewhere.run_dir = subject.scratch() / "another";
  const auto other = scheduler_adapters::make_slurm_adapter(elsewhere, subject.clock());
  CHECK(observed(subject.adapter(), spec.key));
  CHECK_FALSE(observed(*other, spec.key));
}

void somebody_elses_cancel_is_an_operators(SlurmSubject& subject) {
  const auto spec = shell_run(subject, "exec sleep 600");
  const auto submitted = submit(subject, spec);
  REQUIRE(subject.adapter().release(spec.key, submitted.ref).has_value());
  REQUIRE(eventually(
      [&] { return observed(subject.adapter(), spec.key)->state == RunState::running; }));
  shell("scancel " + submitted.ref.native_id);
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  const auto seen = observed(subject.adapter(), spec.key);
  CHECK(seen->outcome == RunOutcome::cancelled);
  CHECK(seen->cause == CauseClass::operator_);
}

void unknown_partition_is_refused(SlurmSubject& subject) {
  auto options = subject.options();
  options.partition = "nowhere";
  const auto adapter = scheduler_adapters::make_slurm_adapter(options, subject.clock());
  const auto capacity = adapter->capacity();
  REQUIRE_FALSE(capacity.has_value());
  CHECK(capacity.error().message.find("nowhere") != std::string::npos);
  const auto submitted = offer(*adapter, shell_run(subject, "true"));
  REQUIRE(submitted.kind == Submitted::Kind::failed);
  CHECK(submitted.failure.message.find("nowhere") != std::string::npos);
}

void hopeless_request_is_given_up(SlurmSubject& subject) {
  auto options = subject.options();
  options.partition = "short";  // of at most a minute
  options.unschedulable_after = std::chrono::seconds{1};
  const auto adapter = scheduler_adapters::make_slurm_adapter(options, subject.clock());
  const auto spec = shell_run(subject, "true");
  const auto submitted = offer(*adapter, spec);
  INFO(submitted.failure.message);
  REQUIRE(submitted.kind == Submitted::Kind::accepted);
  REQUIRE(adapter->release(spec.key, submitted.ref).has_value());
  CHECK(observed(*adapter, spec.key)->state == RunState::queued);
  REQUIRE(wait_for_end(*adapter, spec.key));
  const auto seen = observed(*adapter, spec.key);
  CHECK(seen->outcome == RunOutcome::unschedulable);
  CHECK(seen->cause == CauseClass::policy);
  CHECK(seen->reason.find("PartitionTimeLimit") != std::string::npos);
}

void strange_paths_are_paths(SlurmSubject& subject) {
  auto options = subject.options();
  options.run_dir = subject.scratch() / "it's \"so\" $(reboot) %j `x` \u4f60\u597d";
  const auto adapter = scheduler_adapters::make_slurm_adapter(options, subject.clock());
  const auto spec = shell_run(subject, "echo here");
  const auto submitted = offer(*adapter, spec);
  INFO(submitted.failure.message);
  REQUIRE(submitted.kind == Submitted::Kind::accepted);
  REQUIRE(adapter->release(spec.key, submitted.ref).has_value());
  REQUIRE(wait_for_end(*adapter, spec.key));
  const auto seen = observed(*adapter, spec.key);
  INFO(seen->reason);
  CHECK(seen->outcome == RunOutcome::succeeded);
  CHECK(adapter->fetch_log(spec.key, core::Arm::baseline, false, 100).value() == "here\n");
}

void lost_hint_is_found_by_name(SlurmSubject& subject) {
  const auto mark = subject.scratch() / "ran";
  const auto spec = shell_run(subject, count_in(mark));
  const auto first = submit(subject, spec);
  fs::remove(subject.live() / spec.key.text / "slurm.json");
  const auto again = offer(*subject.successor(), spec);
  CHECK(again.kind == Submitted::Kind::already_exists);
  CHECK(again.ref == first.ref);
  CHECK(again.held);
}

void nobody_elses_hold_is_ours(SlurmSubject& subject) {
  // Every GPU is taken, so that the second run waits.
  const auto go = subject.scratch() / "go";
  auto first = shell_run(subject, sleeps_until(go));
  first.allocation.gpus = 4;
  const auto running = submit(subject, first);
  REQUIRE(subject.adapter().release(first.key, running.ref).has_value());
  auto spec = shell_run(subject, "true");
  spec.allocation.gpus = 4;
  const auto submitted = submit(subject, spec);
  REQUIRE(subject.adapter().release(spec.key, submitted.ref).has_value());
  shell("scontrol hold " + submitted.ref.native_id);  // an administrator's: this is root
  const auto held = observed(subject.adapter(), spec.key);
  CHECK(held->state == RunState::held);
  CHECK_FALSE(held->held_by_us);
  shell("scontrol release " + submitted.ref.native_id);
  write_text(go, "");
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  CHECK(observed(subject.adapter(), spec.key)->outcome == RunOutcome::succeeded);
}

}  // namespace amdahl::conformance::slurm_laws
