#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "adapter_suite.hpp"
#include "amdahl/scheduler_adapters/local.hpp"
#include "run_driver.hpp"

namespace {

namespace fs = std::filesystem;
using namespace amdahl;
using scheduler_adapters::Adapter;

class SystemClock final : public core::Clock {
 public:
  core::WallTime now() override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  }
  core::BootTime since_boot() override {
    return std::chrono::duration_cast<core::BootTime>(
        std::chrono::steady_clock::now().time_since_epoch());
  }
};

class LocalSubject final : public conformance::AdapterSubject {
 public:
  LocalSubject() {
    std::string name = (fs::temp_directory_path() / "amdahl-local-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
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
    conformance::eventually([&] { return !left(); });
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  Adapter& adapter() override { return *adapter_; }
  std::unique_ptr<Adapter> successor() override { return make(); }
  fs::path scratch() override { return root_ / "scratch"; }
  void crash(const core::RunKey& key) override {
    const auto seen = conformance::observed(*adapter_, key);
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
  SystemClock& clock() { return clock_; }

 private:
  fs::path root_;
  SystemClock clock_;
  std::unique_ptr<Adapter> adapter_;
};

}  // namespace

AMDAHL_ADAPTER_SUITE(LocalSubject)

TEST_CASE("a folder entry that is no run is named and hides nothing", "[conformance][local]") {
  LocalSubject subject;
  const auto spec = conformance::shell_run(subject, "true");
  conformance::submit(subject, spec);
  conformance::write_text(subject.live() / "notes.txt", "mine");
  const auto listing = subject.adapter().list();
  CHECK(listing.complete);
  CHECK(listing.problem.find("notes.txt") != std::string::npos);
  CHECK(listing.runs.size() == 1);
}

TEST_CASE("a state folder that is gone proves nothing", "[conformance][local]") {
  LocalSubject subject;
  const auto spec = conformance::shell_run(subject, "true");
  fs::remove_all(subject.live());
  CHECK_FALSE(subject.adapter().list().complete);
  const auto found = subject.adapter().find(std::vector{spec.key});
  CHECK(found.front().found == scheduler_adapters::Found::not_found_inconclusive);
}

TEST_CASE("a shim that cannot be executed is provably not accepted", "[conformance][local]") {
  LocalSubject subject;
  auto options = subject.options();
  options.shim = subject.scratch() / "missing";
  const auto adapter = scheduler_adapters::make_local_adapter(options, subject.clock());
  const auto spec = conformance::shell_run(subject, "true");
  const auto submitted = adapter->submit(spec);
  REQUIRE(submitted.kind == scheduler_adapters::Submitted::Kind::failed);
  CHECK(submitted.failure.kind == scheduler_adapters::FailureClass::retryable);
  CHECK(adapter->find(std::vector{spec.key}).front().found ==
        scheduler_adapters::Found::not_found_authoritative);
  // The same key then works.
  CHECK(subject.adapter().submit(spec).kind == scheduler_adapters::Submitted::Kind::accepted);
}

TEST_CASE("a shim that does not answer leaves the outcome unknown", "[conformance][local][.slow]") {
  LocalSubject subject;
  auto options = subject.options();
  options.shim = subject.scratch() / "mute";
  conformance::write_text(options.shim, "#!/bin/sh\nexec sleep 60\n");
  fs::permissions(options.shim, fs::perms::owner_all);
  const auto adapter = scheduler_adapters::make_local_adapter(options, subject.clock());
  const auto submitted = adapter->submit(conformance::shell_run(subject, "true"));
  REQUIRE(submitted.kind == scheduler_adapters::Submitted::Kind::failed);
  CHECK(submitted.failure.kind == scheduler_adapters::FailureClass::unknown_outcome);
}
