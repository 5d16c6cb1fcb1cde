#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "amdahl/run_files/life_lock.hpp"
#include "amdahl/run_files/names.hpp"
#include "amdahl/run_files/process_identity.hpp"
#include "support/crash_stand.hpp"

// What may not be wrong after a story that was told by processes that died.

namespace amdahl::test {

namespace fs = std::filesystem;
namespace names = run_files::names;
using nlohmann::json;

namespace {

constexpr std::chrono::seconds rest_within{10};

json all_pages(ledger::Ledger& ledger, const std::string& view, const char* cursor_key) {
  json all = json::array();
  json args{{"limit", 200}};
  for (;;) {
    const auto page = ledger.read(view, args);
    for (const auto& row : page[view]) all.push_back(row);
    if (page["next_cursor"].is_null()) return all;
    args[cursor_key] = page["next_cursor"];
  }
}

// The pid that a native id begins with.
std::string pid_of(const json& native_id) {
  if (!native_id.is_string()) return "";
  const auto text = native_id.get<std::string>();
  return text.substr(0, text.find('-'));
}

}  // namespace

// Counted by the job itself, outside ledger and run folder.
void CrashStand::check_executions(std::vector<std::string>& faults) {
  const auto ledger = ledger::connect(stand_.database().service_url());
  std::map<std::string, std::string> recorded;
  for (const auto& run : all_pages(*ledger, "runs", "cursor"))
    recorded[run["run_key"]] = pid_of(run["native_id"]);
  std::set<std::string> executed;
  for (const auto& line : stand_.executions()) {
    std::istringstream words{line};
    std::string key, leg, pid, shim;
    words >> key >> leg >> pid >> shim;
    if (!executed.insert(key + " " + leg).second) faults.push_back("executed twice: " + line);
    const auto run = recorded.find(key);
    if (run == recorded.end()) {
      faults.push_back("executed, but in no ledger: " + line);
    } else if (run->second != shim) {
      faults.push_back(
          fmt::format("executed by another than the recorded {}: {}", run->second, line));
    }
  }
}

void CrashStand::check_ledger(std::vector<std::string>& faults) {
  const auto ledger = ledger::connect(stand_.database().service_url());
  const auto verified = ledger->read("verify", json::object());
  if (verified["ok"] != true) faults.push_back("verify: " + verified.dump());
  for (const auto& run : all_pages(*ledger, "runs", "cursor")) {
    if (run["state"] != "ended") faults.push_back("no end: " + run.dump());
  }
  std::set<std::string> tried;
  for (const auto& row : all_pages(*ledger, "experiments", "cursor")) {
    const bool closed = !row["outcome"].is_null() || row["state"] == "aborted";
    if (!closed) faults.push_back("no verdict: " + row.dump());
    if (!tried.insert(row["kind"].get<std::string>()).second)
      faults.push_back("tried twice: " + row.dump());
  }
  std::set<std::string> seen;
  for (auto event : all_pages(*ledger, "events", "after")) {
    if (event["kind"].get<std::string>().starts_with("lease_")) continue;
    for (const auto* key : {"seq", "fence", "at"}) event.erase(key);
    if (!seen.insert(event.dump()).second) faults.push_back("an event twice: " + event.dump());
  }
  const auto credited = ledger->read("bank", json::object())["entries"].size();
  if (credited > 1) faults.push_back("the bank was credited twice");
}

// Locks, processes and folders: nothing is left that still does something.
void CrashStand::check_machine(std::vector<std::string>& faults) {
  const auto runs = stand_.folder() / "state/runs";
  const auto listing = stand_.adapter()->list();
  if (!listing.complete || !listing.problem.empty())
    faults.push_back("the listing is incomplete: " + listing.problem);
  for (const auto& run : listing.runs) {
    faults.push_back(fmt::format("{} is still there, {}", run.key.text, core::name(run.state)));
  }
  for (const auto& run : fs::directory_iterator{runs / "live"})
    faults.push_back("garbage: " + run.path().string());
  for (const auto& run : fs::directory_iterator{runs / "done"}) {
    if (run_files::is_locked(run.path() / names::lock).value())
      faults.push_back("still locked: " + run.path().string());
    for (const auto& process : run_files::processes_of_run(run.path().filename(), 0))
      faults.push_back(
          fmt::format("process {} of {} still runs", process.pid, run.path().string()));
  }
}

// At rest: a shim ends a moment after its result is there, and what was killed when the kernel gets
// to it.
void CrashStand::check_rest(std::vector<std::string>& faults) {
  const auto until = std::chrono::steady_clock::now() + rest_within;
  for (;;) {
    std::vector<std::string> found;
    check_machine(found);
    if (found.empty()) return;
    if (std::chrono::steady_clock::now() > until) {
      faults.insert(faults.end(), found.begin(), found.end());
      return;
    }
    // tidy: allow(sleep-in-test): between two looks
    ::usleep(5000);
  }
}

std::vector<std::string> CrashStand::faults() {
  std::vector<std::string> found;
  check_executions(found);
  check_ledger(found);
  check_rest(found);
  return found;
}

}  // namespace amdahl::test
