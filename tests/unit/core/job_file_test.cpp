#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "amdahl/core/job.hpp"

using namespace amdahl::core;
using Catch::Matchers::Contains;

namespace {

// The job file of the documentation.
const std::string eval_qa = R"toml([job]
name = "eval-qa"
cluster = "local"
command = ["python3", "eval.py", "--batch-size", "{batch_size}", "--seed", "{seed}"]
workdir = "eval"
code = ["*.py"]
dataset = "digits-1998"
[job.env]
PYTHONHASHSEED = "0"
[job.resources]
nodes = 1
gpus = 4
cpus = 2
memory = "2GiB"
time_limit = "2m"
[job.measure]
unit = "sample"
units = { regex = 'scored (\d+)' }
quality = "event"
window = "leg"
[job.quality]
metric = "accuracy"
higher_is_better = true
margin = 0.005
[job.limits]
memory = "+25%"
[job.production]
runs_per_month = 1200
[knob.batch_size]
class = "host"
baseline = 1
values = [8, 64]
[knob.gpus]
class = "over"
resource = "gpus"
baseline = 4
values = [2, 1]
[knob.allocator]
env = "MALLOC_ARENA_MAX"
baseline = ""
values = ["2"]
)toml";

Result<JobSpec> parse(std::string_view text) { return parse_job_file(text, "job.toml", "/jobs"); }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a job file gives everything it states", "[core][job_file]") {
  const auto job = parse(eval_qa);
  REQUIRE(job.has_value());
  CHECK(job->name == "eval-qa");
  CHECK(job->workdir == "/jobs/eval");
  CHECK(job->resources == Resources{1, 4, 2, 2LL << 30});
  CHECK(job->time_limit == std::chrono::minutes{2});
  CHECK(job->units == Source{Source::Kind::regex, R"(scored (\d+))", "", ""});
  CHECK(job->quality == Source{});
  CHECK(job->has_quality);
  CHECK(job->quality_margin == 0.005);
  CHECK(job->limits == std::map<std::string, double>{{"memory", 0.25}});
  CHECK(job->runs_per_month == 1200);
  CHECK(job->env == std::map<std::string, std::string>{{"PYTHONHASHSEED", "0"}});
  CHECK(has_placeholder(*job, "seed"));
  CHECK_FALSE(has_placeholder(*job, "shard"));
}

TEST_CASE("the knobs give one hypothesis per value, in the order of the file", "[core][job_file]") {
  const auto job = parse(eval_qa);
  REQUIRE(job.has_value());
  std::vector<Change> changes;
  for (const auto& hypothesis : knob_hypotheses(*job)) changes.push_back(hypothesis.changes.at(0));
  CHECK(changes == std::vector<Change>{{ChangeKind::arg, "batch_size", "8"},
                                       {ChangeKind::arg, "batch_size", "64"},
                                       {ChangeKind::resource, "gpus", "2"},
                                       {ChangeKind::resource, "gpus", "1"},
                                       {ChangeKind::env, "MALLOC_ARENA_MAX", "2"}});
}

TEST_CASE("the baseline configuration is the job as the file states it", "[core][job_file]") {
  const auto job = parse(eval_qa);
  REQUIRE(job.has_value());
  const auto baseline = baseline_configuration(*job);
  CHECK(baseline.args == std::map<std::string, std::string>{{"batch_size", "1"}});
  CHECK(baseline.env ==
        std::map<std::string, std::string>{{"MALLOC_ARENA_MAX", ""}, {"PYTHONHASHSEED", "0"}});
  CHECK(baseline.resources == job->resources);
}

TEST_CASE("a job survives the way through JSON", "[core][job_file]") {
  const auto job = parse(eval_qa);
  REQUIRE(job.has_value());
  const auto back = job_from_json(to_json(*job));
  REQUIRE(back.has_value());
  CHECK(*back == *job);
}

TEST_CASE("the smallest job needs a name, a command, memory and a time limit", "[core][job_file]") {
  const auto job = parse(R"([job]
name = "x"
command = ["true"]
resources = { memory = "1MiB", time_limit = "1s" }
)");
  REQUIRE(job.has_value());
  CHECK(job->cluster == "local");
  CHECK(job->workdir == "/jobs");
  CHECK_FALSE(job->has_quality);
  CHECK_FALSE(job->runs_per_month.has_value());
  CHECK(knob_hypotheses(*job).empty());
}

TEST_CASE("a classifier's class names the phase it attacks", "[core][job_file]") {
  const auto job = parse(replaced(eval_qa, "class = \"host\"", "class = \"checkpoint\""));
  REQUIRE(job.has_value());
  CHECK(job->knobs.at(0).phase == "ckpt");
}

TEST_CASE("a job file error names the place, the problem and the fix", "[core][job_file]") {
  struct Bad {
    const char* from;
    const char* to;
    const char* message;
    const char* hint;
  };
  const auto bad = GENERATE(values<Bad>({
      {"gpus = 4\n", "gpu = 4\ngpus = 4\n", "job.toml:12:1  unknown key job.resources.gpu",
       "did you mean gpus?"},
      {"cpus = 2", "cpus = 0", "job.toml:13:8  job.resources.cpus = 0 is out of range", "1 to"},
      {"nodes = 1", "nodes = 3", "job.resources.gpus = 4 cannot be spread evenly over 3 nodes",
       "multiple"},
      {"nodes = 1", "nodes = -1", "job.toml:11:9  job.resources.nodes = -1", "1 to"},
      {"\"2GiB\"", "\"2 gigs\"", "job.toml:14:10  job.resources.memory", "\"2GiB\""},
      {"\"2GiB\"", "\"0B\"", "job.toml:14:10  job.resources.memory must be more", ""},
      {"memory = \"2GiB\"\n", "", "job.toml:10:1  job.resources.memory is missing", "2GiB"},
      {"\"2m\"", "\"2 minutes\"", "job.toml:15:14  job.resources.time_limit", "\"2m\""},
      {"\"2m\"", "\"40d\"", "job.toml:15:14  job.resources.time_limit is out of range", "30d"},
      {"margin = 0.005", "margin = 0", "job.toml:24:10  job.quality.margin = 0 must be above 0",
       "smaller than nothing"},
      {"margin = 0.005", "margin = nan", "job.toml:24:10  job.quality.margin", "allowed"},
      {"(\\d+)", "(\\d+", "job.toml:18:19  job.measure.units.regex does not compile", "ECMAScript"},
      {"(\\d+)", "(a{33333})", "job.toml:18:19  job.measure.units.regex holds a number", "counted"},
      {"(\\d+)", "\\d+", "job.toml:18:19  job.measure.units.regex has 0 capture groups", "(…)"},
      {"\"event\"", "\"events\"",
       "job.toml:19:11  job.measure.quality must be \"event\" or a table", ""},
      {"\"event\"", "{ file = \"../out.json\", pointer = \"/n\" }", "leaves the job's directory",
       ""},
      {"\"event\"", "{ file = \"out.json\", pointer = \"n\" }", "is no JSON pointer",
       "start with /"},
      {"\"event\"", "{ file = \"out.json\" }", "job.measure.quality.pointer is missing", "\"/n\""},
      {"window = \"leg\"", "window = \"lag\"", "job.toml:20:10  job.measure.window = \"lag\"",
       "did you mean leg?"},
      {"name = \"eval-qa\"", "name = \"Eval QA\"",
       "job.toml:2:8  job.name = \"Eval QA\" is no name", "a-z"},
      {"name = \"eval-qa\"\n", "", "job.toml:1:1  job.name is missing", "write name"},
      {"{seed}", "{sead}", "job.toml:4:76  {sead} has no knob", "did you mean {seed}?"},
      {"\"{batch_size}\"", "\"1\"", "knob.batch_size is never used", "write {batch_size}"},
      {"\"{seed}\"", "\"{gpus}\"", "binds to a resource", "leave it out"},
      {"[8, 64]", "[8, 1]", "job.toml:32:14  knob.batch_size.values: 1 is the baseline",
       "leave it"},
      {"[8, 64]", "[8, 8]", "job.toml:32:14  knob.batch_size.values: 8 stands there twice",
       "leave"},
      {"[8, 64]", "[]", "job.toml:32:10  knob.batch_size.values is empty", "at least one"},
      {"baseline = 1\n", "", "knob.batch_size.baseline is missing", "today"},
      {"baseline = 4", "baseline = 3", "knob.gpus.baseline = 3 is not what job.resources.gpus says",
       "leave baseline out"},
      {"[2, 1]", "[2, 4]", "knob.gpus.values: 4 is the baseline", ""},
      {"[2, 1]", "[\"two\"]", "knob.gpus.values = \"two\" is no amount of gpus", "whole number"},
      {"class = \"over\"", "class = \"ovr\"", "knob.gpus.class = \"ovr\"", "did you mean over?"},
      {"[knob.gpus]", "[knob.GPUs]", "\"GPUs\" cannot name a knob", "a-z"},
      {"MALLOC_ARENA_MAX", "AMDAHL_RUN", "AMDAHL_RUN cannot be a knob", ""},
      {"PYTHONHASHSEED", "CUDA_VISIBLE_DEVICES", "job.env.CUDA_VISIBLE_DEVICES cannot be set", ""},
      {"\"+25%\"", "\"25\"", "job.toml:26:10  job.limits.memory = \"25\" is no limit", "+25%"},
      {"1200", "-1", "job.production.runs_per_month = -1 is out of range", "allowed"},
      {"[\"*.py\"]", "[\"../*.py\"]", "\"../*.py\" leaves the workdir", "below"},
      {"\"digits-1998\"", "1998-01-01", "dates and times are not used here", "in quotes"},
      {"\"digits-1998\"", "\"digits\\u0000\"", "job.dataset contains a NUL byte", ""},
      {"[job.env]", "[job.env", "job.toml:8:9  ", ""},
  }));
  CAPTURE(bad.from, bad.to);
  const auto job = parse(replaced(eval_qa, bad.from, bad.to));
  REQUIRE(job.has_error());
  CHECK(job.error().code == ErrorCode::invalid_input);
  CHECK_THAT(job.error().message, Contains(bad.message));
  CHECK_THAT(job.error().message + job.error().hint, Contains(bad.hint));
  CHECK_THAT(job.error().message, !Contains("\n"));
}

TEST_CASE("all errors of a job file come at once, in the order of the file", "[core][job_file]") {
  auto text = replaced(eval_qa, "cpus = 2", "cpus = 0");
  text = replaced(text, "margin = 0.005", "margin = -1");
  text = replaced(text, "name = \"eval-qa\"", "nam = \"eval-qa\"");
  const auto job = parse(text);
  REQUIRE(job.has_error());
  CHECK(job.error().message ==
        "job.toml:1:1  job.name is missing (write name = \"my-job\")\n"
        "job.toml:2:1  unknown key job.nam (did you mean name?)\n"
        "job.toml:13:8  job.resources.cpus = 0 is out of range (allowed: 1 to 1000000)\n"
        "job.toml:24:10  job.quality.margin = -1 must be above 0 (no difference can be proved "
        "smaller than nothing)");
}

TEST_CASE("a job file that is too large is refused before it is read", "[core][job_file]") {
  const auto job = parse(std::string(300'000, '#'));
  REQUIRE(job.has_error());
  CHECK_THAT(job.error().message, Contains("300000 bytes"));
}

TEST_CASE("braces that are no placeholder are left alone", "[core][job_file]") {
  const auto job = parse(replaced(eval_qa, "\"--seed\"", "\"{\\\"a\\\": 1}\", \"--seed\""));
  REQUIRE(job.has_value());
}
