#pragma once

#include <signal.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "adapter_suite.hpp"
#include "amdahl/run_files/formats.hpp"
#include "amdahl/scheduler_adapters/slurm.hpp"
#include "run_driver.hpp"
#include "support/real_clock.hpp"

namespace amdahl::conformance {

namespace fs = std::filesystem;
using scheduler_adapters::Adapter;

/// The Slurm adapter on the laboratory that the fixture `slurm` started: one node of 4 GPUs, and
/// for runs on several two more, in a partition of their own. What other tests run beside is other
/// run directories' business.
class SlurmSubject : public AdapterSubject {
 public:
  explicit SlurmSubject(scheduler_adapters::SlurmOptions::Via via) : via_{via} {
    std::string name = (lab() / "run-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
    fs::create_directories(scratch());
    ::setenv("SLURM_CONF", (lab() / "etc/slurm.conf").c_str(), 1);
    adapter_ = make();
  }

  ~SlurmSubject() override {
    for (const auto& run : adapter_->list().runs) {
      if (run.state == core::RunState::ended) continue;
      adapter_->cancel(run.key, run.ref, scheduler_adapters::CancelMode::stop);
    }
    eventually([&] {
      const auto listing = adapter_->list();
      return listing.complete &&
             std::all_of(listing.runs.begin(), listing.runs.end(),
                         [](auto& run) { return run.state == core::RunState::ended; });
    });
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  static std::string why_not() {
    return fs::exists(lab() / "rest") ? "" : "no Slurm was started: it needs root";
  }

  Adapter& adapter() override { return *adapter_; }
  /// The nodes n2 and n3, of 4 GPUs each.
  Adapter& wide() {
    if (!wide_) {
      auto both = options();
      both.partition = "wide";
      wide_ = scheduler_adapters::make_slurm_adapter(both, clock_);
    }
    return *wide_;
  }
  std::unique_ptr<Adapter> successor() override { return make(); }
  fs::path scratch() override { return root_ / "scratch"; }
  void crash(const core::RunKey& key) override {
    const auto shim = run_files::read_process(live() / key.text / "shim.json");
    REQUIRE(shim);
    ::kill(shim->pid, SIGKILL);
  }

  fs::path live() const { return root_ / "runs/live"; }
  static fs::path lab() {
    const char* folder = std::getenv("AMDAHL_SLURM_LAB");
    REQUIRE(folder != nullptr);
    return folder;
  }
  scheduler_adapters::SlurmOptions options() const {
    scheduler_adapters::SlurmOptions options;
    options.cluster = "lab";
    options.partition = "one";
    options.run_dir = root_ / "runs";
    options.shim = AMDAHL_SHIM;
    options.quiet_period = std::chrono::seconds{1};
    options.result_grace = std::chrono::seconds{1};
    options.via = via_;
    options.user = "root";
    options.token_file = lab() / "token";
    options.url = read_text(lab() / "rest");
    return options;
  }
  std::unique_ptr<Adapter> make() {
    return scheduler_adapters::make_slurm_adapter(options(), clock_);
  }
  core::Clock& clock() { return clock_; }

 private:
  scheduler_adapters::SlurmOptions::Via via_;
  fs::path root_;
  test::RealClock clock_;
  std::unique_ptr<Adapter> adapter_, wide_;
};

class SlurmCliSubject final : public SlurmSubject {
 public:
  SlurmCliSubject() : SlurmSubject{scheduler_adapters::SlurmOptions::Via::cli} {}
};

class SlurmRestSubject final : public SlurmSubject {
 public:
  SlurmRestSubject() : SlurmSubject{scheduler_adapters::SlurmOptions::Via::rest} {}
};

}  // namespace amdahl::conformance
