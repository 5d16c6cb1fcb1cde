#include "amdahl/scheduler_adapters/slurm_accounting.hpp"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "slurm_fixture.hpp"
#include "slurm_time.hpp"

namespace amdahl::scheduler_adapters {
namespace {

using core::Attempt;
using core::RunOutcome;

constexpr std::string_view titles =
    "JobIDRaw|JobName|User|Account|Partition|Cluster|State|Submit|Eligible|Start|End|AllocTRES\n";

struct Read {
  std::vector<Attempt> attempts;
  SlurmAccounting::Counts counts;
  std::string problem, hint;
};

Read read(std::string_view text, std::size_t piece = 1 << 20) {
  Read all;
  SlurmAccounting reader{[&](Attempt&& attempt) { all.attempts.push_back(std::move(attempt)); }};
  core::Result<void> result{};
  for (std::size_t at = 0; at < text.size() && result; at += piece)
    result = reader.feed(text.substr(at, piece));
  if (result) result = reader.finish();
  if (!result) {
    all.problem = result.error().message;
    all.hint = result.error().hint;
  }
  all.counts = reader.counts();
  return all;
}

TEST_CASE("a requeued attempt has ended in text and in JSON", "[slurm][accounting]") {
  const auto text = read(std::string{titles} +
                         "7|train|ann|vision|gpu|lab|REQUEUED|1000|1000|1100|1200|gres/gpu=8\n"
                         "7|train|ann|vision|gpu|lab|PENDING|1201|Unknown|Unknown|Unknown|\n");
  std::vector<Attempt> json;
  const auto record = [](const char* state, const char* times) {
    return std::string{R"({"job_id":7,"name":"train","state":{"current":")"} + state +
           R"("},"time":)" + times +
           R"(,"tres":{"allocated":[{"type":"gres","name":"gpu","count":8}]}})";
  };
  const auto unreadable = read_slurm_accounting_json(
      "{\"jobs\":[" +
          record("REQUEUED", R"({"submission":1000,"eligible":1000,"start":1100,"end":1200})") +
          "," + record("PENDING", R"({"submission":1201,"eligible":0,"start":0,"end":0})") + "]}",
      [&](Attempt&& attempt) { json.push_back(std::move(attempt)); });
  CHECK(unreadable.has_value());
  REQUIRE(text.attempts.size() == 2);
  REQUIRE(json.size() == 2);
  for (const auto* attempts : {&text.attempts, &std::as_const(json)}) {
    CHECK((*attempts)[0].outcome == RunOutcome::lost);
    CHECK((*attempts)[0].start_s == 1100);
    CHECK((*attempts)[0].end_s == 1200);
    CHECK_FALSE((*attempts)[1].outcome.has_value());
    CHECK_FALSE((*attempts)[1].start_s.has_value());
    CHECK_FALSE((*attempts)[1].end_s.has_value());
  }
}

TEST_CASE("a real accounting's text and JSON say the same attempts", "[slurm][accounting]") {
  const auto text = read(fixture("sacct_D.txt"));
  REQUIRE(text.problem.empty());
  std::vector<Attempt> json;
  const auto unreadable = read_slurm_accounting_json(
      fixture("sacct.json"), [&](Attempt&& attempt) { json.push_back(std::move(attempt)); });
  REQUIRE(unreadable.has_value());
  CHECK(*unreadable == 0);
  REQUIRE(text.attempts.size() == 11);
  REQUIRE(json.size() == text.attempts.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    CAPTURE(json[i].name);
    CHECK(json[i].native_id == text.attempts[i].native_id);
    CHECK(json[i].name == text.attempts[i].name);
    CHECK(json[i].account == "root");
    CHECK(json[i].gpus == text.attempts[i].gpus);
    CHECK(json[i].outcome == text.attempts[i].outcome);
  }
  CHECK(text.attempts[3].outcome == RunOutcome::preempted);
  CHECK(text.attempts[3].gpus == 16);
  CHECK(*text.attempts[3].end_s - *text.attempts[3].start_s == 2);
  CHECK(text.attempts[5].outcome == RunOutcome::node_failed);
  CHECK_FALSE(text.attempts[6].outcome);
}

TEST_CASE("pieces of any size are read alike", "[slurm][accounting]") {
  const auto text = fixture("sacct_D.txt");
  const auto whole = read(text);
  for (const std::size_t piece : {1U, 2U, 7U, 100U}) {
    const auto pieces = read(text, piece);
    REQUIRE(pieces.attempts.size() == whole.attempts.size());
    CHECK(pieces.counts.lines == whole.counts.lines);
    CHECK(pieces.attempts.back().name == whole.attempts.back().name);
  }
}

TEST_CASE("columns stand in any order, and --parsable's last bar is no cell",
          "[slurm][accounting]") {
  const auto all = read(
      "AllocTRES|END|Start|State|JobID|\n"
      "billing=8,gres/gpu=4,node=1|1795795100|1795795000|TIMEOUT|17_3|\n");
  REQUIRE(all.attempts.size() == 1);
  CHECK(all.attempts[0].native_id == "17_3");
  CHECK(all.attempts[0].outcome == RunOutcome::timed_out);
  CHECK(all.attempts[0].gpus == 4);
  CHECK(all.attempts[0].end_s == 1795795100);
  CHECK_FALSE(all.attempts[0].submit_s);
}

TEST_CASE("steps say when the user's program began and what GPUs it was given",
          "[slurm][accounting]") {
  const auto all = read(std::string{titles} +
                        "9|a|u|x|p|c|COMPLETED|1000|1000|1000|2000|gres/gpu=8,node=1\n"
                        "9.extern|extern||x||c|COMPLETED|1000|1000|1000|2000|gres/gpu=8,node=1\n"
                        "9.batch|batch||x||c|COMPLETED|1030|1030|1030|2000|gres/gpu=8,node=1\n"
                        "9.0|train||x||c|COMPLETED|1040|1040|1040|2000|gres/gpu=2,node=1\n"
                        "9.1|eval||x||c|COMPLETED|1040|1040|1040|2000|gres/gpu=1,node=1\n"
                        "10|b|u|x|p|c|COMPLETED|1000|1000|1000|2000|gres/gpu=8,node=1\n"
                        "9.2|late||x||c|COMPLETED|1040|1040|1040|2000|gres/gpu=1,node=1\n");
  REQUIRE(all.attempts.size() == 2);
  CHECK(all.attempts[0].first_step_s == 1030);
  CHECK(all.attempts[0].step_gpus == 3);
  CHECK_FALSE(all.attempts[1].first_step_s);
  CHECK_FALSE(all.attempts[1].step_gpus);
}

TEST_CASE("a step without GPUs does not say that the batch script used none",
          "[slurm][accounting]") {
  const auto all = read(std::string{titles} +
                        "9|a|u|x|p|c|COMPLETED|1000|1000|1000|2000|gres/gpu=8,node=1\n"
                        "9.batch|batch||x||c|COMPLETED|1030|1030|1030|2000|gres/gpu=8,node=1\n"
                        "9.0|hostname||x||c|COMPLETED|1040|1040|1040|1041|cpu=1,node=1\n");
  REQUIRE(all.attempts.size() == 1);
  CHECK_FALSE(all.attempts[0].step_gpus);
}

TEST_CASE("a requeued attempt is lost, a requeued job that waits has not ended",
          "[slurm][accounting]") {
  const auto all = read(std::string{titles} +
                        "9|a|u|x|p|c|REQUEUED|1000|1000|1000|2000|gres/gpu=8,node=1\n"
                        "9|a|u|x|p|c|REQUEUED|2000|2000|Unknown|Unknown|\n");
  REQUIRE(all.attempts.size() == 2);
  CHECK(all.attempts[0].outcome == RunOutcome::lost);
  CHECK_FALSE(all.attempts[1].outcome);
}

TEST_CASE("words that nobody knows are no end", "[slurm][accounting]") {
  const auto all = read(std::string{titles} +
                        "9|a|u|x|p|c|MELTED|1000|1000|1000|2000|gres/gpu=8,node=1\n"
                        "10|a|u|x|p|c||None||junk|99999999999|gres/gpu=many,node=1\n");
  REQUIRE(all.attempts.size() == 2);
  CHECK_FALSE(all.attempts[0].outcome);
  CHECK_FALSE(all.attempts[1].start_s);
  CHECK_FALSE(all.attempts[1].end_s);
  CHECK_FALSE(all.attempts[1].submit_s);
}

TEST_CASE("lines that cannot be read are counted and the first is named", "[slurm][accounting]") {
  const auto all = read(std::string{titles} +
                        "9|a|u|x|p|c|COMPLETED|1000|1000|1000|2000|gres/gpu=8,node=1\r\n"
                        "\n"
                        "10|name|with a bar|u|x|p|c|COMPLETED|1000|1000|1000|2000|node=1\n"
                        "sacct: error: slurmdbd went away\n");
  CHECK(all.problem.empty());
  CHECK(all.attempts.size() == 1);
  CHECK(all.counts.unreadable == 2);
  CHECK(all.counts.first_unreadable == 4);
}

TEST_CASE("a text that is no accounting is refused with the command that makes one",
          "[slurm][accounting]") {
  const auto other = read("name,value\na,1\n");
  CHECK(other.problem == "line 1: no column JobIDRaw, State, Start, End, AllocTRES");
  CHECK(other.hint.find("sacct -a -D -P") != std::string::npos);
  CHECK(read("").problem == "there is no line of titles");
  CHECK(read(std::string(100'000, 'x')).problem.find("line 1 is over") == 0);
}

TEST_CASE("Slurm's times are read in both forms", "[slurm][accounting]") {
  using slurm::seconds_of;
  CHECK(seconds_of("2026-11-27T15:57:13") == 1795795033);
  CHECK(seconds_of("1795795033") == 1795795033);
  for (const auto* text :
       {"", "Unknown", "None", "2026-13-27T15:57:13", "2026-11-31T15:57:13", "2026-11-27T25:57:13",
        "2026-11-27 15:57:13", "-5", "0", "6090762392", "2026-11-27T15:57:1x"}) {
    CAPTURE(text);
    CHECK_FALSE(seconds_of(text));
  }
}

}  // namespace
}  // namespace amdahl::scheduler_adapters
