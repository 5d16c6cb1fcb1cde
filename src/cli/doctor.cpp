#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <ostream>

#include "amdahl/core/failpoint.hpp"
#include "amdahl/core/quantity.hpp"
#include "amdahl/ledger/errors.hpp"
#include "ask.hpp"
#include "commands.hpp"
#include "config_file.hpp"
#include "doctor_check.hpp"
#include "numbers.hpp"
#include "report.hpp"
#include "services.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

namespace fs = std::filesystem;
using core::Error;
using core::Result;
using nlohmann::json;

constexpr double disk_share_min = 0.05;  // PostgreSQL and snapshots need room to breathe
constexpr double clock_skew_max_s = 5;   // nothing is decided by it, but people compare times

class Examination {
 public:
  explicit Examination(Context& context) : context_{context} {}

  std::vector<Check> all() {
    guarded("config", [&] { return check_config(); });
    guarded("ledger", [&] { return check_ledger(); });
    guarded("chain", [&] { return check_chain(); });
    guarded("loop", [&] { return check_loop(); });
    guarded("clock", [&] { return check_clock(); });
    guarded("worker", [&] { return check_shim(); });
    guarded("failpoint", [&] { return check_failpoint(); });
    guarded("disk", [&] { return check_disk(); });
    if (config_) {
      guarded("service", [&] { return check_service(context_.env, *config_); });
      if (ledger_ != nullptr) guarded("hooks", [&] { return check_hooks(*ledger_, *config_); });
      guarded("tls", [&] { return check_certificate(context_.env.clock, *config_); });
    }
    check_clusters();
    return std::move(checks_);
  }

 private:
  template <class Work>
  void guarded(const std::string& name, Work work) {
    Check check;
    try {
      check = work();
    } catch (const std::exception& error) {
      check = {Check::Result::failure, name, error.what(),
               name == "ledger" ? "is PostgreSQL up? amdahl db migrate --plan" : ""};
    }
    if (check.text.empty()) return;  // does not apply
    check.name = name;
    checks_.push_back(std::move(check));
  }

  static Check failed(const Error& error) {
    return {Check::Result::failure, "", error.message, error.hint};
  }

  Check check_config() {
    const auto config = context_.services.configuration();
    if (!config) return failed(config.error());
    config_ = *config;
    for (const auto& file : {config->url_file, config->owner_url_file}) {
      if (file.empty()) continue;
      if (const auto secret = read_secret(file); !secret) return failed(secret.error());
    }
    const auto set =
        std::count_if(config->settings.begin(), config->settings.end(),
                      [](const Setting& setting) { return setting.origin != "default"; });
    return {Check::Result::pass, "",
            fmt::format("valid; {} settings, {} set, {} files", config->settings.size(), set,
                        config->files.size()),
            ""};
  }

  Check check_ledger() {
    const auto ledger = context_.services.own_ledger();
    if (!ledger) return failed(ledger.error());
    ledger_ = *ledger;
    if (const auto why = ledger_->why_read_only(); !why.empty()) {
      return {Check::Result::failure, "", why, "amdahl db migrate --plan"};
    }
    (void)ledger_->head();
    return {Check::Result::pass, "", "PostgreSQL answers, the schema is this version's", ""};
  }

  Check check_chain() {
    if (ledger_ == nullptr) return {};
    const auto verified = ledger_->read("verify", json::object());
    if (verified.value("ok", false)) {
      return {Check::Result::pass, "",
              text_or(verified.value("events", json{}), "0") + " events verified", ""};
    }
    return {
        Check::Result::failure, "",
        "altered: " + text_or(verified.value("/first_bad/problem"_json_pointer, json{}), "unknown"),
        "amdahl ledger verify"};
  }

  Check check_loop() {
    if (ledger_ == nullptr) return {};
    const auto config = context_.services.configuration();
    if (!config) return {Check::Result::failure, "", config.error().message, config.error().hint};
    const auto loop = ledger_->read("status", status_query(*config)).value("loop", json::object());
    const auto state = text_or(loop.value("state", json{}), "unknown");
    if (state == "running")
      return {Check::Result::pass, "", "led by " + text_or(loop.value("holder", json{}), "unknown"),
              ""};
    if (state == "paused")
      return {Check::Result::warning, "",
              "paused: " + text_or(loop.value("paused_reason", json{}), "no reason given"),
              "amdahl resume"};
    return {Check::Result::warning, "", "no loop runs",
            "amdahl serve, or amdahl dev on one machine"};
  }

  Check check_clock() {
    if (ledger_ == nullptr) return {};
    const auto ours = static_cast<double>(context_.env.clock.now().time_since_epoch().count());
    const auto skew = std::abs(ours - static_cast<double>(ledger_->read_snapshot().now_us)) / 1e6;
    const auto text = fmt::format("{:.0f} ms from the ledger's", 1000 * skew);
    if (skew < clock_skew_max_s) return {Check::Result::pass, "", text, ""};
    return {Check::Result::warning, "", text,
            "is NTP running here and there? nothing is decided by it"};
  }

  Check check_shim() {
    const auto shim = context_.env.program.parent_path() / "amdahl-run";
    if (::access(shim.c_str(), X_OK) == 0) return {Check::Result::pass, "", shim.string(), ""};
    return {Check::Result::failure, "", shim.string() + " is missing",
            "install amdahl-run beside amdahl"};
  }

  static Check check_failpoint() {
    const char* set = std::getenv(core::failpoint_variable);
    if (set == nullptr || *set == '\0') return {};
    return {
        Check::Result::warning, "",
        fmt::format("{}={}: a service with it kills itself there", core::failpoint_variable, set),
        fmt::format("unset {}: it is for tests", core::failpoint_variable)};
  }

  Check check_disk() {
    if (!config_) return {};
    auto folder = config_->state_dir;
    std::error_code problem;
    while (!folder.empty() && !fs::exists(folder, problem) && folder != folder.parent_path())
      folder = folder.parent_path();
    const auto space = fs::space(folder, problem);
    if (problem)
      return {Check::Result::failure, "", folder.string() + ": " + problem.message(),
              "set service.state_dir"};
    if (::access(folder.c_str(), W_OK) != 0)
      return {Check::Result::failure, "", folder.string() + " cannot be written",
              "set service.state_dir, or its owner"};
    return check_room(folder, space);
  }

  // What the way to a scheduler lacks: a line for each finding, fine ones in one.
  void check_way(const ClusterConfig& cluster) {
    using Grade = scheduler_adapters::Finding::Grade;
    const auto name = "cluster " + cluster.name;
    const auto adapter = context_.services.adapter(cluster.name);
    if (!adapter) return;
    Check fine{Check::Result::pass, name, "", ""};
    for (const auto& finding : (*adapter)->examine()) {
      if (finding.grade == Grade::fine) {
        fine.text += (fine.text.empty() ? "" : "; ") + finding.text;
        continue;
      }
      const auto result =
          finding.grade == Grade::failure ? Check::Result::failure : Check::Result::warning;
      checks_.push_back({result, name, finding.text, finding.fix});
    }
    if (!fine.text.empty()) checks_.push_back(std::move(fine));
  }

  void check_clusters() {
    if (!config_) return;
    for (const auto& cluster : config_->clusters) {
      guarded("cluster " + cluster.name, [&]() -> Check {
        const auto adapter = context_.services.adapter(cluster.name);
        if (!adapter) return failed(adapter.error());
        const auto capacity = (*adapter)->capacity();
        if (!capacity) return failed(capacity.error());
        return {Check::Result::pass, "",
                fmt::format("{}: {} GPU slots, {} CPUs, {}, {}", cluster.adapter, capacity->gpus,
                            capacity->cpus, core::format_bytes(capacity->memory_bytes),
                            capacity->hardware_class),
                ""};
      });
      check_way(cluster);
    }
  }

  Context& context_;
  std::optional<Config> config_;
  ledger::Ledger* ledger_ = nullptr;
  std::vector<Check> checks_;
};

std::string_view word(Check::Result result) {
  switch (result) {
    case Check::Result::pass:
      return "pass";
    case Check::Result::warning:
      return "warning";
    case Check::Result::failure:
      return "failure";
  }
  return "";
}

ExitCode run_doctor(Context& context, const Args&) {
  const auto checks = Examination{context}.all();
  json document{{"schema", "amdahl.doctor/v1"}, {"checks", json::array()}};
  int failures = 0, warnings = 0;
  std::size_t width = 0;
  for (const auto& check : checks) {
    document["checks"].push_back({{"name", check.name},
                                  {"result", word(check.result)},
                                  {"text", check.text},
                                  {"fix", check.fix}});
    failures += check.result == Check::Result::failure ? 1 : 0;
    warnings += check.result == Check::Result::warning ? 1 : 0;
    width = std::max(width, width_of(check.name));
  }
  document["ok"] = failures == 0;
  const auto code = failures == 0 ? ExitCode::ok : ExitCode::check_failed;
  if (print_document(context, document)) return code;
  auto& out = context.env.out;
  for (const auto& check : checks) {
    const auto* mark = check.result == Check::Result::pass      ? "✔"
                       : check.result == Check::Result::warning ? "!"
                                                                : "✖";
    out << fmt::format(" {} {}  {}\n", mark, padded(check.name, width), check.text);
    if (!check.fix.empty()) out << std::string(width + 5, ' ') << "→ " << check.fix << '\n';
  }
  out << fmt::format("{} failed, {} warnings\n", failures, warnings);
  return code;
}

}  // namespace

Check check_room(const fs::path& folder, const fs::space_info& space) {
  const double share = static_cast<double>(space.available) /
                       static_cast<double>(std::max<std::uintmax_t>(1, space.capacity));
  const auto text = fmt::format("{} free below {}, {}",
                                core::format_bytes(static_cast<std::int64_t>(space.available)),
                                folder.string(), percent(share));
  if (share < disk_share_min)
    return {Check::Result::warning, "", text, "free some, or move service.state_dir"};
  return {Check::Result::pass, "", text, ""};
}

Command doctor_command() {
  return {"doctor",
          "what is wrong here, and how to fix it; exit 8 if something is",
          "  amdahl doctor\n  amdahl doctor -o json",
          {},
          {},
          run_doctor,
          {}};
}

}  // namespace amdahl::cli
