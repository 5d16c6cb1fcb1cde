#include <catch2/catch.hpp>

#include "doctor_check.hpp"
#include "fake_services.hpp"
#include "support/scratch_folder.hpp"

using namespace amdahl::cli;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

// A machine on which all is well; a test makes one thing wrong.
struct Patient {
  amdahl::test::ScratchFolder folder;
  Bench bench;

  Patient() {
    bench.program = folder.path() / "amdahl";
    std::filesystem::permissions(folder.write("amdahl-run", ""), std::filesystem::perms::owner_all);
    bench.config.state_dir = folder.path();
    bench.ledger.now_us = bench.clock.time.count();
    bench.ledger.views["verify"] = {{"ok", true}, {"events", 12}};
    bench.ledger.views["status"] = {{"loop", {{"state", "running"}, {"holder", "ctl-01:7"}}}};
  }

  struct Found {
    ExitCode code;
    json check;
  };
  // Its line of that name. Whatever is not well says where and how to mend it.
  Found examine(const std::string& name) {
    const auto spoken = bench.run({"doctor", "-o", "json"});
    const auto document = json::parse(spoken.out);
    Found found{spoken.code, nullptr};
    for (const auto& check : document.at("checks")) {
      INFO(check.dump());
      CHECK_FALSE(check.at("text").get<std::string>().empty());
      CHECK((check.at("result") == "pass") == check.at("fix").get<std::string>().empty());
      if (check.at("name") == name) found.check = check;
    }
    REQUIRE(found.check.is_object());
    return found;
  }
};

}  // namespace

TEST_CASE("a doctor who finds nothing ends with 0", "[cli][doctor]") {
  Patient patient;
  const auto spoken = patient.bench.run({"doctor"});
  CHECK(spoken.code == ExitCode::ok);
  CHECK_THAT(spoken.out, Contains(" ✔ chain   12 events verified\n"));
  CHECK_THAT(spoken.out, Contains("\n0 failed, "));
}

TEST_CASE("the doctor finds an altered chain, says what to do and ends with 8", "[cli][doctor]") {
  Patient patient;
  patient.bench.ledger.views["verify"] = {
      {"ok", false}, {"first_bad", {{"problem", "event 7 does not follow event 6"}}}};
  const auto found = patient.examine("chain");
  CHECK(found.code == ExitCode::check_failed);
  CHECK(found.check["result"] == "failure");
  CHECK(found.check["text"] == "altered: event 7 does not follow event 6");
  CHECK(found.check["fix"] == "amdahl ledger verify");
  const auto spoken = patient.bench.run({"doctor"});
  CHECK(spoken.code == ExitCode::check_failed);
  CHECK_THAT(spoken.out, Contains(" ✖ chain   altered: event 7 does not follow event 6\n"
                                  "           → amdahl ledger verify\n"));
  CHECK_THAT(spoken.out, Contains("\n1 failed, "));
}

TEST_CASE("the doctor finds that amdahl-run is missing", "[cli][doctor]") {
  Patient patient;
  const auto shim = patient.folder.path() / "amdahl-run";
  CHECK(patient.examine("worker").check["text"] == shim.string());
  std::filesystem::remove(shim);
  const auto found = patient.examine("worker");
  CHECK(found.code == ExitCode::check_failed);
  CHECK(found.check["result"] == "failure");
  CHECK(found.check["text"] == shim.string() + " is missing");
  CHECK_THAT(found.check["fix"].get<std::string>(), Contains("amdahl-run beside amdahl"));
}

TEST_CASE("the doctor warns of a clock that is five seconds from the ledger's, on either side",
          "[cli][doctor]") {
  Patient patient;
  const auto here = patient.bench.clock.time.count();
  for (const std::int64_t ahead_us : {-5'000'000, 5'000'000}) {
    patient.bench.ledger.now_us = here + ahead_us;
    const auto found = patient.examine("clock");
    CHECK(found.code == ExitCode::ok);  // nothing is decided by it
    CHECK(found.check["result"] == "warning");
    CHECK(found.check["text"] == "5000 ms from the ledger's");
    CHECK_THAT(found.check["fix"].get<std::string>(), Contains("NTP"));
    patient.bench.ledger.now_us = here + ahead_us * 999 / 1'000;
    CHECK(patient.examine("clock").check["result"] == "pass");
  }
}

TEST_CASE("the doctor warns of a loop that is paused, and says why and how it goes on",
          "[cli][doctor]") {
  Patient patient;
  CHECK(patient.examine("loop").check["text"] == "led by ctl-01:7");
  patient.bench.ledger.views["status"] = {
      {"loop", {{"state", "paused"}, {"paused_reason", "maintenance"}}}};
  const auto found = patient.examine("loop");
  CHECK(found.code == ExitCode::ok);
  CHECK(found.check["result"] == "warning");
  CHECK(found.check["text"] == "paused: maintenance");
  CHECK(found.check["fix"] == "amdahl resume");
}

TEST_CASE("the doctor warns where no loop runs, and says how one is started", "[cli][doctor]") {
  Patient patient;
  patient.bench.ledger.views["status"] = {{"loop", {{"state", "no_leader"}}}};
  const auto found = patient.examine("loop");
  CHECK(found.code == ExitCode::ok);
  CHECK(found.check["result"] == "warning");
  CHECK(found.check["text"] == "no loop runs");
  CHECK_THAT(found.check["fix"].get<std::string>(), Contains("amdahl serve"));
}

TEST_CASE("the doctor warns where less than a twentieth of a disk is free", "[cli][doctor]") {
  Patient patient;
  CHECK_THAT(patient.examine("disk").check["text"].get<std::string>(),
             Contains("free below " + patient.folder.path().string()));
  const auto low = check_room("/var/lib/amdahl", {1'000'000, 49'999, 49'999});
  CHECK(low.result == Check::Result::warning);
  CHECK_THAT(low.text, Contains("below /var/lib/amdahl, 5.0 %"));
  CHECK_THAT(low.fix, Contains("service.state_dir"));
  // What only root may use is not free.
  CHECK(check_room("/", {1'000'000, 500'000, 49'999}).result == Check::Result::warning);
  const auto enough = check_room("/", {1'000'000, 50'000, 50'000});
  CHECK(enough.result == Check::Result::pass);
  CHECK(enough.fix.empty());
}
