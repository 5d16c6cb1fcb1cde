// From the death of a leader with 1,000 worker runs outstanding to the first act of the next one.
//
//     bench_recovery
//
// Prints a row for bench/run. Starts itself as the service, anew for every death:
//
//     bench_recovery serve URL FOLDER

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string_view>
#include <thread>

#include "amdahl/ledger/verify.hpp"
#include "amdahl/loop/runner.hpp"
#include "history.hpp"
#include "scratch_server.hpp"
#include "stand.hpp"
#include "table.hpp"

extern char** environ;

namespace amdahl::bench {
namespace {

namespace fs = std::filesystem;

constexpr int outstanding_wanted = 1000;
constexpr int jobs = 400;
constexpr int deaths = 7;
constexpr int cycles_max = 400;
constexpr double bound_ms = 1000;
constexpr std::string_view ready_word{"ready"}, acted_word{"acted"};

class SystemClock final : public core::Clock {
 public:
  core::WallTime now() override { return core::WallTime{since_boot()}; }
  core::BootTime since_boot() override {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_nsec / 1000};
  }
};

void say(std::string_view word, const nlohmann::json& fields = nlohmann::json::object()) {
  std::cout << word << ' ' << fields << std::endl;
}

// What `amdahl serve` does from its start, with the outside lock of `amdahl dev` that proves the
// last leader's death: no lease is waited for.
class Service {
 public:
  Service(const std::string& url, const fs::path& folder)
      : fleet_file_{folder / "fleet.json"},
        ledger_{ledger::connect(url)},
        code_{folder / "code"},
        random_{static_cast<std::uint64_t>(clock_.since_boot().count())},
        engine_{{*ledger_, {&fleet_}, code_, random_, settings(), nothing}},
        leadership_{*ledger_,
                    clock_,
                    random_,
                    {core::limits::lease_ttl, "bench", true, [&] { prove(url); }}},
        runner_{engine_, leadership_, clock_, {}, nothing} {
    prove(url);
  }

  void first_act() {
    if (fs::exists(fleet_file_)) fleet_.load(fleet_file_);
    fleet_.ends_per_look(10);
    runner_.run(loop::Runner::Until::stopped,
                [&](std::chrono::milliseconds) { return !runner_.last().acted; });
    const auto& done = runner_.last();
    say(acted_word,
        {{"ended", done.ended}, {"decided", done.decided}, {"submitted", done.submitted}});
  }

  // Until nothing more may start.
  void fill() {
    fleet_.ends_per_look(0);
    for (int cycle = 0; cycle < cycles_max; ++cycle) {
      runner_.run(loop::Runner::Until::stopped, [](std::chrono::milliseconds) { return false; });
      if (!runner_.last().acted) break;
    }
    fleet_.save(fleet_file_);  // nothing of it moves from here on
    say(ready_word, {{"outstanding", fleet_.runs()}});
  }

  // Leads on; nothing moves any more, so what was saved is what a kill leaves.
  [[noreturn]] void idle() {
    for (;;) {
      runner_.run(loop::Runner::Until::stopped, [](std::chrono::milliseconds pause) {
        std::this_thread::sleep_for(pause);
        return true;
      });
    }
  }

 private:
  static void nothing(std::string_view, const nlohmann::json&) {}
  static loop::Settings settings() {
    loop::Settings settings;
    settings.concurrent_runs = outstanding_wanted;
    return settings;
  }
  void prove(const std::string& url) {
    proved_ = proved_ ? ledger::verify_chain_since(url, *proved_) : ledger::verify_ledger(url);
    if (proved_->first_bad) throw std::runtime_error{"verify: " + proved_->first_bad->problem};
  }

  fs::path fleet_file_;
  SystemClock clock_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::optional<ledger::Verification> proved_;
  Fleet fleet_{{}};
  loop::FileCodeStore code_;
  SeededRandom random_;
  loop::Engine engine_;
  loop::Leadership leadership_;
  loop::Runner runner_;
};

[[noreturn]] int serve(const std::string& url, const fs::path& folder) {
  Service service{url, folder};
  service.first_act();
  service.fill();
  service.idle();
}

/// A service in a process of its own, and what it says.
class Child {
 public:
  Child(const std::string& url, const fs::path& folder) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error{"no pipe"};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::array<std::string, 4> words{"/proc/self/exe", "serve", url, folder.string()};
    std::array<char*, 5> argv{};
    for (std::size_t i = 0; i < words.size(); ++i) argv[i] = words[i].data();
    const int problem =
        ::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    out_ = ::fdopen(ends[0], "r");
    if (problem != 0) throw std::runtime_error{"a service cannot be started"};
  }
  ~Child() {
    kill();
    std::fclose(out_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Waits for the line that begins with `word`; answers its fields.
  nlohmann::json hear(std::string_view word) {
    std::array<char, 4096> line{};
    if (std::fgets(line.data(), line.size(), out_) == nullptr) {
      throw std::runtime_error{"the service ended"};
    }
    const std::string_view text{line.data()};
    if (!text.starts_with(word)) throw std::runtime_error{"the service said " + std::string{text}};
    return nlohmann::json::parse(text.substr(word.size()));
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
  std::FILE* out_ = nullptr;
};

int run() {
  ScratchServer server;
  const auto owner = server.make_ledger("recovery");
  const auto url = server.service_url("recovery");
  const auto folder = server.folder() / "recovery.d";
  Stand{{url, folder, outstanding_wanted, jobs}}.release();
  set_noise(owner);
  std::vector<double> ms, live;
  nlohmann::json acted;
  for (int death = 0; death <= deaths; ++death) {
    std::optional<Child> service;
    const auto took = ms_of([&] {
      service.emplace(url, folder);
      acted = service->hear(acted_word);
    });
    if (death > 0) {  // the first has nothing to recover
      if (acted.at("ended") == 0) throw std::runtime_error{"nothing had ended: " + acted.dump()};
      ms.push_back(took);
    }
    live.push_back(service->hear(ready_word).at("outstanding"));
  }
  const auto worst = *std::max_element(ms.begin(), ms.end());
  print_row("kill -9 to the first act of the next process",
            fmt::format("{:.0f} ms (most of {}: {:.0f} ms; {:.0f} outstanding)", median(ms), deaths,
                        worst, median(live)),
            fmt::format("{:.0f} ms", bound_ms), median(ms) <= bound_ms);
  return 0;
}

}  // namespace
}  // namespace amdahl::bench

int main(int argc, char** argv) {
  try {
    if (argc == 4) amdahl::bench::serve(argv[2], argv[3]);
    return amdahl::bench::run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_recovery: {}\n", error.what());
    return 1;
  }
}
