#include <catch2/catch.hpp>
#include <filesystem>

#include "fake_services.hpp"
#include "golden.hpp"

using namespace amdahl::cli;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

// Two days of a small fleet.
constexpr auto accounting =
    "JobIDRaw|JobName|User|Account|Partition|Cluster|State|Submit|Eligible|Start|End|AllocTRES\n"
    "1|train_seed1|ann|vision|gpu|lab|COMPLETED|2026-11-01T00:00:00|2026-11-01T00:00:00|"
    "2026-11-01T01:00:00|2026-11-01T11:00:00|cpu=8,gres/gpu=8,node=1\n"
    "2|train_seed2|ann|vision|gpu|lab|FAILED|2026-11-01T00:00:00|2026-11-01T00:00:00|"
    "2026-11-01T01:00:00|2026-11-01T06:00:00|cpu=8,gres/gpu=8,node=1\n"
    "3|eval|bob|speech|gpu|lab|TIMEOUT|2026-11-02T00:00:00|2026-11-02T00:00:00|"
    "2026-11-02T00:00:00|2026-11-03T00:00:00|cpu=8,gres/gpu=2,node=1\n"
    "4|notebook|bob|speech|gpu|lab|RUNNING|2026-11-02T00:00:00|2026-11-02T00:00:00|"
    "2026-11-02T00:00:00|Unknown|cpu=8,gres/gpu=1,node=1\n"
    "5|build|bob|speech|cpu|lab|COMPLETED|2026-11-02T00:00:00|2026-11-02T00:00:00|"
    "2026-11-02T00:00:00|2026-11-02T01:00:00|cpu=8,node=1\n"
    "what is this\n";

}  // namespace

TEST_CASE("rank --from says where a fleet's hours went, without a ledger", "[cli][rank]") {
  Bench bench;
  bench.ledger.answer_read = [](auto, const auto&) -> json {
    throw std::logic_error{"it asked the ledger"};
  };
  bench.input = accounting;
  const auto spoken = bench.run({"rank", "--from", "-"});
  CHECK(spoken.code == ExitCode::ok);
  CHECK(spoken.out + spoken.err == golden("rank-file.txt", spoken.out + spoken.err));
}

TEST_CASE("rank --from gives programs hours, shares and what was left out", "[cli][rank]") {
  Bench bench;
  bench.input = accounting;
  const auto document = json::parse(bench.run({"rank", "--from", "-", "-o", "json"}).out);
  CHECK(document["schema"] == "amdahl.rank/v1");
  CHECK(document["attempts"] == 5);
  CHECK(document["left_out"] == json{{"not_ended", 1},
                                     {"without_gpus", 1},
                                     {"without_times", 0},
                                     {"experiments", 0},
                                     {"unreadable", 1}});
  CHECK(document["first_unreadable_line"] == 7);
  REQUIRE(document["jobs"].size() == 2);
  const auto& eval = document["jobs"][0];
  CHECK(eval["job"] == "eval");
  CHECK(eval["waste_gpu_hours"].get<double>() == Approx(48));
  CHECK(eval["largest_phase"] == "timed_out");
  CHECK(eval["ceiling"].is_null());
  const auto& train = document["jobs"][1];
  CHECK(train["job"] == "train_seed#");
  CHECK(train["runs"] == 2);
  CHECK(train["gpu_hours"]["paid"].get<double>() == Approx(120));
  CHECK(train["gpu_hours"]["queue"].get<double>() == Approx(16));
  CHECK(train["waste_gpu_hours"].get<double>() == Approx(40));
  CHECK(train["ceiling"].get<double>() == Approx(1.5));
  CHECK(train["explained_share"].get<double>() == Approx(1.0 / 3));
  const double months = 47.0 / 24 / 30.44;
  CHECK(train["waste_gpu_hours_per_month"].get<double>() == Approx(40 / months));
}

TEST_CASE("less than a day says nothing of a month", "[cli][rank]") {
  Bench bench;
  bench.input =
      "JobID|State|Start|End|AllocTRES\n1|FAILED|1795795000|1795798600|gres/gpu=8,node=1\n";
  const auto row = json::parse(bench.run({"rank", "--from", "-", "--json"}).out)["jobs"][0];
  CHECK(row["waste_gpu_hours"].get<double>() == Approx(8));
  CHECK(row["waste_gpu_hours_per_month"].is_null());
  CHECK(row["runs_per_month"].is_null());
}

TEST_CASE("rank --from names the file, the place and the way out", "[cli][rank]") {
  Bench bench;
  const auto missing = bench.run({"rank", "--from", "gone.txt"});
  CHECK(missing.code == ExitCode::not_found);
  CHECK_THAT(missing.err, Contains("gone.txt: No such file"));
  bench.input = "a,b\n1,2\n";
  const auto other = bench.run({"rank", "--from", "-"});
  CHECK(other.code == ExitCode::usage);
  CHECK_THAT(other.err, Contains("standard input: line 1: no column JobIDRaw, State"));
  CHECK_THAT(other.err, Contains("sacct -a -D -P"));
  bench.input = "{\"jobs\": 1}";
  CHECK_THAT(bench.run({"rank", "--from", "-"}).err, Contains("no list of jobs"));
  bench.directory = std::filesystem::temp_directory_path();
  CHECK_THAT(bench.run({"rank", "--from", "."}).err, Contains(".: is a directory"));
}
