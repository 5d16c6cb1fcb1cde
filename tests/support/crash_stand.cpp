#include "support/crash_stand.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "amdahl/core/failpoint.hpp"

namespace amdahl::test {

namespace fs = std::filesystem;
using nlohmann::json;
using scheduler_adapters::Adapter;

namespace {

constexpr int cycles_max = 3000;
constexpr int child_killed = -1;
constexpr auto story_limit = std::chrono::seconds{30};
constexpr auto short_ttl = std::chrono::milliseconds{150};
constexpr auto job_name = "crash";

bool starts_with(std::string_view text, std::string_view beginning) {
  return text.substr(0, beginning.size()) == beginning;
}

bool dies_outside(std::string_view failpoint) {
  return starts_with(failpoint, "shim.") || starts_with(failpoint, "starter.");
}

// In the child: dies where it is told to, or arms the shim that is to die.
void obey(const Death& death) {
  const bool outside = dies_outside(death.failpoint);
  const auto at = outside ? std::string{"local.starter_due"} : death.failpoint;
  core::on_failpoint([death, outside, at, left = death.nth](std::string_view name) mutable {
    if (outside && name == "local.starter_spawned") ::unsetenv(core::failpoint_variable);
    if (name != at || --left != 0) return;
    if (outside) {
      ::setenv(core::failpoint_variable, death.failpoint.c_str(), 1);
    } else {
      ::kill(::getpid(), SIGKILL);
    }
  });
}

// In the child: writes every crossing down.
void record(const fs::path& file) {
  core::on_failpoint([file](std::string_view name) {
    std::ofstream{file, std::ios::app} << name << "\n";
  });
}

bool contains(const fs::path& file, const std::string& words) {
  std::ifstream in{file};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str().find(words) != std::string::npos;
}

core::RunKey orphan_key() { return core::make_run_key({7, 7, 7, 7}, 1); }

}  // namespace

bool die_here(const std::function<void()>& work, const std::string& failpoint) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error{"cannot fork"};
  if (child == 0) {
    if (!failpoint.empty()) obey({failpoint, 1});
    try {
      work();
    } catch (...) {
      ::_exit(4);
    }
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

std::string text_of(const Death& death) { return fmt::format("{}@{}", death.failpoint, death.nth); }

CrashStand::CrashStand(Story story) : story_{story}, stand_{0, 4} {
  stand_.settings.canary_pairs = 2;
  stand_.settings.observe_only = true;
  const auto log_file = stand_.folder() / "log";
  stand_.log = [log_file](std::string_view event, const json& fields) {
    std::ofstream{log_file, std::ios::app} << event << " " << fields.dump() << "\n";
  };
  if (story_ != Story::measured) {
    auto service = stand_.service();
    const auto spec =
        stand_.job(job_name, {{"@COUNT_FILE@", stand_.count_file().string()},
                              {"@VALUE@", story_ == Story::refuted ? "broken" : "endless"}});
    stand_.command(*service, "add_job", {{"spec", core::to_json(spec)}});
    stand_.run_until_idle(*service);
    service->leadership.release();
    stand_.settings.observe_only = false;
  }
  stand_.remember();
  start_over();
  const auto file = stand_.folder() / "crossings";
  if (tell_in_child(1, Death{"", 0}) != 0) throw std::runtime_error{"the story came to no end"};
  std::ifstream in{file};
  std::map<std::string, int> counts;
  for (std::string name; std::getline(in, name);) crossings_.push_back({name, ++counts[name]});
  for (const auto& point : core::failpoints) {
    // Its shims post no results.
    if (!dies_outside(point.name) || point.name == "shim.result_posted") continue;
    for (int nth = 1; nth <= counts["local.starter_due"]; ++nth)
      crossings_.push_back({std::string{point.name}, nth});
  }
  if (story_ == Story::measured) crossings_.push_back({"leadership.renewed", 1});
}

void CrashStand::start_over() {
  stand_.start_over();
  if (story_ == Story::aborted) submit_orphan();
}

core::RunSpec CrashStand::orphan() const {
  core::RunSpec spec;
  spec.key = orphan_key();
  spec.name = "orphan";
  spec.code_digest = "none";
  spec.code_dir = spec.workdir = stand_.folder();
  spec.allocation = {1, 0, 1, 1 << 20};
  spec.leg_time_limit = std::chrono::seconds{20};
  spec.units.kind = core::Source::Kind::event;
  core::LegSpec leg;
  leg.command = {"true"};
  spec.legs = {leg};
  return spec;
}

// Held by us, in no ledger: what a leader leaves that lost the tail of its ledger.
void CrashStand::submit_orphan() {
  const auto submitted = stand_.adapter()->submit(orphan(), std::chrono::seconds{10});
  if (submitted.kind != scheduler_adapters::Submitted::Kind::accepted)
    throw std::runtime_error{"no orphan: " + submitted.failure.message};
}

// Asks for what the story wants next; false when nothing is left to ask for.
bool CrashStand::story_goes_on(LoopStand::Service& service) {
  const auto ask = [&](const std::string& key, const std::string& verb, const json& args) {
    if (service.ledger->command_answer(key)) return false;
    service.ledger->put_command(key, verb, args);
    return true;
  };
  if (story_ == Story::measured) {
    const auto spec = stand_.job(
        job_name, {{"@COUNT_FILE@", stand_.count_file().string()}, {"@VALUE@", "broken"}});
    return ask("story-job", "add_job", {{"spec", core::to_json(spec)}}) ||
           ask("story-run", "run_champion", {{"job", job_name}});
  }
  if (story_ == Story::aborted && !service.ledger->command_answer("story-abort")) {
    for (const auto& run : service.ledger->read_snapshot().live_runs) {
      if (run.state == core::RunState::running)
        return ask("story-abort", "abort",
                   {{"experiment", run.experiment.value}, {"reason", "enough"}});
    }
  }
  return false;
}

int CrashStand::tell_in_child(std::uint64_t seed, const std::optional<Death>& death) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error{"cannot fork"};
  if (child > 0) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? child_killed : WEXITSTATUS(status);
  }
  try {
    ::alarm(static_cast<unsigned>(story_limit.count()));
    if (death && death->failpoint.empty()) record(stand_.folder() / "crossings");
    if (death && !death->failpoint.empty()) obey(*death);
    if (death && death->failpoint == "leadership.renewed") stand_.lease_ttl = short_ttl;
    auto service = stand_.service(seed);
    for (int cycle = 0; cycle < cycles_max; ++cycle) {
      const bool goes_on = story_goes_on(*service);
      const auto end =
          service->runner.run(loop::Runner::Until::one_cycle, [](auto) { return true; });
      if (!goes_on && end == loop::Runner::End::nothing_left) {
        service->leadership.release();
        ::_exit(0);
      }
      // tidy: allow(sleep-in-test): the runner's own pause
      if (!service->runner.last().acted) ::usleep(2000);
    }
    ::_exit(3);
  } catch (const std::exception& problem) {
    std::ofstream{stand_.folder() / "log", std::ios::app} << problem.what() << "\n";
    ::_exit(4);
  }
}

bool CrashStand::was_crossed_outside(const std::string& failpoint) const {
  const auto words = "at failpoint " + failpoint + ",";
  if (contains(stand_.folder() / "log", words)) return true;
  for (const auto* folder : {"live", "done"}) {
    std::error_code error;
    fs::directory_iterator runs{stand_.folder() / "state/runs" / folder, error};
    for (const auto& run : runs) {
      if (contains(run.path() / "shim.log", words)) return true;
    }
  }
  return false;
}

bool CrashStand::tell(std::uint64_t seed, const std::optional<Death>& death) {
  const auto end = tell_in_child(seed, death);
  if (end == child_killed) return true;
  if (end != 0) throw std::runtime_error{fmt::format("the story came to no end: {}", end)};
  return death && dies_outside(death->failpoint) && was_crossed_outside(death->failpoint);
}

}  // namespace amdahl::test
