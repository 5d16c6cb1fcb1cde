#include "assemble.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ostream>
#include <random>

#include "amdahl/ledger/ledger.hpp"
#include "amdahl/ledger/verify.hpp"
#include "amdahl/loop/runner.hpp"
#include "amdahl/scheduler_adapters/local.hpp"
#include "amdahl/scheduler_adapters/slurm.hpp"
#include "config_file.hpp"
#include "http_ledger.hpp"
#include "result_posts.hpp"
#include "slurm_cluster.hpp"

namespace amdahl::cli {

namespace {

using core::Error;
using core::ErrorCode;
using core::Result;

class SeededRandom : public core::Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_{seed} {}
  std::uint64_t next() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

std::string holder() {
  std::string host(256, '\0');
  if (::gethostname(host.data(), host.size() - 1) != 0) host = "unknown";
  host.resize(std::min(host.find('\0'), host.size()));
  return fmt::format("{}:{}", host, ::getpid());
}

// The worker's shim lies beside this binary.
std::filesystem::path shim_beside(const Environment& env) {
  return env.program.parent_path() / "amdahl-run";
}

loop::Settings settings_of(const Config& config, const Drive& drive) {
  loop::Settings settings;
  if (config.gpu_hours_per_day) settings.gpu_hours_per_day = *config.gpu_hours_per_day;
  settings.fleet_share = config.fleet_share;
  settings.concurrent_runs = drive.commands_only ? 0 : config.concurrent_runs;
  settings.observe_only = config.observe || drive.observe;
  settings.pairs_max = config.pairs_max;
  settings.checks = config.checks;
  settings.later = std::chrono::duration_cast<std::chrono::seconds>(config.refute_delay);
  settings.approval = config.approval;
  return settings;
}

class SystemServices : public Services {
 public:
  SystemServices(Environment& env, GlobalOptions options)
      : env_{env}, options_{std::move(options)}, seed_{random_seed()}, random_{seed_} {}

  Result<Config> configuration() override {
    if (!config_) {
      auto read = read_config(env_, options_, {});
      if (!read) return read.error();
      config_ = std::move(*read);
    }
    return *config_;
  }

  Result<ledger::Ledger*> ledger() override {
    if (!looked_ && !ledger_ && !options_.ledger_only) {
      const auto config = configuration();
      if (!config) return config.error();
      auto found = find_service(env_, options_, *config, [this](const std::string& which) {
        if (options_.verbose) env_.err << "amdahl: " << which << '\n';
      });
      if (!found) return found.error();
      service_ = std::move(*found);
      looked_ = true;
    }
    if (service_) return service_.get();
    return own_ledger();
  }
  HttpLedger* service() override { return service_.get(); }

  Result<ledger::Ledger*> own_ledger() override {
    if (!ledger_) {
      const auto url = ledger_url();
      if (!url) return url.error();
      ledger_ = ledger::connect(
          *url, {.allow_owner = false, .or_read_only = true, .on_write = on_write_});
      if (const auto why = ledger_->why_read_only(); !why.empty() && !options_.quiet) {
        env_.err << fmt::format("amdahl: {}; until then it is only read\n", why);
      }
    }
    return ledger_.get();
  }

  Result<std::string> ledger_url() override {
    const auto config = configuration();
    if (!config) return config.error();
    if (config->url_file.empty()) {
      return Error{ErrorCode::invalid_config, "no ledger is configured",
                   "set ledger.url_file, or start amdahl dev for one of this machine"};
    }
    return read_secret(config->url_file);
  }

  Result<std::unique_ptr<ledger::Accounting>> accounting() override {
    const auto url = ledger_url();
    if (!url) return url.error();
    return ledger::open_accounting(*url);
  }

  Result<scheduler_adapters::Adapter*> adapter(const std::string& cluster) override {
    if (const auto made = make_adapters(); !made) return made.error();
    for (const auto& adapter : adapters_) {
      if (adapter->cluster() == cluster) return adapter.get();
    }
    return Error{ErrorCode::not_found,
                 fmt::format("cluster \"{}\" is not configured here", cluster),
                 "amdahl config show"};
  }

  Result<Driven> drive(const Drive& drive) override;
  Result<loop::Actions> dry_run() override;

 private:
  Result<void> make_adapters();
  void prove_ledger();
  Result<loop::Engine::Parts> parts(const Drive& drive);
  std::function<void(std::string_view, const nlohmann::json&)> log_of(const Drive& drive) const;

  Environment& env_;
  GlobalOptions options_;
  std::uint64_t seed_;
  SeededRandom random_;
  std::optional<Config> config_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<HttpLedger> service_;
  bool looked_ = false;  // for a service
  std::optional<ledger::Verification> proved_;
  std::function<void(std::chrono::microseconds)> on_write_;
  std::vector<std::unique_ptr<scheduler_adapters::Adapter>> adapters_;
  std::optional<loop::FileCodeStore> code_;
};

Result<void> SystemServices::make_adapters() {
  if (!adapters_.empty()) return {};
  const auto config = configuration();
  if (!config) return config.error();
  const auto posts = read_result_posts(*config);
  if (!posts) return posts.error();
  for (const auto& cluster : config->clusters) {
    if (cluster.adapter == "slurm") {
      auto options = slurm_options(*config, cluster, shim_beside(env_));
      if (!options) {
        adapters_.clear();
        return options.error();
      }
      adapters_.push_back(scheduler_adapters::make_slurm_adapter(std::move(*options), env_.clock));
      continue;
    }
    scheduler_adapters::LocalOptions options;
    options.cluster = cluster.name;
    options.state_dir = config->state_dir;
    options.shim = shim_beside(env_);
    options.gpus = cluster.gpus;
    options.cpus = cluster.cpus;
    options.memory_bytes = cluster.memory_bytes;
    if (const auto post = posts->clusters.find(cluster.name); post != posts->clusters.end())
      options.post = post->second;
    adapters_.push_back(scheduler_adapters::make_local_adapter(std::move(options), env_.clock));
  }
  return {};
}

std::function<void(std::string_view, const nlohmann::json&)> SystemServices::log_of(
    const Drive& drive) const {
  if (drive.log) return drive.log;
  return [](std::string_view, const nlohmann::json&) {};
}

Result<loop::Engine::Parts> SystemServices::parts(const Drive& drive) {
  const auto config = configuration();
  if (!config) return config.error();
  if (const auto made = make_adapters(); !made) return made.error();
  const auto connected = own_ledger();
  if (!connected) return connected.error();
  if (auto why = (*connected)->why_read_only(); !why.empty()) throw ledger::SchemaMismatch{why};
  if (!code_) code_.emplace(config->state_dir / "code");
  std::vector<scheduler_adapters::Adapter*> adapters;
  for (const auto& adapter : adapters_) adapters.push_back(adapter.get());
  return loop::Engine::Parts{**connected, std::move(adapters),         *code_,
                             random_,     settings_of(*config, drive), log_of(drive),
                             &env_.clock};
}

Result<loop::Actions> SystemServices::dry_run() {
  // Its ledger need not be the one that is configured here.
  if (service_ && !options_.server.empty())
    return Error{ErrorCode::unreachable, service_->place() + " plans for itself", ""};
  auto all = parts({});
  if (!all) return all.error();
  loop::Engine engine{std::move(*all)};
  return engine.dry_run();
}

// The whole ledger once, before the first lease; later only what the chain has gained since.
void SystemServices::prove_ledger() {
  const auto url = read_secret(config_->url_file);
  if (!url) return;
  const auto proved = proved_ ? ledger::verify_chain_since(*url, *proved_)
                              : ledger::verify_ledger(*url, ledger::Proof::chained);
  if (const auto& bad = proved.first_bad) {
    throw ledger::Altered{fmt::format("the ledger was altered, so nobody may lead it: {} ({} {})",
                                      bad->problem, bad->table, bad->key)};
  }
  proved_ = proved;
}

// A leader that pauses for longer than its lease lasts renews it meanwhile.
void pause_leading(const Drive& drive, loop::Leadership& leadership,
                   std::chrono::milliseconds pause) {
  const auto piece_max = leadership.renewal_interval();
  for (;;) {
    const auto piece = std::min(pause, piece_max);
    pause -= piece;
    const bool early = drive.pause(piece, leadership.waiting_for().empty());
    if (early || pause <= pause.zero() || !leadership.keep()) return;
  }
}

Result<Driven> SystemServices::drive(const Drive& drive) {
  on_write_ = drive.on_write;
  auto all = parts(drive);
  if (!all) return all.error();
  auto& ledger = all->ledger;
  loop::Engine engine{std::move(*all)};
  loop::Leadership::Options leading;
  leading.ttl = config_->lease_ttl;
  leading.holder = holder();
  leading.sole = drive.sole;
  const auto prove = [&] {
    prove_ledger();
    if (drive.on_proved) drive.on_proved();
  };
  leading.before_leading = prove;
  loop::Leadership leadership{ledger, env_.clock, random_, leading};
  loop::Runner::Options pace;
  pace.pace.idle = config_->idle_interval;
  pace.leader_patience = drive.patience;
  pace.on_cycle = drive.on_cycle;
  const auto log = log_of(drive);
  // A follower does the long part while somebody leads.
  if (!proved_) prove();
  log("started", {{"holder", leading.holder}, {"seed", fmt::format("{:016x}", seed_)}});
  loop::Runner runner{engine, leadership, env_.clock, pace, log};
  using Until = loop::Runner::Until;
  const auto until = drive.until == Drive::Until::one_cycle      ? Until::one_cycle
                     : drive.until == Drive::Until::nothing_left ? Until::nothing_left
                                                                 : Until::stopped;
  const auto end = runner.run(until, [&](std::chrono::milliseconds pause) {
    if (env_.interrupted() || (drive.done && drive.done())) return false;
    if (drive.pause) {
      pause_leading(drive, leadership, pause);
    } else {
      env_.sleep(pause);
    }
    if (drive.reload) {
      if (auto fresh = drive.reload()) {
        config_ = std::move(*fresh);
        engine.use(settings_of(*config_, drive));
        runner.idle_every(config_->idle_interval);
      }
    }
    return !env_.interrupted();
  });
  Driven driven;
  driven.leader = leadership.waiting_for();
  driven.waiting = runner.last().waiting;
  switch (end) {
    case loop::Runner::End::stopped:
      driven.end = Driven::End::stopped;
      break;
    case loop::Runner::End::nothing_left:
      driven.end = Driven::End::nothing_left;
      break;
    case loop::Runner::End::cycled:
      driven.end = Driven::End::cycled;
      break;
    case loop::Runner::End::not_leading:
      driven.end = Driven::End::not_leading;
      break;
  }
  leadership.release();
  return driven;
}

}  // namespace

std::unique_ptr<Services> assemble(Environment& env, const GlobalOptions& options) {
  return std::make_unique<SystemServices>(env, options);
}

}  // namespace amdahl::cli
