#include "amdahl/diagnosis/events.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace amdahl::diagnosis;

namespace {

// A leg of ten seconds that began at m = 100.
constexpr EventWindow window{100, 110, 1'764'000'000};

EventSummary summary_of(const std::string& lines) { return read_events(lines, window); }

double sum_of(const EventSummary& summary) {
  double sum = 0;
  for (const auto& [phase, seconds] : summary.phase_seconds) sum += seconds;
  return sum;
}

const std::string hello = R"({"v":1,"k":"hello","q":0,"m":101,"t":1764000001})"
                          "\n";

}  // namespace

TEST_CASE("without events the whole window is unknown", "[diagnosis][events]") {
  const auto summary = summary_of("");
  CHECK(summary.phase_seconds == std::map<std::string, double>{{"unknown", 10}});
  CHECK_FALSE(summary.units);
  CHECK_FALSE(summary.inside_us);
  CHECK_FALSE(summary.sample_digest);
}

TEST_CASE("phases are exclusive, the inner one wins", "[diagnosis][events]") {
  const auto summary = summary_of(hello +
                                  R"({"v":1,"k":"b","q":1,"m":102,"ph":"eval","id":1}
{"v":1,"k":"b","q":2,"m":103,"ph":"input","id":2}
{"v":1,"k":"e","q":3,"m":105,"id":2}
{"v":1,"k":"e","q":4,"m":106,"id":1}
{"v":1,"k":"bye","q":5,"m":109,"rc":0}
)");
  CHECK(summary.phase_seconds.at("init") == Approx(1));  // exec to hello
  CHECK(summary.phase_seconds.at("eval") == Approx(2));  // 4 less the 2 inside
  CHECK(summary.phase_seconds.at("input") == Approx(2));
  CHECK(summary.phase_seconds.at("tail") == Approx(1));  // bye to exit
  CHECK(summary.phase_seconds.at("unknown") == Approx(4));
  CHECK(sum_of(summary) == Approx(10));
  CHECK(summary.inside_us == 8'000'000);
  CHECK(summary.lost_lines == 0);
  CHECK(summary.garbage_lines == 0);
  CHECK_FALSE(summary.cut);
}

TEST_CASE("work that runs beside the rest is never charged", "[diagnosis][events]") {
  const auto summary = summary_of(hello +
                                  R"({"v":1,"k":"b","q":1,"m":102,"ph":"eval","id":1,"par":true}
{"v":1,"k":"b","q":2,"m":103,"ph":"compute","id":2}
{"v":1,"k":"e","q":3,"m":104,"id":1}
{"v":1,"k":"e","q":4,"m":105,"id":2}
)");
  CHECK(summary.phase_seconds.count("eval") == 0);
  CHECK(summary.phase_seconds.at("compute") == Approx(2));
}

TEST_CASE("phases that end out of order keep their own time", "[diagnosis][events]") {
  const auto summary = summary_of(hello +
                                  R"({"v":1,"k":"b","q":1,"m":102,"ph":"eval","id":1}
{"v":1,"k":"b","q":2,"m":103,"ph":"ckpt","id":2}
{"v":1,"k":"e","q":3,"m":104,"id":1}
{"v":1,"k":"e","q":4,"m":106,"id":2}
)");
  CHECK(summary.phase_seconds.at("eval") == Approx(1));
  CHECK(summary.phase_seconds.at("ckpt") == Approx(3));
}

TEST_CASE("a phase open at the end is cut there", "[diagnosis][events]") {
  const auto summary = summary_of(hello + R"({"v":1,"k":"b","q":1,"m":105,"ph":"input","id":1})"
                                          "\n");
  CHECK(summary.cut);
  CHECK(summary.phase_seconds.at("input") == Approx(5));
}

TEST_CASE("phases of no known name are kept apart from known ones", "[diagnosis][events]") {
  const auto summary = summary_of(hello +
                                  R"({"v":1,"k":"b","q":1,"m":102,"ph":"decode it","id":1}
{"v":1,"k":"e","q":2,"m":103,"id":1}
{"v":1,"k":"b","q":3,"m":103,"ph":"queue","id":2}
{"v":1,"k":"e","q":4,"m":104,"id":2}
{"v":1,"k":"b","q":5,"m":104,"ph":"unknown","id":3}
{"v":1,"k":"e","q":6,"m":105,"id":3}
)");
  CHECK(summary.phase_seconds.at("x:decode_it") == Approx(1));
  CHECK(summary.phase_seconds.at("x:queue") == Approx(1));
  CHECK(summary.phase_seconds.at("unknown") == Approx(7));
}

TEST_CASE("times outside the window are clamped to it", "[diagnosis][events]") {
  const auto summary = summary_of(R"({"v":1,"k":"hello","q":0,"m":99.5,"t":1}
{"v":1,"k":"b","q":1,"m":99.6,"ph":"input","id":1}
{"v":1,"k":"e","q":2,"m":9000,"id":1}
{"v":1,"k":"b","q":3,"m":5,"ph":"eval","id":2}
{"v":1,"k":"e","q":4,"m":6,"id":2}
)");
  CHECK(summary.phase_seconds.at("input") == Approx(10));
  CHECK(summary.phase_seconds.count("eval") == 0);
  CHECK(summary.phase_seconds.at("unknown") == 0);
}

TEST_CASE("a clock of another origin is tied by the wall time of hello", "[diagnosis][events]") {
  const auto summary = summary_of(R"({"v":1,"k":"hello","q":0,"m":0.5,"t":1764000002}
{"v":1,"k":"b","q":1,"m":1.5,"ph":"input","id":1}
{"v":1,"k":"e","q":2,"m":4.5,"id":1}
{"v":1,"k":"bye","q":3,"m":5.5,"rc":0}
)");
  CHECK(summary.phase_seconds.at("init") == Approx(2));
  CHECK(summary.phase_seconds.at("input") == Approx(3));
  CHECK(summary.inside_us == 5'000'000);
}

TEST_CASE("inside time is what the job claims, even beyond the window", "[diagnosis][events]") {
  // The judge compares it with the window: clamped here, a lie would never show.
  const auto summary = summary_of(hello + R"({"v":1,"k":"bye","q":1,"m":161,"rc":0})"
                                          "\n");
  CHECK(summary.inside_us == 60'000'000);
}

TEST_CASE("waits of steps are an upper bound of input", "[diagnosis][events]") {
  const std::string steps = R"({"v":1,"k":"s","q":1,"m":105,"s0":0,"s1":9,"dt":4,"wait":3,"n":320}
{"v":1,"k":"s","q":2,"m":108,"s0":10,"s1":19,"dt":3,"wait":1.5,"n":320}
)";
  SECTION("when no input phase was marked") {
    const auto summary = summary_of(hello + steps);
    CHECK(summary.phase_seconds.at("input") == Approx(4.5));
    CHECK(summary.input_is_upper_bound);
    CHECK(summary.units == 640);
    CHECK(sum_of(summary) == Approx(10));
  }
  SECTION("not when one was") {
    const auto summary = summary_of(hello + R"({"v":1,"k":"b","q":1,"m":102,"ph":"input","id":1}
{"v":1,"k":"e","q":2,"m":103,"id":1}
{"v":1,"k":"s","q":3,"m":105,"dt":4,"wait":3}
)");
    CHECK(summary.phase_seconds.at("input") == Approx(1));
    CHECK_FALSE(summary.input_is_upper_bound);
  }
  SECTION("never more than the time in no phase") {
    const auto summary = summary_of(hello + R"({"v":1,"k":"b","q":1,"m":101,"ph":"eval","id":1}
{"v":1,"k":"e","q":2,"m":109,"id":1}
{"v":1,"k":"s","q":3,"m":110,"dt":9,"wait":9}
)");
    CHECK(summary.phase_seconds.at("input") == Approx(1));
    CHECK(sum_of(summary) == Approx(10));
  }
}

TEST_CASE("units come from work before steps", "[diagnosis][events]") {
  const auto summary = summary_of(hello + R"({"v":1,"k":"s","q":1,"m":102,"n":100,"dt":1}
{"v":1,"k":"work","q":2,"m":103,"n":640,"digest":"ffffffffffffffff"}
{"v":1,"k":"work","q":3,"m":104,"n":60,"digest":"0000000000000003"}
)");
  CHECK(summary.units == 700);
  CHECK(summary.sample_digest == "0000000000000002");  // parts add up modulo 2^64
}

TEST_CASE("steps repeated after a restart are no new work", "[diagnosis][events]") {
  const auto summary = summary_of(hello + R"({"v":1,"k":"s","q":1,"m":102,"n":100,"new":false}
{"v":1,"k":"s","q":2,"m":103,"n":50,"new":true}
{"v":1,"k":"s","q":3,"m":104,"n":0}
)");
  CHECK(summary.units == 50);
}

TEST_CASE("units that are no positive number are unknown and say why", "[diagnosis][events]") {
  const auto n = GENERATE(as<std::string>{}, "0", "-4", "null", "\"many\"", "1e300");
  CAPTURE(n);
  const auto summary = summary_of(hello + R"({"v":1,"k":"work","q":1,"m":102,"n":)" + n + "}\n");
  CHECK_FALSE(summary.units);
  CHECK_FALSE(summary.units_problem.empty());
}

TEST_CASE("one bad report makes all units unknown", "[diagnosis][events]") {
  const auto summary = summary_of(hello + R"({"v":1,"k":"work","q":1,"m":102,"n":10}
{"v":1,"k":"work","q":2,"m":103,"n":-10}
)");
  CHECK_FALSE(summary.units);
}

TEST_CASE("a digest needs every report of work", "[diagnosis][events]") {
  CHECK(summary_of(hello + R"({"v":1,"k":"work","q":1,"m":102,"n":1,"digest":"sha256:ab"})"
                           "\n")
            .sample_digest == "sha256:ab");
  CHECK_FALSE(
      summary_of(hello + R"({"v":1,"k":"work","q":1,"m":102,"n":1,"digest":"00000000000000ab"}
{"v":1,"k":"work","q":2,"m":102,"n":1}
)")
          .sample_digest);
  CHECK_FALSE(summary_of(hello + R"({"v":1,"k":"work","q":1,"m":102,"n":1,"digest":"sha256:ab"}
{"v":1,"k":"work","q":2,"m":102,"n":1,"digest":"sha256:cd"}
)")
                  .sample_digest);
}

TEST_CASE("gaps in the sequence are lost lines", "[diagnosis][events]") {
  const auto summary = summary_of(hello + R"({"v":1,"k":"s","q":1,"m":102,"n":10}
{"v":1,"k":"s","q":5,"m":103,"n":10}
)");
  CHECK(summary.lost_lines == 3);
  CHECK_FALSE(summary.units);
  CHECK(summary.units_problem.find("3 event lines were lost") != std::string::npos);
}

TEST_CASE("a second process of the leg begins a sequence of its own", "[diagnosis][events]") {
  const auto summary = summary_of(hello + R"({"v":1,"k":"b","q":1,"m":102,"ph":"eval","id":1}
{"v":1,"k":"hello","q":0,"m":104}
{"v":1,"k":"work","q":1,"m":105,"n":10}
{"v":1,"k":"bye","q":2,"m":106}
)");
  CHECK(summary.lost_lines == 0);
  CHECK(summary.cut);
  CHECK(summary.phase_seconds.at("eval") == Approx(2));
  CHECK(summary.units == 10);
  CHECK(summary.inside_us == 5'000'000);
}

TEST_CASE("a repeated hello changes nothing", "[diagnosis][events]") {
  const auto summary = summary_of(hello + R"({"v":1,"k":"b","q":1,"m":102,"ph":"eval","id":1}
{"v":1,"k":"hello","q":2,"m":104,"t":1764000004}
{"v":1,"k":"e","q":3,"m":105,"id":1}
)");
  CHECK(summary.phase_seconds.at("eval") == Approx(3));
  CHECK_FALSE(summary.cut);
}

TEST_CASE("the last value of a metric counts", "[diagnosis][events]") {
  const auto summary =
      summary_of(hello + R"({"v":1,"k":"met","q":1,"m":102,"key":"accuracy","val":0.5}
{"v":1,"k":"met","q":2,"m":103,"key":"accuracy","val":0.75}
{"v":1,"k":"met","q":3,"m":103,"key":"loss","val":0.1}
{"v":1,"k":"met","q":4,"m":104,"key":"loss","val":null}
)");
  CHECK(summary.metrics.at("accuracy") == 0.75);
  CHECK_FALSE(summary.metrics.at("loss"));
}

TEST_CASE("garbage is counted and changes nothing", "[diagnosis][events]") {
  const auto line =
      GENERATE(as<std::string>{}, "not json", "[1,2]", "{}", "\"text\"", "null",
               "{\"v\":1,\"k\":\"s\"}", R"({"v":2,"k":"work","q":1,"m":102,"n":5})",
               R"({"v":1,"k":"work","m":NaN,"n":5})", R"({"v":1,"k":"work","m":1e999,"n":5})",
               R"({"v":1,"k":"work","m":-1,"n":5})", R"({"v":1,"k":7,"m":102})", "\xff\xfe\x00",
               R"({"v":1,"k":"met","m":102,"val":1})", R"({"v":1,"k":"b","m":102,"ph":7})");
  CAPTURE(line);
  const auto summary = summary_of(hello + line + "\n");
  CHECK(summary.garbage_lines == 1);
  CHECK(summary.lines == 2);
  CHECK_FALSE(summary.units);
  CHECK(sum_of(summary) == Approx(10));
}

TEST_CASE("a line too long for one write is garbage", "[diagnosis][events]") {
  const auto line =
      R"({"v":1,"k":"work","q":1,"m":102,"n":5,"pad":")" + std::string(4096, 'x') + "\"}\n";
  CHECK_FALSE(summary_of(hello + line).units);
}

TEST_CASE("a torn last line is not read as a shorter truth", "[diagnosis][events]") {
  const auto summary = summary_of(hello + R"({"v":1,"k":"work","q":1,"m":102,"n":5})");
  CHECK_FALSE(summary.units);
  CHECK(summary.garbage_lines == 1);
}

TEST_CASE("unknown keys and kinds are ignored", "[diagnosis][events]") {
  const auto summary =
      summary_of(hello + R"({"v":1,"k":"work","q":1,"m":102,"n":5,"new_key":{"a":[1]}}
{"v":1,"k":"gpu","q":2,"m":103,"power":300}
)");
  CHECK(summary.units == 5);
  CHECK(summary.garbage_lines == 0);
}

TEST_CASE("endless nesting and endless names stay bounded", "[diagnosis][events]") {
  std::string lines = hello;
  for (int i = 0; i < 500; ++i) {
    lines += R"({"v":1,"k":"b","m":)" + std::to_string(102 + i * 0.01) + R"(,"ph":"p)" +
             std::to_string(i) + "\"}\n";
    lines += R"({"v":1,"k":"met","m":107,"key":"k)" + std::to_string(i) + "\",\"val\":1}\n";
  }
  const auto summary = summary_of(lines);
  CHECK(summary.phase_seconds.size() <= 66);
  CHECK(summary.metrics.size() <= 256);
  CHECK(sum_of(summary) == Approx(10));
}

TEST_CASE("a window turned around is empty", "[diagnosis][events]") {
  const auto summary = read_events(hello, {10, 5, 0});
  CHECK(sum_of(summary) == 0);
}
