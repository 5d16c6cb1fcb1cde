#include "run_driver.hpp"

// Laws of submitting, releasing, cancelling, listing and finding.
namespace amdahl::conformance::laws {

using core::RunOutcome;
using core::RunState;
using scheduler_adapters::Cancelled;
using scheduler_adapters::CancelMode;
using scheduler_adapters::FailureClass;
using scheduler_adapters::Found;
using scheduler_adapters::Submitted;

namespace {

// Long enough for a run that wrongly begins to show itself.
bool stays(const std::function<bool()>& holds) {
  return !eventually([&] { return !holds(); }, std::chrono::seconds{1});
}

}  // namespace

void held_waits(AdapterSubject& subject) {
  const auto mark = subject.scratch() / "ran";
  const auto spec = shell_run(subject, count_in(mark));
  const auto submitted = submit(subject, spec);
  CHECK(submitted.held);
  const auto seen = observed(subject.adapter(), spec.key);
  REQUIRE(seen);
  CHECK(seen->held_by_us);
  CHECK_FALSE(seen->claimed);
  CHECK(seen->witness == spec.witness);
  CHECK(stays([&] { return !std::filesystem::exists(mark); }));
  REQUIRE(subject.adapter().release(spec.key, submitted.ref).has_value());
  CHECK(eventually([&] { return std::filesystem::exists(mark); }));
}

void resubmit_executes_once(AdapterSubject& subject) {
  const auto mark = subject.scratch() / "ran";
  const auto spec = shell_run(subject, count_in(mark));
  const auto first = submit(subject, spec);
  auto later = spec;
  later.witness.head_seq += 1;  // what the service knows moves on; the run is the same
  CHECK(offer(subject.adapter(), later).kind == Submitted::Kind::already_exists);
  REQUIRE(subject.adapter().release(spec.key, first.ref).has_value());
  CHECK(offer(*subject.successor(), spec).kind == Submitted::Kind::already_exists);
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  CHECK(offer(subject.adapter(), spec).kind == Submitted::Kind::already_exists);
  subject.adapter().acknowledge(spec.key);
  CHECK(offer(subject.adapter(), spec).kind == Submitted::Kind::already_exists);
  CHECK(stays([&] { return lines_of(read_text(mark)).size() == 1; }));
}

void other_spec_is_a_conflict(AdapterSubject& subject) {
  const auto spec = shell_run(subject, "true");
  submit(subject, spec);
  auto other = spec;
  other.legs.front().command = {"false"};
  const auto submitted = offer(subject.adapter(), other);
  REQUIRE(submitted.kind == Submitted::Kind::failed);
  CHECK(submitted.failure.kind == FailureClass::key_conflict);
}

void release_may_be_repeated(AdapterSubject& subject) {
  const auto mark = subject.scratch() / "ran";
  const auto spec = shell_run(subject, count_in(mark));
  const auto submitted = submit(subject, spec);
  REQUIRE(subject.adapter().release(spec.key, submitted.ref).has_value());
  REQUIRE(subject.adapter().release(spec.key, submitted.ref).has_value());
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  CHECK(subject.adapter().release(spec.key, submitted.ref).has_value());
  CHECK(lines_of(read_text(mark)).size() == 1);
}

void unknown_key_is_absent(AdapterSubject& subject) {
  const auto spec = shell_run(subject, "true");
  const auto found = subject.adapter().find(std::vector{spec.key});
  REQUIRE(found.size() == 1);
  CHECK(found.front().key == spec.key);
  CHECK(found.front().found == Found::not_found_authoritative);
  CHECK_FALSE(subject.adapter().fetch_result(spec.key).has_value());
  CHECK(subject.adapter().cancel(spec.key, {}, CancelMode::stop) == Cancelled::not_visible);
}

void cancelled_held_run_never_runs(AdapterSubject& subject) {
  const auto mark = subject.scratch() / "ran";
  const auto spec = shell_run(subject, count_in(mark));
  const auto submitted = submit(subject, spec);
  CHECK(subject.adapter().cancel(spec.key, submitted.ref, CancelMode::only_if_held) ==
        Cancelled::requested);
  // Asked twice is one request: whoever counts them tells each once.
  CHECK(subject.adapter().cancel(spec.key, submitted.ref, CancelMode::only_if_held) !=
        Cancelled::requested);
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  const auto seen = observed(subject.adapter(), spec.key);
  CHECK(seen->outcome == RunOutcome::cancelled);
  CHECK(seen->cause == core::CauseClass::operator_);
  CHECK(subject.adapter().cancel(spec.key, submitted.ref, CancelMode::stop) ==
        Cancelled::already_ended);
  (void)subject.adapter().release(spec.key, submitted.ref);
  CHECK(stays([&] { return !std::filesystem::exists(mark); }));
}

void only_if_held_spares_a_started_run(AdapterSubject& subject) {
  const auto go = subject.scratch() / "go";
  const auto spec =
      shell_run(subject, "while ! test -e '" + go.string() + "'; do sleep 0.02; done");
  const auto submitted = submit(subject, spec);
  REQUIRE(subject.adapter().release(spec.key, submitted.ref).has_value());
  REQUIRE(eventually([&] {
    const auto seen = observed(subject.adapter(), spec.key);
    return seen && seen->state == RunState::running;
  }));
  CHECK(subject.adapter().cancel(spec.key, submitted.ref, CancelMode::only_if_held) ==
        Cancelled::failed);
  write_text(go, "");
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  CHECK(observed(subject.adapter(), spec.key)->outcome == RunOutcome::succeeded);
}

void stop_ends_a_running_leg(AdapterSubject& subject) {
  auto spec = shell_run(subject, "sleep 600");
  add_variant(spec, count_in(subject.scratch() / "second"));
  const auto submitted = submit(subject, spec);
  REQUIRE(subject.adapter().release(spec.key, submitted.ref).has_value());
  REQUIRE(eventually(
      [&] { return observed(subject.adapter(), spec.key)->state == RunState::running; }));
  CHECK(subject.adapter().cancel(spec.key, submitted.ref, CancelMode::stop) ==
        Cancelled::requested);
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  CHECK(observed(subject.adapter(), spec.key)->outcome == RunOutcome::cancelled);
  CHECK(result_of(subject.adapter(), spec.key).cancelled);
  CHECK_FALSE(std::filesystem::exists(subject.scratch() / "second"));
}

void listing_follows_a_run(AdapterSubject& subject) {
  const auto go = subject.scratch() / "go";
  const auto spec =
      shell_run(subject, "while ! test -e '" + go.string() + "'; do sleep 0.02; done");
  CHECK_FALSE(observed(subject.adapter(), spec.key));
  const auto submitted = submit(subject, spec);
  CHECK(observed(subject.adapter(), spec.key)->held_by_us);
  REQUIRE(subject.adapter().release(spec.key, submitted.ref).has_value());
  REQUIRE(eventually(
      [&] { return observed(subject.adapter(), spec.key)->state == RunState::running; }));
  const auto running = observed(subject.adapter(), spec.key);
  CHECK(running->claimed);
  CHECK_FALSE(running->held_by_us);
  CHECK_FALSE(running->outcome);
  CHECK(running->nodes.size() == 1);
  write_text(go, "");
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  const auto ended = observed(subject.adapter(), spec.key);
  CHECK(ended->outcome == RunOutcome::succeeded);
  CHECK(ended->started_at_us > 0);
  CHECK(ended->ended_at_us >= ended->started_at_us);
  CHECK(result_of(subject.adapter(), spec.key).spec_sha == core::spec_sha(spec));
  subject.adapter().acknowledge(spec.key);
  CHECK_FALSE(observed(subject.adapter(), spec.key));
}

void acknowledged_run_is_still_found(AdapterSubject& subject) {
  const auto spec = shell_run(subject, "true");
  execute(subject, spec);
  subject.adapter().acknowledge(spec.key);
  subject.adapter().acknowledge(spec.key);
  const auto found = subject.successor()->find(std::vector{spec.key});
  REQUIRE(found.front().found == Found::found);
  CHECK(found.front().runs.front().outcome == RunOutcome::succeeded);
  CHECK(result_of(subject.adapter(), spec.key).legs.size() == 1);
}

void successor_takes_over_a_held_run(AdapterSubject& subject) {
  const auto mark = subject.scratch() / "ran";
  const auto spec = shell_run(subject, count_in(mark));
  submit(subject, spec);
  // The first service dies here; nothing it knew survives but the scheduler's own traces.
  const auto successor = subject.successor();
  const auto found = successor->find(std::vector{spec.key});
  REQUIRE(found.front().found == Found::found);
  const auto& run = found.front().runs.front();
  CHECK(run.held_by_us);
  REQUIRE(successor->release(spec.key, run.ref).has_value());
  REQUIRE(wait_for_end(*successor, spec.key));
  CHECK(lines_of(read_text(mark)).size() == 1);
}

void too_large_a_run_is_refused(AdapterSubject& subject) {
  auto spec = shell_run(subject, "true");
  spec.allocation.gpus = 5;
  CHECK_FALSE(subject.adapter().validate(spec).has_value());
  const auto submitted = offer(subject.adapter(), spec);
  REQUIRE(submitted.kind == Submitted::Kind::failed);
  CHECK(submitted.failure.kind == FailureClass::permanent);
  CHECK(submitted.failure.message.find("GPUs") != std::string::npos);
}

}  // namespace amdahl::conformance::laws
