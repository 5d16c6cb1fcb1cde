#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/job.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/ledger/ledger.hpp"
#include "amdahl/loop/runner.hpp"
#include "amdahl/scheduler_adapters/local.hpp"
#include "support/real_clock.hpp"
#include "support/test_database.hpp"

namespace amdahl::test {

/// A whole loop on one machine: a fresh ledger, a local cluster with real shims, a state folder of
/// its own. Every `Service` is what one process would be; they share nothing but ledger and folder.
class LoopStand {
 public:
  explicit LoopStand(std::int64_t gpus = 4, std::int64_t cpus = 4);
  ~LoopStand();
  LoopStand(const LoopStand&) = delete;
  LoopStand& operator=(const LoopStand&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  test::TestDatabase& database() { return *database_; }

  /// The job of tests/fixtures/threefold; executions are counted in `count_file()`.
  core::JobSpec threefold(const std::string& name = "threefold") const;
  std::filesystem::path count_file() const { return folder_ / "count"; }
  /// The job of tests/fixtures/`fixture`, with what stands for a mark at its last place in the
  /// file.
  core::JobSpec job(const std::string& fixture,
                    const std::map<std::string, std::string>& replaced) const;
  /// Lines of the count file: one per execution of a leg.
  std::vector<std::string> executions() const;

  struct Service {
    SeededRandom random;
    std::unique_ptr<ledger::Ledger> ledger;
    std::unique_ptr<scheduler_adapters::Adapter> adapter;
    loop::FileCodeStore code;
    loop::Engine engine;
    loop::Leadership leadership;
    loop::Runner runner;
  };
  loop::Settings settings;
  std::chrono::milliseconds lease_ttl = core::limits::lease_ttl;
  /// Every event of every service's log.
  std::function<void(std::string_view, const nlohmann::json&)> log;
  /// Every cycle of every service.
  std::function<void(const loop::CycleReport*)> on_cycle;
  std::unique_ptr<Service> service(std::uint64_t seed = 1);

  /// What a process of its own would use to look at the cluster.
  std::unique_ptr<scheduler_adapters::Adapter> adapter();

  /// Keeps the ledger as it is now, with no service on it; `start_over` begins again from there,
  /// with an empty folder.
  void remember();
  void start_over();

  /// Asks as the CLI does and runs cycles until the answer is there.
  nlohmann::json command(Service& service, const std::string& verb, const nlohmann::json& args);
  /// Runs until nothing is left; fails the test after `limit`.
  void run_until_idle(Service& service, std::chrono::seconds limit = std::chrono::seconds{60});

 private:
  std::filesystem::path folder_;
  std::optional<test::TestDatabase> remembered_, database_;
  RealClock clock_;
  scheduler_adapters::LocalOptions options_;
  int commands_ = 0;
};

}  // namespace amdahl::test
