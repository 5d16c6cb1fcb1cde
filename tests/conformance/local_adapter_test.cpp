#include "local_subject.hpp"

using namespace amdahl;
using namespace amdahl::conformance;

AMDAHL_ADAPTER_SUITE(LocalSubject)

TEST_CASE("a folder entry that is no run is named and hides nothing", "[conformance][local]") {
  LocalSubject subject;
  const auto spec = shell_run(subject, "true");
  submit(subject, spec);
  write_text(subject.live() / "notes.txt", "mine");
  const auto listing = subject.adapter().list();
  CHECK(listing.complete);
  CHECK(listing.problem.find("notes.txt") != std::string::npos);
  CHECK(listing.runs.size() == 1);
}

TEST_CASE("a state folder that is gone proves nothing", "[conformance][local]") {
  LocalSubject subject;
  const auto spec = shell_run(subject, "true");
  fs::remove_all(subject.live());
  CHECK_FALSE(subject.adapter().list().complete);
  const auto found = subject.adapter().find(std::vector{spec.key});
  CHECK(found.front().found == scheduler_adapters::Found::not_found_inconclusive);
}

TEST_CASE("a shim that cannot be executed is provably not accepted", "[conformance][local]") {
  LocalSubject subject;
  auto options = subject.options();
  options.shim = subject.scratch() / "missing";
  const auto adapter = scheduler_adapters::make_local_adapter(options, subject.clock());
  const auto spec = shell_run(subject, "true");
  const auto submitted = offer(*adapter, spec);
  REQUIRE(submitted.kind == scheduler_adapters::Submitted::Kind::failed);
  CHECK(submitted.failure.kind == scheduler_adapters::FailureClass::retryable);
  CHECK(adapter->find(std::vector{spec.key}).front().found ==
        scheduler_adapters::Found::not_found_authoritative);
  // The same key then works.
  CHECK(offer(subject.adapter(), spec).kind == scheduler_adapters::Submitted::Kind::accepted);
}

TEST_CASE("a shim that does not answer leaves the outcome unknown", "[conformance][local][.slow]") {
  LocalSubject subject;
  auto options = subject.options();
  options.shim = subject.scratch() / "mute";
  write_text(options.shim, "#!/bin/sh\nexec sleep 60\n");
  fs::permissions(options.shim, fs::perms::owner_all);
  const auto adapter = scheduler_adapters::make_local_adapter(options, subject.clock());
  const auto submitted = offer(*adapter, shell_run(subject, "true"));
  REQUIRE(submitted.kind == scheduler_adapters::Submitted::Kind::failed);
  CHECK(submitted.failure.kind == scheduler_adapters::FailureClass::unknown_outcome);
}
