#include <catch2/catch.hpp>

#include "fake_services.hpp"
#include "golden.hpp"

using namespace amdahl::cli;
using Catch::Matchers::Contains;

namespace {

std::string ten_percent(int pairs) {
  std::string text = "baseline,variant\n";
  for (int i = 0; i < pairs; ++i) text += i % 2 == 0 ? "1.00,0.90\n" : "1.02,0.91\n";
  return text;
}

}  // namespace

TEST_CASE("judge prints what pairs prove and what it would take", "[cli][judge]") {
  struct Example {
    const char* name;
    std::string input;
  };
  const auto example = GENERATE(values<Example>({
      {"judge-few.txt", ten_percent(2)},
      {"judge-nominated.txt", ten_percent(6)},
      {"judge-proven.txt", ten_percent(16)},
      {"judge-futile.txt", "1,1.01\n1,0.99\n1,1.02\n1,1\n1,1.01\n"},
      {"judge-worse.txt",
       "1,1.2\n1,1.25\n1,1.2\n1,1.3\n1,1.2\n1,1.22\n1,1.2\n1,1.2\n1,1.2\n1,1.2\n"},
  }));
  Bench bench;
  bench.input = example.input;
  const auto spoken = bench.run({"judge", "-", "--sigma0", "0.03"});
  CHECK(spoken.code == ExitCode::ok);
  CHECK(spoken.out == golden(example.name, spoken.out));
  CHECK(spoken.err.empty());
}

TEST_CASE("judge's JSON has exactly the documented fields", "[cli][judge]") {
  Bench bench;
  bench.input = ten_percent(2);
  auto document =
      nlohmann::json::parse(bench.run({"judge", "-", "--sigma0", "0.03", "-o", "json"}).out);
  std::vector<std::string> keys;
  for (const auto& entry : document.items()) keys.push_back(entry.key());
  CHECK(keys == std::vector<std::string>{"e_value", "futility", "interval", "mean", "n", "saving",
                                         "schema"});
  CHECK(document["interval"] ==
        nlohmann::json{{"level", 0.95}, {"lower", nullptr}, {"upper", nullptr}});
  CHECK(document["futility"].is_null());
  bench.input = ten_percent(9);
  document = nlohmann::json::parse(bench.run({"judge", "-", "--sigma0", "0.03", "-o", "json"}).out);
  CHECK(document["n"] == 9);
  CHECK(document["interval"]["lower"].get<double>() > 0);
  CHECK(document["interval"]["upper"].get<double>() > document["mean"].get<double>());
  CHECK(document["futility"].get<double>() > 0.9);
}

TEST_CASE("judge refuses input that it cannot judge", "[cli][judge]") {
  Bench bench;
  bench.input = "1,0\n";
  CHECK_THAT(bench.run({"judge", "-"}).err, Contains("standard input:1:3  a cost of zero"));
  CHECK(bench.run({"judge", "-", "--sigma0", "0"}).code == ExitCode::usage);
  CHECK(bench.run({"judge", "-", "--sigma0", "x"}).code == ExitCode::usage);
  CHECK(bench.run({"judge", "absent.csv"}).code == ExitCode::not_found);
}
