#include <catch2/catch.hpp>
#include <map>

#include "fake_services.hpp"

using namespace amdahl::cli;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

constexpr auto titles =
    "JobIDRaw|JobName|User|Account|Partition|Cluster|State|Submit|Eligible|Start|End|AllocTRES\n";

std::string line(const std::string& id, const std::string& name, const std::string& cluster,
                 const std::string& submit) {
  return id + "|" + name + "|ann|vision|gpu|" + cluster + "|FAILED|" + submit +
         "|1795795000|1795795000|1795798600|gres/gpu=8,node=1\n";
}

}  // namespace

TEST_CASE("import sacct stores what a ranking would count", "[cli][import]") {
  Bench bench;
  bench.input = titles + line("7", "train_seed3", "fleet", "1795794000");
  const auto spoken = bench.run({"import", "sacct", "--from", "-"});
  CHECK(spoken.code == ExitCode::ok);
  CHECK(spoken.out == "2 lines, 1 attempts: 1 new, 0 changed, 0 unchanged; 0 refused\n");
  REQUIRE(bench.imported.size() == 1);
  const auto& row = bench.imported[0];
  CHECK(row.family.name == "train_seed#");
  CHECK(row.family.cluster == "fleet");
  CHECK(row.family.gpus == 8);
  CHECK(row.name == "train_seed3");
  CHECK(row.native_id == "7");
  CHECK(row.submit_s == 1'795'794'000);
  CHECK(row.rest_gpu_s == 8 * 3600);
  CHECK(row.part == 1);
}

TEST_CASE("import sacct says which lines it refused and why", "[cli][import]") {
  Bench bench;
  bench.input = titles + line("1", "a", "fleet", "1795794000") + "what is this\n" +
                line("2", "a", "", "1795794000") + line("3", "a", "fleet", "Unknown") +
                line("4", std::string(600, 'n'), "fleet", "1795794000") + "x" +
                line("5", "a", "fleet", "1795794000") +
                "6|a|ann|vision|gpu|fleet|FAILED|1795794000|1795795000|1795795000|1795798600|"
                "gres/gpu=99999999,node=1\n";
  const auto document =
      json::parse(bench.run({"import", "sacct", "--from", "-", "-o", "json"}).out);
  CHECK(document["schema"] == "amdahl.import/v1");
  CHECK(document["attempts"] == 1);
  CHECK(document["refused"] == 6);
  std::map<int, std::string> why;
  for (const auto& refusal : document["refusals"]) why[refusal["line"]] = refusal["why"];
  CHECK_THAT(why[3], Contains("1 cells under 12 titles"));
  CHECK_THAT(why[4], Contains("--cluster"));
  CHECK_THAT(why[5], Contains("no time of submission"));
  CHECK_THAT(why[6], Contains("600 bytes"));
  CHECK_THAT(why[7], Contains("no job id"));
  CHECK_THAT(why[8], Contains("99999999 GPUs"));
}

TEST_CASE("lines that name no cluster are of that of --cluster", "[cli][import]") {
  Bench bench;
  bench.input = titles + line("1", "a", "", "1795794000") + line("2", "a", "other", "1795794000");
  CHECK(bench.run({"import", "sacct", "--from", "-", "--cluster", "mine"}).code == ExitCode::ok);
  REQUIRE(bench.imported.size() == 2);
  CHECK(bench.imported[0].family.cluster == "mine");
  CHECK(bench.imported[1].family.cluster == "other");
}

TEST_CASE("a file of which nothing can be stored is no success", "[cli][import]") {
  Bench bench;
  bench.input = titles + line("1", "a", "", "1795794000");
  const auto spoken = bench.run({"import", "sacct", "--from", "-"});
  CHECK(spoken.code == ExitCode::usage);
  CHECK_THAT(spoken.err, Contains("line 2: it names no cluster"));
}

TEST_CASE("what is no UTF-8 is stored with replacement characters", "[cli][import]") {
  Bench bench;
  bench.input = titles + line("1", "a\xff", "fleet", "1795794000");
  CHECK(bench.run({"import", "sacct", "--from", "-"}).code == ExitCode::ok);
  REQUIRE(bench.imported.size() == 1);
  CHECK(bench.imported[0].name == "a\xEF\xBF\xBD");
}

TEST_CASE("import sacct names what is wrong with its moments and clusters", "[cli][import]") {
  Bench bench;
  const auto err = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"import", "sacct"});
    return bench.run(words).err;
  };
  CHECK_THAT(err({"--since", "yesterday"}), Contains("--since yesterday: no moment"));
  CHECK_THAT(err({"--since", "2026-13-01"}), Contains("no moment"));
  CHECK_THAT(err({"--since", "2026-11-20T25:00:00Z"}), Contains("no moment"));
  CHECK_THAT(err({"--since", "1d", "--until", "2d"}), Contains("--since is not before --until"));
  CHECK_THAT(err({"--since", "2026-11-01", "--until", "2026-11-02T00:00:00Z"}),
             Contains("no cluster of Slurm is configured"));
  CHECK_THAT(err({"--cluster", "moon"}), Contains("cluster \"moon\" is not configured here"));
}
