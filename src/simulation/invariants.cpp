#include "invariants.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "rest_checks.hpp"

namespace amdahl::simulation {
namespace {

const MemoryRun* run_of(const World& world, const core::RunKey& key) {
  const auto it = std::find_if(world.ledger.runs.rbegin(), world.ledger.runs.rend(),
                               [&](const auto& run) { return run.key == key; });
  return it == world.ledger.runs.rend() ? nullptr : &*it;
}

// A run outside knows a head that this ledger never had, and was there to be seen.
const NativeJob* later_witness(const Program& program) {
  const auto& world = program.world;
  for (const auto& job : world.scheduler.jobs()) {
    if (job.forgotten || job.purged || job.landed_at > program.listed_at) continue;
    const auto& witness = job.spec.witness;
    if (witness.head_seq > world.ledger.head.head_seq || witness.fence > world.ledger.head.fence)
      return &job;
  }
  return nullptr;
}

}  // namespace

void check_leads(const Program& program, std::string_view effect) {
  // Between the look at the lease and the call a process may always be stopped: the hold and the
  // fenced record make that harmless, as the other invariants show.
  if (program.stalled || program.world.lossy || program.leads()) return;
  program.world.breaks("only the leader has effects",
                       fmt::format("{} sent a {} while {} leads", program.name, effect,
                                   program.world.ledger.head.holder));
}

void check_submit(const Program& program, const core::RunSpec& spec, bool there, bool in_doubt) {
  auto& world = program.world;
  check_leads(program, "submit");
  if (program.stalled) return;
  if (world.lossy) {
    const auto* job = program.ledger_epoch == world.ledger_epoch ? later_witness(program) : nullptr;
    if (job != nullptr) {
      world.breaks(
          "nothing is submitted on a rewound ledger",
          fmt::format("{} although {} knows event {} and the ledger ends at {}", spec.key.text,
                      job->spec.key.text, job->spec.witness.head_seq, world.ledger.head.head_seq));
    }
    return;
  }
  const auto* run = run_of(world, spec.key);
  if (run == nullptr || run->state != core::RunState::submitting) {
    world.breaks("a submit has a committed intent",
                 fmt::format("{} was submitted while the ledger has it {}", spec.key.text,
                             run == nullptr ? "not at all" : core::name(run->state)));
  }
  const auto before = world.sent.find(spec.key.text);
  if (there) {
    world.breaks("nothing is submitted twice",
                 fmt::format("{} was submitted although it was seen in this cycle", spec.key.text));
  } else if (before != world.sent.end() && in_doubt) {
    world.breaks("after doubt only a look may follow",
                 fmt::format("{} was submitted again without knowing it absent", spec.key.text));
  } else if (before != world.sent.end() && world.executor.now() - before->second < late_by) {
    world.breaks(
        "absence means nothing before the quiet period",
        fmt::format("{} was submitted again {} ms after a submit that may still arrive",
                    spec.key.text, (world.executor.now() - before->second).count() / 1000));
  }
}

void check_released(World& world, const NativeJob& job) {
  if (world.lossy) return;
  const auto* run = run_of(world, job.spec.key);
  if (run == nullptr || run->native_id != job.native_id) {
    world.breaks(
        "what is released is recorded",
        fmt::format("job {} of {} was released while the ledger has id `{}`", job.native_id,
                    job.spec.key.text, run == nullptr ? "" : run->native_id));
  }
}

void check_takeover(const Program& program, const ledger::Head& before) {
  auto& world = program.world;
  if (before.term.empty() || before.released || world.lossy) return;
  const auto stood = world.executor.now() - world.renewed_at;
  if (stood < lease_ttl) {
    world.breaks("a lease that is renewed is not taken",
                 fmt::format("{} took the lease of {} {} ms after that had last renewed it",
                             program.name, before.holder, stood.count() / 1000));
  }
}

void check_after_write(World& world, std::string_view call) {
  const auto& head = world.ledger.head;
  if (head.term != world.last_head.term || head.renew_seq != world.last_head.renew_seq) {
    world.last_head = head;
    world.renewed_at = world.executor.now();
  }
  const auto& state = world.ledger;
  if (world.budget_gpu_us > 0 && !world.lossy) {
    double used = 0;
    for (const auto& [bucket, gpu_us] : state.spend) used += static_cast<double>(gpu_us);
    for (const auto id : state.live_runs) {
      const auto& run = *state.run(core::RunId{id});
      if (run.experiment) used += run.gpu_us_reserved;
    }
    if (used > world.budget_gpu_us) {
      world.breaks("the budget holds, what is in flight included",
                   fmt::format("after {} {:.0f} GPU-µs are spent or reserved of {:.0f}", call, used,
                               world.budget_gpu_us));
    }
  }
  for (std::size_t i = 1; i < state.open_experiments.size(); ++i) {
    const auto& a = *state.experiment(core::ExperimentId{state.open_experiments[i - 1]});
    const auto& b = *state.experiment(core::ExperimentId{state.open_experiments[i]});
    if (a.job == b.job) {
      world.breaks("a champion has one open experiment",
                   fmt::format("EXP-{} and EXP-{} of one job are open", a.id.value, b.id.value));
    }
  }
}

void check_at_rest(World& world) {
  check_executions(world);
  check_attempts(world);
  check_ends(world);
  check_nothing_left(world);
  check_pairs(world);
  check_verdicts(world);
  check_repetition(world);
  check_sums(world);
  check_events(world);
}

}  // namespace amdahl::simulation
