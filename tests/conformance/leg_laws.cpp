#include <signal.h>
#include <sys/personality.h>

#include <cstdlib>
#include <map>

#include "run_driver.hpp"

// Laws of what a leg gets, does and yields.
namespace amdahl::conformance::laws {

using core::Arm;
using core::Source;

namespace {

core::LegResult only_leg(const core::RunResult& result) {
  REQUIRE(result.legs.size() == 1);
  return result.legs.front();
}

bool says(const std::string& text, const std::string& part) {
  UNSCOPED_INFO("in: " << text);
  return text.find(part) != std::string::npos;
}

}  // namespace

void both_legs_in_order_in_their_own_copies(AdapterSubject& subject) {
  const auto diary = (subject.scratch() / "diary").string();
  auto spec = shell_run(
      subject, "cat data >> '" + diary + "'; echo variant-ran > data; ls sub >> '" + diary + "'");
  spec.legs.front().arm = Arm::variant;  // the coin's order is the spec's order
  add_variant(spec, "cat data >> '" + diary + "'; test -x tool && ./tool");
  spec.legs.back().arm = Arm::baseline;
  write_text(std::filesystem::path{spec.code_dir} / "data", "original\n");
  std::filesystem::create_directories(std::filesystem::path{spec.code_dir} / "sub");
  write_text(std::filesystem::path{spec.code_dir} / "sub/inner", "");
  const auto tool = std::filesystem::path{spec.code_dir} / "tool";
  write_text(tool, "#!/bin/sh\necho tool\n");
  std::filesystem::permissions(tool, std::filesystem::perms::owner_all);
  const auto result = execute(subject, spec);
  REQUIRE(result.legs.size() == 2);
  CHECK(result.legs[0].arm == Arm::variant);
  CHECK(result.legs[1].arm == Arm::baseline);
  CHECK(result.legs[1].exit_code == 0);
  CHECK(result.legs[0].window_us > 0);
  CHECK(result.legs[1].start_us >= result.legs[0].start_us + result.legs[0].window_us);
  CHECK(read_text(diary) == "original\ninner\noriginal\n");
  CHECK(read_text(std::filesystem::path{spec.code_dir} / "data") == "original\n");
  CHECK(subject.adapter().fetch_log(spec.key, Arm::baseline, false, 100).value() == "tool\n");
}

void failed_leg_lets_the_other_run(AdapterSubject& subject) {
  auto spec = shell_run(subject, "echo 'no such weights' >&2; exit 7");
  add_variant(spec, "kill -SEGV $$");
  const auto result = execute(subject, spec);
  REQUIRE(result.legs.size() == 2);
  CHECK(result.legs[0].exit_code == 7);
  CHECK_FALSE(result.legs[0].signal);
  CHECK(result.legs[0].error_tail == "no such weights\n");
  CHECK(result.legs[1].started);
  CHECK_FALSE(result.legs[1].exit_code);
  CHECK(result.legs[1].signal == SIGSEGV);
  CHECK(result.problem.empty());
  CHECK(observed(subject.adapter(), spec.key)->outcome == core::RunOutcome::succeeded);
}

void missing_program_is_a_leg_that_did_not_start(AdapterSubject& subject) {
  auto spec = shell_run(subject, "true");
  add_variant(spec, "true");
  spec.legs.front().command = {"no-such-program-anywhere"};
  const auto result = execute(subject, spec);
  REQUIRE(result.legs.size() == 2);
  CHECK_FALSE(result.legs[0].started);
  CHECK_FALSE(result.legs[0].exit_code);
  CHECK(says(result.legs[0].problem, "no-such-program-anywhere"));
  CHECK(result.legs[1].exit_code == 0);
}

void patch_changes_its_leg_only(AdapterSubject& subject) {
  auto spec = shell_run(subject, "cat value; cat added 2>/dev/null; true");
  add_variant(spec, spec.legs.front().command.back());
  write_text(std::filesystem::path{spec.code_dir} / "value", "1\n2\n3\n");
  spec.legs.back().patches = {
      "--- a/value\n+++ b/value\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n"
      "--- /dev/null\n+++ b/added\n@@ -0,0 +1 @@\n+new\n"};
  execute(subject, spec);
  CHECK(subject.adapter().fetch_log(spec.key, Arm::baseline, false, 100).value() == "1\n2\n3\n");
  CHECK(subject.adapter().fetch_log(spec.key, Arm::variant, false, 100).value() ==
        "1\ntwo\n3\nnew\n");
}

void refused_patch_names_its_place(AdapterSubject& subject) {
  auto spec = shell_run(subject, "true");
  add_variant(spec, "true");
  write_text(std::filesystem::path{spec.code_dir} / "value", "1\n");
  spec.legs.back().patches = {"--- a/value\n+++ b/value\n@@ -1 +1 @@\n-2\n+two\n"};
  const auto result = execute(subject, spec);
  REQUIRE(result.legs.size() == 2);
  CHECK(result.legs[0].exit_code == 0);
  CHECK_FALSE(result.legs[1].started);
  CHECK(says(result.legs[1].problem, "value, hunk 1, line 1"));
}

void missing_snapshot_is_reported(AdapterSubject& subject) {
  auto spec = shell_run(subject, "true");
  std::filesystem::remove_all(spec.code_dir);
  const auto result = execute(subject, spec);
  CHECK_FALSE(only_leg(result).started);
  CHECK(says(only_leg(result).problem, spec.code_dir));
}

void leg_sees_its_own_gpus(AdapterSubject& subject) {
  auto spec = shell_run(subject, "echo \"[$CUDA_VISIBLE_DEVICES]\"");
  add_variant(spec, spec.legs.front().command.back());
  spec.allocation.gpus = 2;
  spec.legs[0].gpus = 2;
  spec.legs[1].gpus = 0;
  const auto result = execute(subject, spec);
  REQUIRE(result.gpu_ids.size() == 2);
  CHECK(subject.adapter().fetch_log(spec.key, Arm::baseline, false, 100).value() ==
        "[" + result.gpu_ids[0] + "," + result.gpu_ids[1] + "]\n");
  CHECK(subject.adapter().fetch_log(spec.key, Arm::variant, false, 100).value() == "[]\n");
  CHECK(result.legs[0].gpus == 2);
  CHECK(result.legs[1].gpus == 0);
}

void environment_is_exact(AdapterSubject& subject) {
  auto spec = shell_run(subject, "");
  auto& leg = spec.legs.front();
  const auto out = subject.scratch() / "environment";
  leg.command = {"cp", "/proc/self/environ", out.string()};
  leg.env = {{"PLAIN", "1"},
             {"QUOTES", "it's \"so\" $HOME `x` \\"},
             {"LINES", "one\ntwo\n"},
             {"UNICODE", "Gr\u00fc\u00dfe \u4f60\u597d"},
             {"EMPTY", ""}};
  const auto mine = leg.env;
  spec.env_padding_bytes = 1000;
  execute(subject, spec);
  std::map<std::string, std::string> seen;
  const auto text = read_text(out);
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\0', at);
    const auto entry = text.substr(at, end - at);
    seen[entry.substr(0, entry.find('='))] = entry.substr(entry.find('=') + 1);
    at = end + 1;
  }
  for (const auto& [name, value] : mine) {
    INFO(name);
    CHECK(seen[name] == value);
    seen.erase(name);
  }
  CHECK(seen["AMDAHL_RUN_KEY"] == spec.key.text);
  CHECK(seen["AMDAHL_WORKDIR"] == spec.workdir);
  CHECK(seen["AMDAHL_PAD"].size() == 1000);
  for (const auto* ours : {"PATH", "HOME", "TMPDIR", "CUDA_VISIBLE_DEVICES", "AMDAHL_EVENTS",
                           "AMDAHL_RUN_KEY", "AMDAHL_WORKDIR", "AMDAHL_PAD"}) {
    INFO(ours);
    CHECK(seen.erase(ours) == 1);
  }
  for (const auto& [name, value] : seen) FAIL_CHECK("unasked: " << name << "=" << value);
  for (const auto* word : {"baseline", "variant"}) CHECK(text.find(word) == std::string::npos);
}

void events_are_measured(AdapterSubject& subject) {
  auto spec = shell_run(subject, "");
  spec.legs.front().command = {
      "python3", "-c",
      "import os, time, json\n"
      "q = [0]\n"
      "f = open(os.environ['AMDAHL_EVENTS'], 'a')\n"
      "def say(k, **more):\n"
      "  f.write(json.dumps({'v': 1, 'k': k, 'q': q[0], 'm': time.monotonic(), **more}) + '\\n')\n"
      "  q[0] += 1; f.flush()\n"
      "say('hello', t=time.time())\n"
      "say('b', ph='input', id=1)\n"
      "time.sleep(0.2)\n"
      "say('e', id=1)\n"
      "say('work', n=640, digest='00000000deadbeef')\n"
      "say('met', key='accuracy', val=0.75)\n"
      "say('bye', rc=0)\n"};
  spec.has_quality = true;
  spec.quality_metric = "accuracy";
  const auto leg = only_leg(execute(subject, spec));
  CHECK(leg.problem.empty());
  CHECK(leg.units == 640);
  CHECK(leg.quality == 0.75);
  CHECK(leg.sample_digest == "00000000deadbeef");
  REQUIRE(leg.inside_us);
  CHECK(*leg.inside_us >= 200'000);
  CHECK(*leg.inside_us <= leg.window_us);
  CHECK(leg.phase_seconds.at("input") >= 0.2);
  double sum = 0;
  for (const auto& [phase, seconds] : leg.phase_seconds) sum += seconds;
  CHECK(sum == Approx(static_cast<double>(leg.window_us) / 1e6).margin(1e-4));
  CHECK(leg.peak_memory_bytes.value_or(0) > 1'000'000);
}

void garbage_is_named(AdapterSubject& subject) {
  auto spec = shell_run(subject,
                        "printf 'scored many\\n\\377\\376\\n'; head -c 300000 /dev/urandom; "
                        "echo not-json >> $AMDAHL_EVENTS");
  spec.units = {Source::Kind::regex, "scored (\\w+)", "", ""};
  spec.quality = {Source::Kind::file, "", "out.json", "/accuracy"};
  spec.has_quality = true;
  spec.quality_metric = "accuracy";
  const auto leg = only_leg(execute(subject, spec));
  CHECK(leg.exit_code == 0);
  CHECK_FALSE(leg.units);
  CHECK_FALSE(leg.quality);
  CHECK_FALSE(leg.inside_us);
  CHECK(says(leg.problem, "scored"));
  CHECK(says(leg.problem, "out.json"));
}

void useless_units_are_unknown(AdapterSubject& subject) {
  auto spec = shell_run(subject, "echo units 0 quality 0.5");
  add_variant(spec, "echo units -3 quality nan");
  spec.units = {Source::Kind::regex, "units (\\S+)", "", ""};
  spec.quality = {Source::Kind::regex, "quality (\\S+)", "", ""};
  spec.has_quality = true;
  const auto result = execute(subject, spec);
  REQUIRE(result.legs.size() == 2);
  CHECK_FALSE(result.legs[0].units);
  CHECK(result.legs[0].quality == 0.5);
  CHECK(says(result.legs[0].problem, "units"));
  CHECK_FALSE(result.legs[1].units);
  CHECK_FALSE(result.legs[1].quality);
  CHECK(says(result.legs[1].problem, "quality"));
}

void memory_of_all_processes_counts(AdapterSubject& subject) {
  auto spec = shell_run(subject, "");
  // Two processes of 60 MiB each, both there until the parent has seen the child's.
  spec.legs.front().command = {"python3", "-c",
                               "import os, time\n"
                               "r, w = os.pipe()\n"
                               "mine = b'x' * (60 << 20)\n"
                               "child = os.fork()\n"
                               "if child == 0:\n"
                               "  other = b'y' * (60 << 20)\n"
                               "  os.write(w, b'.')\n"
                               "  time.sleep(60)\n"
                               "os.read(r, 1)\n"
                               "time.sleep(3)\n"};  // long enough for the sampler on a busy machine
  const auto leg = only_leg(execute(subject, spec));
  CHECK(leg.exit_code == 0);
  CHECK(leg.peak_memory_bytes.value_or(0) > std::int64_t{110} << 20);
  CHECK(leg.peak_memory_bytes.value_or(0) < std::int64_t{250} << 20);
}

void fresh_layout_is_another_layout(AdapterSubject& subject) {
  if (std::system("setarch -R true 2>/dev/null") != 0) {
    WARN("skipped: this machine lets nobody change the address layout");
    return;
  }
  if ((::personality(0xffffffff) & ADDR_NO_RANDOMIZE) != 0) {
    WARN("skipped: the tests themselves run without one, as sanitizers want it on some kernels");
    return;
  }
  auto spec = shell_run(subject, "cat /proc/self/personality");
  execute(subject, spec);
  const auto usual = subject.adapter().fetch_log(spec.key, Arm::baseline, false, 100).value();
  auto fresh = shell_run(subject, "cat /proc/self/personality");
  fresh.fresh_layout = true;
  execute(subject, fresh);
  const auto other = subject.adapter().fetch_log(fresh.key, Arm::baseline, false, 100).value();
  CHECK(usual != other);
  CHECK(says(other, "40000"));  // ADDR_NO_RANDOMIZE
}

void log_shows_the_end(AdapterSubject& subject) {
  const auto spec = shell_run(subject, "echo first; echo last; echo wrong >&2");
  execute(subject, spec);
  CHECK(subject.adapter().fetch_log(spec.key, Arm::baseline, false, 5).value() == "last\n");
  CHECK(subject.adapter().fetch_log(spec.key, Arm::baseline, true, 100).value() == "wrong\n");
  CHECK_FALSE(subject.adapter().fetch_log(spec.key, Arm::variant, true, 100).has_value());
}

}  // namespace amdahl::conformance::laws
