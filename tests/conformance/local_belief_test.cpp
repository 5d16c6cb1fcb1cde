#include <cstdlib>

#include "amdahl/run_files/life_lock.hpp"
#include "local_subject.hpp"

// What the files of a run directory prove, and what they do not.

using namespace amdahl;
using namespace amdahl::conformance;

TEST_CASE("a held shim that finds the claim taken runs nothing", "[conformance][local]") {
  LocalSubject subject;
  const auto mark = subject.scratch() / "ran";
  const auto spec = shell_run(subject, count_in(mark));
  const auto submitted = submit(subject, spec);
  write_text(subject.live() / spec.key.text / "claim", "{}");
  REQUIRE(subject.adapter().release(spec.key, submitted.ref).has_value());
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  CHECK_FALSE(fs::exists(mark));
  CHECK(read_text(subject.live() / spec.key.text / "claim") == "{}");
  CHECK(fs::exists(subject.live() / spec.key.text / "duplicate"));
}

TEST_CASE("a result that names another run is not this run's", "[conformance][local]") {
  LocalSubject subject;
  const auto spec = shell_run(subject, "true"), other = shell_run(subject, "true");
  execute(subject, spec);
  execute(subject, other);
  const auto result = subject.live() / spec.key.text / "result.json";
  write_text(result, read_text(subject.live() / other.key.text / "result.json"));
  // Until the shim has gone it may be about to write one.
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  const auto seen = observed(subject.adapter(), spec.key);
  CHECK(seen->outcome == core::RunOutcome::lost);
  CHECK(seen->reason == "result.json names another run");
}

TEST_CASE("a run whose files cannot be read is not called absent", "[conformance][local]") {
  LocalSubject subject;
  const auto spec = shell_run(subject, "true");
  fs::create_directories(subject.live() / spec.key.text);
  fs::create_symlink("nowhere", subject.live() / spec.key.text / "lock");
  const auto listing = subject.adapter().list();
  CHECK_FALSE(listing.complete);
  CHECK(listing.problem.find(spec.key.text) != std::string::npos);
  CHECK(subject.adapter().find(std::vector{spec.key}).front().found ==
        scheduler_adapters::Found::not_found_inconclusive);
}

TEST_CASE("a shim that has its lock and no name yet is neither absent nor submitted again",
          "[conformance][local]") {
  LocalSubject subject;
  const auto spec = shell_run(subject, "true");
  fs::create_directories(subject.live() / spec.key.text);
  auto lock = run_files::LifeLock::try_take(subject.live() / spec.key.text / "lock");
  REQUIRE(lock.value().has_value());
  const auto found = subject.adapter().find(std::vector{spec.key}).front();
  REQUIRE(found.found == scheduler_adapters::Found::found);
  CHECK(found.runs.at(0).ref.native_id.empty());
  const auto again = subject.adapter().submit(spec, std::chrono::seconds{5});
  CHECK(again.kind == scheduler_adapters::Submitted::Kind::failed);
  CHECK(again.failure.kind == scheduler_adapters::FailureClass::unknown_outcome);
  lock.value().reset();
  CHECK_FALSE(submit(subject, spec).ref.native_id.empty());
}

TEST_CASE("a run that was stopped before it had a name is not called submitted",
          "[conformance][local]") {
  LocalSubject subject;
  const auto spec = shell_run(subject, "true");
  fs::create_directories(subject.live() / spec.key.text);
  CHECK(subject.adapter().cancel(spec.key, {}, scheduler_adapters::CancelMode::stop) ==
        scheduler_adapters::Cancelled::requested);
  subject.adapter().acknowledge(spec.key);
  const auto again = subject.adapter().submit(spec, std::chrono::seconds{5});
  CHECK(again.failure.kind == scheduler_adapters::FailureClass::unknown_outcome);
  const auto found = subject.adapter().find(std::vector{spec.key}).front();
  REQUIRE(found.runs.size() == 1);
  CHECK(found.runs[0].outcome == core::RunOutcome::cancelled);
}

TEST_CASE("a leg begins under the claim", "[conformance][local]") {
  LocalSubject subject;
  auto spec = shell_run(subject, "");
  const auto claim = subject.live() / spec.key.text / "claim";
  spec.legs.front().command = {"sh", "-c", "test -s '" + claim.string() + "'"};
  CHECK(execute(subject, spec).legs.front().exit_code == 0);
}

TEST_CASE("a shim started again for a run that has ended does nothing", "[conformance][local]") {
  LocalSubject subject;
  const auto mark = subject.scratch() / "ran";
  const auto spec = shell_run(subject, count_in(mark));
  const auto submitted = submit(subject, spec);
  // It ends without a claim: only its result says that it ended.
  subject.adapter().cancel(spec.key, submitted.ref, scheduler_adapters::CancelMode::only_if_held);
  const auto directory = subject.live() / spec.key.text;
  // Its lock would refuse the second one, too.
  REQUIRE(eventually([&] { return run_files::is_locked(directory / "lock").value() == false; }));
  write_text(directory / "release", "");
  const auto again = "'" + std::string{AMDAHL_SHIM} + "' start '" + directory.string() + "' >'" +
                     (subject.scratch() / "answer").string() + "'";
  REQUIRE(std::system(again.c_str()) == 0);
  CHECK(read_text(subject.scratch() / "answer").find("\"already\":true") != std::string::npos);
  CHECK(result_of(subject.adapter(), spec.key).cancelled);
  CHECK_FALSE(fs::exists(mark));
}
