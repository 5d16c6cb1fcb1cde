#include "support/loop_stand.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

namespace amdahl::test {

namespace fs = std::filesystem;

namespace {

std::string read_text(const fs::path& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

fs::path fresh_folder() {
  std::string pattern = (fs::temp_directory_path() / "amdahl-loop-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"cannot make " + pattern};
  return pattern;
}

// Whether none was left to end.
bool stop_all(scheduler_adapters::Adapter& adapter) {
  const auto listing = adapter.list();
  bool ended = listing.complete;
  for (const auto& run : listing.runs) {
    if (run.state == core::RunState::ended) continue;
    adapter.cancel(run.key, run.ref, scheduler_adapters::CancelMode::stop);
    ended = false;
  }
  return ended;
}

void log_nothing(std::string_view, const nlohmann::json&) {}

}  // namespace

LoopStand::LoopStand(std::int64_t gpus, std::int64_t cpus)
    : log{log_nothing}, folder_{fresh_folder()}, database_{std::in_place} {
  options_.state_dir = folder_ / "state";
  options_.shim = AMDAHL_SHIM;
  options_.gpus = gpus;
  options_.cpus = cpus;
  options_.memory_bytes = std::int64_t{4} << 30;
}

// A run that waits for what is removed here would wait for ever.
LoopStand::~LoopStand() {
  const auto deadline = clock_.since_boot() + std::chrono::seconds{20};
  const auto runs = adapter();
  while (!stop_all(*runs) && clock_.since_boot() < deadline) {
    // tidy: allow(sleep-in-test): processes of others are waited for; nothing wakes us
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

core::JobSpec LoopStand::job(const std::string& fixture,
                             const std::map<std::string, std::string>& replaced) const {
  const auto folder = fs::path{AMDAHL_SOURCE_DIR} / "tests/fixtures" / fixture;
  auto text = read_text(folder / "job.toml.in");
  for (const auto& [mark, value] : replaced) {
    text.replace(text.rfind(mark), mark.size(), value);  // a comment names it before
  }
  return core::parse_job_file(text, "job.toml", folder.string()).value();
}

core::JobSpec LoopStand::threefold(const std::string& name) const {
  auto spec = job("threefold", {{"@COUNT_FILE@", count_file().string()}});
  spec.name = name;
  return spec;
}

std::vector<std::string> LoopStand::executions() const {
  std::vector<std::string> lines;
  std::ifstream in{count_file()};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::unique_ptr<scheduler_adapters::Adapter> LoopStand::adapter() {
  return scheduler_adapters::make_local_adapter(options_, clock_);
}

void LoopStand::remember() {
  remembered_.reset();
  remembered_.emplace(std::move(*database_));
  start_over();
}

void LoopStand::start_over() {
  database_.reset();
  database_.emplace(TestDatabase::copy_of(*remembered_));
  for (const auto& entry : fs::directory_iterator{folder_}) fs::remove_all(entry.path());
}

std::unique_ptr<LoopStand::Service> LoopStand::service(std::uint64_t seed) {
  auto ledger = ledger::connect(database_->service_url());
  auto adapter = this->adapter();
  auto& ledger_ref = *ledger;
  auto* adapter_ptr = adapter.get();
  // Built in place: engine and runner hold references to their siblings.
  struct Builder : Service {
    Builder(std::uint64_t seed_, std::unique_ptr<ledger::Ledger> ledger_,
            std::unique_ptr<scheduler_adapters::Adapter> adapter_, ledger::Ledger& ref,
            scheduler_adapters::Adapter* pointer, const fs::path& folder, core::Clock& clock,
            const loop::Settings& settings_, std::chrono::milliseconds ttl,
            const decltype(LoopStand::log)& log_, const decltype(LoopStand::on_cycle)& on_cycle_)
        : Service{
              SeededRandom{seed_},
              std::move(ledger_),
              std::move(adapter_),
              loop::FileCodeStore{folder / "code"},
              loop::Engine{{ref, {pointer}, code, random, settings_, log_, &clock}},
              loop::Leadership{ref, clock, random, {ttl, "test", true}},
              loop::Runner{engine,
                           leadership,
                           clock,
                           {std::chrono::milliseconds{10}, std::chrono::milliseconds{10},
                            std::chrono::milliseconds{50}, std::chrono::milliseconds{0}, on_cycle_},
                           log_}} {}
  };
  return std::make_unique<Builder>(seed, std::move(ledger), std::move(adapter), ledger_ref,
                                   adapter_ptr, folder_, clock_, settings, lease_ttl, log,
                                   on_cycle);
}

nlohmann::json LoopStand::command(Service& service, const std::string& verb,
                                  const nlohmann::json& args) {
  const auto key = "test-" + std::to_string(++commands_);
  service.ledger->put_command(key, verb, args);
  for (int i = 0; i < 50; ++i) {
    if (auto answer = service.ledger->command_answer(key)) return *answer;
    service.runner.run(loop::Runner::Until::one_cycle, [](auto) { return true; });
  }
  FAIL("no answer to " << verb);
  return {};
}

void LoopStand::run_until_idle(Service& service, std::chrono::seconds limit) {
  const auto deadline = clock_.since_boot() + limit;
  const auto end = service.runner.run(loop::Runner::Until::nothing_left, [&](auto pause) {
    std::this_thread::sleep_for(pause);  // tidy: allow(sleep-in-test): the runner's own pause
    return clock_.since_boot() < deadline;
  });
  CAPTURE(service.runner.last().waiting);
  REQUIRE(end == loop::Runner::End::nothing_left);
}

}  // namespace amdahl::test
