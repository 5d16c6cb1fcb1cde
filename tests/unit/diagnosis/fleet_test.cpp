#include "amdahl/diagnosis/fleet.hpp"

#include <catch2/catch.hpp>
#include <random>

namespace amdahl::diagnosis {
namespace {

using core::Attempt;
using core::RunOutcome;

Attempt attempt(const std::string& name, std::int64_t gpus, std::int64_t hours,
                RunOutcome outcome) {
  Attempt made;
  made.cluster = "c";
  made.user = "u";
  made.name = name;
  made.gpus = gpus;
  made.start_s = 1'000'000;
  made.end_s = *made.start_s + hours * 3600;
  made.outcome = outcome;
  return made;
}

TEST_CASE("each way to end is charged where it belongs", "[fleet]") {
  Fleet fleet;
  fleet.add(attempt("a", 8, 1, RunOutcome::succeeded));
  fleet.add(attempt("a", 8, 2, RunOutcome::failed));
  fleet.add(attempt("a", 8, 1, RunOutcome::out_of_memory));
  fleet.add(attempt("a", 8, 4, RunOutcome::timed_out));
  fleet.add(attempt("a", 8, 5, RunOutcome::cancelled));
  fleet.add(attempt("a", 8, 6, RunOutcome::preempted));
  fleet.add(attempt("a", 8, 7, RunOutcome::node_failed));
  const auto all = fleet.ranked(100);
  REQUIRE(all.size() == 1);
  const auto& hours = all[0].hours;
  CHECK(all[0].runs == 7);
  CHECK(hours.paid == Approx(8 * 26));
  CHECK(hours.unknown == Approx(8));
  CHECK(hours.failed == Approx(8 * 3));
  CHECK(hours.timed_out == Approx(8 * 4));
  CHECK(hours.cancelled == Approx(8 * 5));
  CHECK(hours.redo == Approx(8 * 13));
  CHECK(hours.waste() == Approx(8 * 25));
}

TEST_CASE("GPUs that no step was given are charged first, launch on the others", "[fleet]") {
  Fleet fleet;
  auto one = attempt("a", 8, 10, RunOutcome::succeeded);
  one.step_gpus = 2;
  one.first_step_s = *one.start_s + 3600;
  one.eligible_s = *one.start_s - 7200;
  fleet.add(one);
  const auto hours = fleet.ranked(100).at(0).hours;
  CHECK(hours.over == Approx(60));
  CHECK(hours.launch == Approx(2));
  CHECK(hours.unknown == Approx(18));
  CHECK(hours.queue == Approx(16));
  CHECK(hours.paid == Approx(80));
}

TEST_CASE("the parts add up to what was paid, whatever the records say", "[fleet]") {
  std::mt19937_64 dice{20261127};
  const auto up_to = [&](std::int64_t max) {
    return static_cast<std::int64_t>(dice() % static_cast<std::uint64_t>(max + 1));
  };
  Fleet fleet;
  for (int i = 0; i < 2000; ++i) {
    auto one = attempt("job" + std::to_string(up_to(3)), 1 + up_to(15), up_to(100),
                       static_cast<RunOutcome>(up_to(10)));
    if (up_to(1) == 1) one.step_gpus = up_to(40) - 10;
    if (up_to(1) == 1) one.first_step_s = *one.start_s - 5000 + up_to(500'000);
    if (up_to(1) == 1) one.eligible_s = *one.start_s - 5000 + up_to(10'000);
    fleet.add(one);
  }
  double last = 1e18;
  for (const auto& family : fleet.ranked(100)) {
    const auto& hours = family.hours;
    const auto sum = hours.launch + hours.over + hours.failed + hours.timed_out + hours.cancelled +
                     hours.redo + hours.unknown;
    CHECK(sum == Approx(hours.paid));
    for (const auto part : {hours.launch, hours.over, hours.failed, hours.timed_out,
                            hours.cancelled, hours.redo, hours.unknown, hours.queue})
      CHECK(part >= -1e-9);
    CHECK(hours.waste() <= last + 1e-9);
    last = hours.waste();
  }
}

TEST_CASE("what is no production that ended is counted and left out", "[fleet]") {
  Fleet fleet;
  auto running = attempt("a", 8, 1, RunOutcome::succeeded);
  running.outcome.reset();
  fleet.add(running);
  fleet.add(attempt("a", 0, 1, RunOutcome::succeeded));
  auto in_the_queue = attempt("a", 8, 1, RunOutcome::cancelled);
  in_the_queue.gpus.reset();
  fleet.add(in_the_queue);
  fleet.add(attempt("al-vpcxt4ri6ij43prwldkql4mtti-1", 8, 1, RunOutcome::succeeded));
  auto backwards = attempt("a", 8, 1, RunOutcome::succeeded);
  backwards.end_s = *backwards.start_s - 1;
  fleet.add(backwards);
  auto timeless = attempt("a", 8, 1, RunOutcome::succeeded);
  timeless.start_s.reset();
  fleet.add(timeless);
  CHECK(fleet.ranked(100).empty());
  CHECK_FALSE(fleet.days());
  CHECK(fleet.counts().attempts == 6);
  CHECK(fleet.counts().not_ended == 1);
  CHECK(fleet.counts().without_gpus == 2);
  CHECK(fleet.counts().experiments == 1);
  CHECK(fleet.counts().without_times == 2);
}

TEST_CASE("runs of one family differ in numbers that count them only", "[fleet]") {
  for (const auto& [name, family] :
       std::vector<std::pair<std::string, std::string>>{{"train_seed12", "train_seed#"},
                                                        {"train-003", "train-#"},
                                                        {"2026-11-27_sweep", "#-#-#_sweep"},
                                                        {"resnet50", "resnet50"},
                                                        {"resnet50_run7", "resnet50_run#"},
                                                        {"gpt2-xl", "gpt2-xl"},
                                                        {"trial9", "trial#"},
                                                        {"overrun9", "overrun9"},
                                                        {"7", "#"},
                                                        {"", ""}}) {
    CHECK(family_name(name) == family);
  }
  Fleet fleet;
  fleet.add(attempt("train_seed1", 8, 1, RunOutcome::failed));
  fleet.add(attempt("train_seed2", 8, 1, RunOutcome::failed));
  fleet.add(attempt("train_seed2", 4, 1, RunOutcome::failed));
  auto of_another = attempt("train_seed3", 8, 1, RunOutcome::failed);
  of_another.user = "v";
  fleet.add(of_another);
  const auto all = fleet.ranked(100);
  REQUIRE(all.size() == 3);
  CHECK(all[0].runs == 2);
  CHECK(all[0].hours.paid == Approx(16));
}

}  // namespace
}  // namespace amdahl::diagnosis
