#include <future>

#include "local_subject.hpp"

using namespace amdahl;
using namespace amdahl::conformance;

TEST_CASE("a leg that fills the disk still yields its result", "[conformance][local]") {
  LocalSubject subject{2 << 20};
  if (!subject.has_own_disk()) {
    WARN("skipped: a small disk cannot be mounted here");
    return;
  }
  auto spec = shell_run(subject, "cat /dev/zero > fill; echo units 7; exit 3");
  add_variant(spec, "echo x > more || exit 4");
  spec.units = {core::Source::Kind::regex, "units (\\d+)", "", ""};
  const auto result = execute(subject, spec);
  REQUIRE(result.legs.size() == 2);
  CHECK(result.legs[0].exit_code == 3);
  CHECK(result.legs[1].exit_code == 4);
}

TEST_CASE("a full disk refuses a submit that may be repeated", "[conformance][local]") {
  LocalSubject subject{1 << 20};
  if (!subject.has_own_disk()) {
    WARN("skipped: a small disk cannot be mounted here");
    return;
  }
  const auto spec = shell_run(subject, "true");
  const auto fill = subject.scratch() / "fill";
  write_text(fill, std::string(2 << 20, 'x'));
  const auto submitted = offer(subject.adapter(), spec);
  REQUIRE(submitted.kind == scheduler_adapters::Submitted::Kind::failed);
  CHECK(submitted.failure.kind == scheduler_adapters::FailureClass::retryable);
  CHECK(submitted.failure.message.find("No space") != std::string::npos);
  fs::remove(fill);
  CHECK(execute(subject, spec).legs.size() == 1);
}

TEST_CASE("a disk that is full when work would begin claims nothing", "[conformance][local]") {
  LocalSubject subject{1 << 20};
  if (!subject.has_own_disk()) {
    WARN("skipped: a small disk cannot be mounted here");
    return;
  }
  const auto spec = shell_run(subject, "true");
  const auto submitted = submit(subject, spec);
  REQUIRE(subject.adapter().release(spec.key, submitted.ref).has_value());
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  const auto other = shell_run(subject, "true");
  const auto held = submit(subject, other);
  write_text(subject.scratch() / "fill", std::string(2 << 20, 'x'));
  if (!subject.adapter().release(other.key, held.ref)) return;  // not even released: nothing ran
  REQUIRE(wait_for_end(subject.adapter(), other.key));
  const auto seen = observed(subject.adapter(), other.key);
  CHECK(seen->outcome == core::RunOutcome::launch_failed);
  CHECK(seen->cause == core::CauseClass::infra);
  CHECK_FALSE(seen->claimed);
}

TEST_CASE("a shim that is told to end stops its legs and says so", "[conformance][local]") {
  LocalSubject subject;
  const auto spec = shell_run(subject, "exec sleep 600");
  const auto submitted = submit(subject, spec);
  REQUIRE(subject.adapter().release(spec.key, submitted.ref).has_value());
  REQUIRE(eventually(
      [&] { return observed(subject.adapter(), spec.key)->state == core::RunState::running; }));
  ::kill(static_cast<pid_t>(std::stol(submitted.ref.native_id)), SIGTERM);
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  CHECK(observed(subject.adapter(), spec.key)->outcome == core::RunOutcome::cancelled);
}

TEST_CASE("a shim killed while held has launched nothing", "[conformance][local]") {
  LocalSubject subject;
  const auto mark = subject.scratch() / "ran";
  const auto spec = shell_run(subject, count_in(mark));
  const auto submitted = submit(subject, spec);
  subject.crash(spec.key);
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  const auto seen = observed(subject.adapter(), spec.key);
  CHECK(seen->outcome == core::RunOutcome::launch_failed);
  CHECK_FALSE(seen->claimed);
  CHECK_FALSE(fs::exists(mark));
}

TEST_CASE("a result that is no result is a lost run", "[conformance][local]") {
  LocalSubject subject;
  const auto spec = shell_run(subject, "true");
  execute(subject, spec);
  write_text(subject.live() / spec.key.text / "result.json", "{\"key\":");
  // Until the shim has gone it may be about to write one.
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  const auto seen = observed(subject.adapter(), spec.key);
  CHECK(seen->outcome == core::RunOutcome::lost);
  CHECK(seen->reason.find("result.json") != std::string::npos);
}

TEST_CASE("many services starting one key at once start one shim", "[conformance][local]") {
  LocalSubject subject;
  const auto mark = subject.scratch() / "ran";
  const auto spec = shell_run(subject, count_in(mark));
  using Kind = scheduler_adapters::Submitted::Kind;
  std::vector<std::future<scheduler_adapters::Submitted>> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(
        std::async(std::launch::async, [&] { return offer(*subject.successor(), spec); }));
  }
  int accepted = 0;
  for (auto& one : all) {
    const auto submitted = one.get();
    INFO(submitted.failure.message);
    CHECK(submitted.kind != Kind::failed);
    accepted += submitted.kind == Kind::accepted;
  }
  CHECK(accepted <= 1);
  REQUIRE(subject.adapter().release(spec.key, {}).has_value());
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  CHECK(lines_of(read_text(mark)).size() == 1);
}
