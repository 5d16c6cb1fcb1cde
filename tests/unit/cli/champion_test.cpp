#include <catch2/catch.hpp>

#include "amdahl/core/job.hpp"
#include "fake_services.hpp"
#include "golden.hpp"

using namespace amdahl;
using namespace amdahl::cli;
using nlohmann::json;

namespace {

json job_document(bool won) {
  core::JobSpec job;
  job.name = "eval-qa";
  job.cluster = "local";
  job.command = {"python3", "eval.py", "--workers={workers}", "--seed", "{seed}", "it's"};
  job.workdir = "/jobs/eval";
  job.env = {{"PYTHONHASHSEED", "0"}};
  job.resources = {1, 4, 2, 2LL << 30};
  job.has_quality = true;
  job.quality_metric = "accuracy";
  job.quality_margin = 0.005;
  job.knobs = {{"workers", "input", "", "", "0", {"2"}}};
  auto champion = core::baseline_configuration(job);
  if (won) {
    champion.args["workers"] = "2";
    champion.resources.gpus = 2;
    champion.env["OMP_NUM_THREADS"] = "1";
  }
  return {{"name", "eval-qa"},
          {"spec", core::to_json(job)},
          {"champion", core::to_json(champion)},
          {"wins", won ? json{12, 15} : json::array()}};
}

}  // namespace

TEST_CASE("champion prints what was won, ready to run, and the way back", "[cli][champion]") {
  Bench bench;
  bench.ledger.views["job"] = job_document(true);
  const auto spoken = bench.run({"champion", "eval-qa"});
  CHECK(spoken.code == ExitCode::ok);
  CHECK(spoken.out == golden("champion.txt", spoken.out));
}

TEST_CASE("champion prints one form alone for use in scripts", "[cli][champion]") {
  Bench bench;
  bench.ledger.views["job"] = job_document(true);
  CHECK(bench.run({"champion", "eval-qa", "--as", "args"}).out ==
        "python3 eval.py --workers=2 --seed 1 'it'\\''s'\n");
  CHECK(bench.run({"champion", "eval-qa", "--as", "args", "--rollback"}).out ==
        "python3 eval.py --workers=0 --seed 1 'it'\\''s'\n");
  CHECK(bench.run({"champion", "eval-qa", "--as", "env"}).out ==
        "export OMP_NUM_THREADS=1\nexport PYTHONHASHSEED=0\n");
  CHECK(bench.run({"champion", "eval-qa", "--as", "patch"}).out.empty());
  CHECK(bench.run({"champion", "eval-qa", "--as", "yaml"}).code == ExitCode::usage);
}

TEST_CASE("champion's JSON holds both arms as anybody can run them", "[cli][champion]") {
  Bench bench;
  bench.ledger.views["job"] = job_document(true);
  const auto document = json::parse(bench.run({"champion", "eval-qa", "--json"}).out);
  CHECK(document["baseline"]["gpus"] == 4);
  CHECK(document["champion"]["gpus"] == 2);
  CHECK(document["champion"]["command"][2] == "--workers=2");
  CHECK(document["champion"]["workdir"] == "/jobs/eval");
  CHECK(document["quality_margin"] == 0.005);
}

TEST_CASE("a job without wins says so", "[cli][champion]") {
  Bench bench;
  bench.ledger.views["job"] = job_document(false);
  const auto spoken = bench.run({"champion", "eval-qa"});
  CHECK_THAT(spoken.out, Catch::Matchers::Contains("nothing won yet"));
  CHECK_THAT(spoken.out, !Catch::Matchers::Contains("ROLLBACK"));
}
