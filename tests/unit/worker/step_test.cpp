#include "step.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace amdahl;

namespace {

std::vector<std::string> words_of(const core::LegSpec& leg) {
  core::RunSpec spec;
  spec.allocation = {3, 12, 7, 0};
  spec.legs = {core::LegSpec{}, leg};
  return worker::srun_words(spec, 1, "/shared/it's $(x)", "17", "/opt/amdahl-run");
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

TEST_CASE("srun is told of a leg's place and size, and nothing of what it is", "[worker][step]") {
  core::LegSpec leg;
  leg.command = {"secret", "--flag"};
  leg.env = {{"TOKEN", "x"}};
  leg.nodes = 2;
  leg.gpus = 4;
  const auto words = words_of(leg);
  for (const auto* word : {"--jobid=17", "--nodes=2", "--ntasks=2", "--ntasks-per-node=1",
                           "--gres=gpu:2", "--cpus-per-task=3", "--overlap", "--relative=0"}) {
    INFO(word);
    CHECK(has(words, word));
  }
  REQUIRE(words.size() > 4);
  CHECK(std::vector(words.end() - 4, words.end()) ==
        std::vector<std::string>{"/opt/amdahl-run", "task", "/shared/it's $(x)", "1"});
  CHECK_FALSE(has(words, "secret"));
  leg.gpus = 0;
  CHECK(has(words_of(leg), "--gres=none"));
}
