#pragma once

#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>

#include <filesystem>
#include <memory>
#include <string>

#include "adapter_suite.hpp"
#include "amdahl/scheduler_adapters/local.hpp"
#include "run_driver.hpp"
#include "support/real_clock.hpp"

namespace amdahl::conformance {

namespace fs = std::filesystem;
using scheduler_adapters::Adapter;

/// The local adapter with a state folder of its own.
class LocalSubject final : public AdapterSubject {
 public:
  /// With `disk_bytes`, on a disk of that size of its own, where the test may mount one.
  explicit LocalSubject(std::size_t disk_bytes = 0) {
    std::string name = (fs::temp_directory_path() / "amdahl-local-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
    if (disk_bytes > 0) {
      const auto size = "size=" + std::to_string(disk_bytes);
      own_disk_ = ::mount("tmpfs", name.c_str(), "tmpfs", 0, size.c_str()) == 0;
    }
    fs::create_directories(scratch());
    adapter_ = make();
  }

  ~LocalSubject() override {
    const auto left = [&] {
      bool any = false;
      for (const auto& run : adapter_->list().runs) {
        if (run.state == core::RunState::ended) continue;
        any = true;
        adapter_->cancel(run.key, run.ref, scheduler_adapters::CancelMode::stop);
      }
      return any;
    };
    eventually([&] { return !left(); });
    if (own_disk_) ::umount2(root_.c_str(), MNT_DETACH);
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  bool has_own_disk() const { return own_disk_; }

  Adapter& adapter() override { return *adapter_; }
  std::unique_ptr<Adapter> successor() override { return make(); }
  fs::path scratch() override { return root_ / "scratch"; }
  void crash(const core::RunKey& key) override {
    const auto seen = observed(*adapter_, key);
    REQUIRE(seen);
    ::kill(static_cast<pid_t>(std::stol(seen->ref.native_id)), SIGKILL);
  }

  fs::path live() const { return root_ / "state/runs/live"; }
  scheduler_adapters::LocalOptions options() const {
    return {"test", root_ / "state", AMDAHL_SHIM, 4, 4, 1 << 30};
  }
  std::unique_ptr<Adapter> make() {
    return scheduler_adapters::make_local_adapter(options(), clock_);
  }
  core::Clock& clock() { return clock_; }

 private:
  fs::path root_;
  bool own_disk_ = false;
  test::RealClock clock_;
  std::unique_ptr<Adapter> adapter_;
};

}  // namespace amdahl::conformance
