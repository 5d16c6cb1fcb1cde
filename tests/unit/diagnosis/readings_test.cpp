#include "amdahl/diagnosis/readings.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

using namespace amdahl::diagnosis;

namespace {

bool says(const Reading& reading, const std::string& part) {
  UNSCOPED_INFO(reading.problem);
  return !reading.value && reading.problem.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the last match counts", "[diagnosis][readings]") {
  const std::string regex = R"(scored (\d+))";
  CHECK(read_by_regex(regex, "scored 1\nscored 2\nend\n").value == 2);
  CHECK(read_by_regex(regex, "scored 1 scored 3").value == 3);
  CHECK(read_by_regex(R"(\d+\.\d+)", "took 1.5 s").value == 1.5);  // no group: the whole match
  CHECK(read_by_regex(R"(x=(\S+))", "x=+1e3").value == 1000);
}

TEST_CASE("output without a match says so", "[diagnosis][readings]") {
  CHECK(says(read_by_regex("scored (\\d+)", ""), "matched nothing"));
  CHECK(says(read_by_regex("scored (\\d+)", "nothing\nhere\n"), "matched nothing"));
}

TEST_CASE("a match that is no number is a problem", "[diagnosis][readings]") {
  const auto text =
      GENERATE(as<std::string>{}, "many", "nan", "inf", "1e999", "0x10", "1,000", "12abc");
  CAPTURE(text);
  CHECK(says(read_by_regex("n=(\\S+)", "n=" + text), "no number"));
}

TEST_CASE("a broken pattern is a problem", "[diagnosis][readings]") {
  CHECK(says(read_by_regex("scored (", "scored 1"), "no regular expression"));
}

TEST_CASE("a pattern that backtracks for ever is given up", "[diagnosis][readings]") {
  CHECK(says(read_by_regex("(a+)+b([0-9]*)", std::string(4000, 'a')), "cannot be matched"));
}

TEST_CASE("a match beyond the bound of a line does not count", "[diagnosis][readings]") {
  CHECK(says(read_by_regex("n=(\\d+)", std::string(4096, 'x') + "n=5"), "matched nothing"));
}

TEST_CASE("a pointer reads a number out of a file", "[diagnosis][readings]") {
  const std::string file = R"({"run":{"n":640,"s":"640"},"list":[1,2.5]})";
  CHECK(read_by_pointer("/run/n", file, "out.json").value == 640);
  CHECK(read_by_pointer("/list/1", file, "out.json").value == 2.5);
  CHECK(says(read_by_pointer("/run/m", file, "out.json"), "out.json: nothing at /run/m"));
  CHECK(says(read_by_pointer("/run/s", file, "out.json"), "no number"));
  CHECK(says(read_by_pointer("/list/x", file, "out.json"), "out.json"));
  CHECK(says(read_by_pointer("run", file, "out.json"), "pointer"));
  CHECK(says(read_by_pointer("/n", "{broken", "out.json"), "out.json"));
  CHECK(says(read_by_pointer("/n", "{\"n\":1e999}", "out.json"), ""));
}

TEST_CASE("units are finite and positive", "[diagnosis][readings]") {
  CHECK(as_units({5.0, {}}) == Reading{5.0, {}});
  CHECK(says(as_units({0.0, {}}), "positive"));
  CHECK(says(as_units({-1.0, {}}), "positive"));
  CHECK(says(as_units({std::numeric_limits<double>::quiet_NaN(), {}}), "finite"));
  CHECK(says(as_units({1e16, {}}), "counted"));
  CHECK(as_units({{}, "no file"}) == Reading{{}, "no file"});
}
