#include <catch2/catch.hpp>

#include "fake_services.hpp"
#include "help.hpp"

using namespace amdahl::cli;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("a command that does not exist is met with the nearest one", "[cli][parse]") {
  Bench bench;
  const auto spoken = bench.run({"statsu"});
  CHECK(spoken.code == ExitCode::usage);
  CHECK(spoken.out.empty());
  CHECK(spoken.err ==
        "amdahl: there is no command \"amdahl statsu\"\n  did you mean amdahl status?\n");
}

TEST_CASE("a wrong flag, argument or child is named with the fix", "[cli][parse]") {
  struct Wrong {
    std::vector<std::string> words;
    const char* said;
  };
  const auto wrong = GENERATE(values<Wrong>({
      {{"experiments", "--outcom", "win"}, "unknown flag --outcom\n  did you mean --outcome?"},
      {{"status", "--jsn"}, "unknown flag --jsn\n  did you mean --json?"},
      {{"judge", "--sgma0", "3", "x.csv"}, "unknown flag --sgma0\n  did you mean --sigma0?"},
      {{"jobs", "ad", "x"},
       "there is no command \"amdahl jobs ad\"\n  did you mean amdahl jobs add?"},
      {{"jobs", "add"}, "amdahl jobs add needs FILE"},
      {{"propose"}, "amdahl propose needs --file"},
      {{"db"}, "amdahl db needs a command"},
      {{"status", "-o", "xml"}, "unknown output format \"xml\""},
      {{"experiments", "--limit", "1000"}, "--limit 1000 is out of range"},
      {{"experiments", "--limit", "x"}, "\"x\" is not a whole number"},
      {{"wait", "EXP-1", "--timeout", "soon"}, "--timeout soon is no duration"},
      {{"explain", "EXP-x"}, "\"EXP-x\" is no number"},
      {{"status", "--color", "pink"}, "--color pink is not known"},
  }));
  Bench bench;
  CAPTURE(wrong.said);
  const auto spoken = bench.run(wrong.words);
  CHECK(spoken.code == ExitCode::usage);
  CHECK(spoken.out.empty());
  CHECK_THAT(spoken.err, StartsWith("amdahl: ") && Contains(wrong.said));
}

TEST_CASE("global flags may stand before and after the command", "[cli][parse]") {
  Bench bench;
  const auto before = bench.run({"-o", "json", "version"}),
             after = bench.run({"version", "--json"});
  CHECK(before.code == ExitCode::ok);
  CHECK(before.out == after.out);
  CHECK_THAT(before.out, Contains("amdahl.version/v1"));
}

TEST_CASE("an option takes one word, and what follows it is an argument", "[cli][parse]") {
  Bench bench;
  const auto parsed = [&](const std::vector<std::string>& words) {
    return bench.parse(words).args;
  };
  const auto dev = parsed({"dev", "--state-dir", "here", "a.toml", "--job", "b.toml", "c.toml"});
  CHECK(dev.text("state-dir") == "here");
  CHECK(dev.texts("job") == std::vector<std::string>{"b.toml"});
  CHECK(dev.texts("FILE") == std::vector<std::string>{"a.toml", "c.toml"});
  const auto judge = parsed({"judge", "--sigma0", "0.02", "pairs.csv"});
  CHECK(judge.text("sigma0") == "0.02");
  CHECK(judge.text("FILE") == "pairs.csv");
  CHECK(parsed({"judge", "--sigma0", "1", "x", "--sigma0", "2"}).text("sigma0") == "2");
}

namespace {

void check_help(const Command& command, const std::string& path) {
  CAPTURE(path);
  const auto text = help_for(command, path);
  const auto first = text.find('\n');
  REQUIRE(first != std::string::npos);
  const auto second = text.find('\n', first + 1);
  CHECK_THAT(command.examples, Contains("amdahl"));
  CHECK(text.substr(second + 1, 1) == "\n");  // two examples, then an empty line
  CHECK_FALSE(command.summary.empty());
  CHECK((command.run || !command.children.empty()));
  for (const auto& child : command.children) check_help(child, path + " " + child.name);
}

}  // namespace

TEST_CASE("every command's help begins with two examples", "[cli][help]") {
  for (const auto& group : command_groups()) {
    for (const auto& command : group.commands) check_help(command, command.name);
  }
}

TEST_CASE("help answers in every way it is asked", "[cli][help]") {
  Bench bench;
  const auto overview = bench.run({"--help"});
  CHECK(overview.code == ExitCode::ok);
  CHECK_THAT(overview.out, Contains("explain"));
  CHECK(bench.run({"help"}).out == overview.out);
  CHECK(bench.run({}).code == ExitCode::usage);
  const auto one = bench.run({"jobs", "add", "--help"});
  CHECK(one.code == ExitCode::ok);
  CHECK(bench.run({"help", "jobs", "add"}).out == one.out);
}

TEST_CASE("completion scripts know every command", "[cli][completion]") {
  Bench bench;
  const auto shell = GENERATE(values<std::string>({"bash", "zsh", "fish"}));
  const auto script = bench.run({"completion", shell});
  CHECK(script.code == ExitCode::ok);
  for (const auto& group : command_groups()) {
    for (const auto& command : group.commands) CHECK_THAT(script.out, Contains(command.name));
  }
  CHECK(bench.run({"completion", "tcsh"}).code == ExitCode::usage);
}
