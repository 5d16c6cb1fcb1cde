#include "stand.hpp"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace amdahl::bench {
namespace {

void log_nothing(std::string_view, const nlohmann::json&) {}

// Of what may be live, what ended in this cycle and what it planned is not outstanding after it.
loop::Settings settings_for(int outstanding, int ends_per_look) {
  loop::Settings settings;
  settings.concurrent_runs = outstanding > 1 ? outstanding + 2 * ends_per_look : 1;
  return settings;
}

std::filesystem::path code_below(const std::filesystem::path& folder) {
  const auto workdir = folder / "job";
  std::filesystem::create_directories(workdir);
  std::ofstream{workdir / "work.py"} << "print('work')\n";
  return workdir;
}

}  // namespace

core::JobSpec bench_job(int number, const std::filesystem::path& workdir) {
  core::JobSpec job;
  job.name = fmt::format("job-{}", number);
  job.cluster = "fleet";
  job.command = {"work",     std::to_string(number),
                 "--seed",   "{seed}",
                 "--shard",  "{shard}",
                 "--length", "{length}",
                 "--knob",   "{knob}"};
  job.workdir = workdir.string();
  job.code = {"*.py"};
  job.dataset = "synthetic";
  job.resources = {1, 4, 2, std::int64_t{2} << 30};
  job.time_limit = std::chrono::minutes{2};
  job.unit = "sample";
  job.runs_per_month = 1200;
  core::Knob knob;
  knob.name = "knob";
  knob.phase = "input";
  knob.baseline = "0";
  knob.values = {"1", "2", "3", "4", "5", "6", "7", "8"};
  job.knobs = {knob};
  return job;
}

Stand::Stand(Options options)
    : options_{std::move(options)},
      ledger_{ledger::connect(options_.ledger_url)},
      fleet_{{.ends_per_look = options_.ends_per_look}},
      code_{options_.folder / "code"},
      engine_{{*ledger_,
               {options_.adapter != nullptr ? options_.adapter : &fleet_},
               code_,
               random_,
               settings_for(options_.outstanding, options_.ends_per_look),
               log_nothing}},
      leadership_{*ledger_, clock_, random_, {core::limits::lease_ttl, "bench", true}} {
  add_jobs();
}

void Stand::add_jobs() {
  const auto workdir = code_below(options_.folder);
  std::vector<ledger::NewJob> jobs;
  for (int number = 1; number <= options_.jobs; ++number) {
    ledger::NewJob job;
    job.spec = bench_job(number, workdir);
    job.champion = core::baseline_configuration(job.spec);
    jobs.push_back(std::move(job));
  }
  ledger_->add_jobs(leadership_.poll().value(), jobs);
}

loop::CycleReport Stand::cycle() {
  clock_.next_cycle();
  const auto lease = leadership_.poll();
  if (!lease) throw std::runtime_error{"the bench's own ledger is led by somebody else"};
  auto report = engine_.cycle(*lease, leadership_);
  outstanding_ += report.submitted - report.ended;
  return report;
}

}  // namespace amdahl::bench
