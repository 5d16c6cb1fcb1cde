#include <csignal>
#include <set>

#include "slurm_laws.hpp"

// Runs on several nodes. In the laboratory they share a machine, so that a test can see their
// processes.

namespace amdahl::conformance::slurm_laws {

using core::CauseClass;
using core::RunOutcome;
using core::RunState;
using scheduler_adapters::Submitted;

namespace {

constexpr std::int64_t nodes_of_wide = 2;

core::RunSpec wide_run(SlurmSubject& subject, const std::string& script) {
  auto spec = shell_run(subject, script);
  spec.allocation = {nodes_of_wide, 2 * nodes_of_wide, nodes_of_wide, nodes_of_wide << 20};
  spec.legs[0].nodes = nodes_of_wide;
  spec.legs[0].gpus = 2 * nodes_of_wide;
  return spec;
}

// So that the leg's GPUs are the nodes' first, whatever runs beside.
void whole_nodes(core::RunSpec& spec) { spec.allocation.gpus = 4 * nodes_of_wide; }

void start(SlurmSubject& subject, const core::RunSpec& spec) {
  const auto submitted = offer(subject.wide(), spec);
  INFO(submitted.failure.message);
  REQUIRE(submitted.kind == Submitted::Kind::accepted);
  REQUIRE(subject.wide().release(spec.key, submitted.ref).has_value());
}

core::RunResult executed(SlurmSubject& subject, const core::RunSpec& spec) {
  start(subject, spec);
  REQUIRE(wait_for_end(subject.wide(), spec.key));
  auto result = result_of(subject.wide(), spec.key);
  CHECK(result.problem == "");
  return result;
}

std::string in(const fs::path& folder, const std::string& name) {
  return "\"" + (folder / name).string() + "\"";
}

// Deaf to SIGTERM; tells its process and that it works, then hangs with a child of its own.
std::string hangs(const fs::path& folder) {
  return "trap '' TERM; sleep 600 & echo $$ $! > " + in(folder, "$SLURM_PROCID.tmp") + "; mv " +
         in(folder, "$SLURM_PROCID.tmp") + " " + in(folder, "$SLURM_PROCID.pids") + "; wait; wait";
}

std::vector<pid_t> wait_for_hanging(const fs::path& folder) {
  std::vector<pid_t> all;
  for (const auto* rank : {"0", "1"}) {
    const auto file = folder / (std::string{rank} + ".pids");
    REQUIRE(eventually([&] { return fs::exists(file); }));
    std::istringstream text{read_text(file)};
    for (pid_t pid = 0; text >> pid;) all.push_back(pid);
  }
  REQUIRE(all.size() == 4);
  return all;
}

bool all_gone(const std::vector<pid_t>& processes) {
  return std::all_of(processes.begin(), processes.end(),
                     [](pid_t pid) { return ::kill(pid, 0) != 0; });
}

}  // namespace

void every_node_runs_the_leg_as_written(SlurmSubject& subject) {
  const std::string strange = "it's \"so\"\n$(reboot) `x`, a=b %j \\ \u4f60\u597d";
  const auto to = subject.scratch();
  auto spec =
      wide_run(subject,
               "for name in SLURMD_NODENAME CUDA_VISIBLE_DEVICES AMDAHL_EVENTS STRANGE; do "
               "eval \"printf %s \\\"\\$$name\\\"\" > " +
                   in(to, "$SLURM_PROCID.$name") + "; done; printf %s \"$1\" > " +
                   in(to, "$SLURM_PROCID.arg") + "; echo from $SLURM_PROCID of $SLURM_NTASKS");
  whole_nodes(spec);
  spec.legs[0].command.insert(spec.legs[0].command.end(), {"sh", strange});
  spec.legs[0].env["STRANGE"] = strange;
  const auto result = executed(subject, spec);
  REQUIRE(result.legs.size() == 1);
  const auto& leg = result.legs[0];
  INFO(leg.problem << leg.error_tail);
  CHECK(leg.exit_code == 0);
  CHECK(leg.gpus == 4);
  CHECK(leg.peak_memory_bytes.value_or(0) > 0);
  CHECK(observed(subject.wide(), spec.key)->nodes == std::vector<std::string>{"n2", "n3"});
  CHECK(read_text(to / "0.SLURMD_NODENAME") == "n2");
  CHECK(read_text(to / "1.SLURMD_NODENAME") == "n3");
  for (const auto* rank : {"0", "1"}) {
    CHECK(read_text(to / (std::string{rank} + ".CUDA_VISIBLE_DEVICES")) == "0,1");
    CHECK(read_text(to / (std::string{rank} + ".STRANGE")) == strange);
    CHECK(read_text(to / (std::string{rank} + ".arg")) == strange);
  }
  // One writer of events: the same work is not counted again on each node.
  CHECK_FALSE(read_text(to / "0.AMDAHL_EVENTS").empty());
  CHECK(read_text(to / "1.AMDAHL_EVENTS").empty());
  auto said =
      lines_of(subject.wide().fetch_log(spec.key, core::Arm::baseline, false, 1000).value());
  CHECK(std::set(said.begin(), said.end()) == std::set<std::string>{"from 0 of 2", "from 1 of 2"});
}

void smaller_leg_has_its_own_nodes_and_gpus(SlurmSubject& subject) {
  const auto to = subject.scratch();
  const auto tells = [&](const std::string& arm) {
    return "echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES. >> " + in(to, arm);
  };
  auto spec = wide_run(subject, tells("baseline"));
  whole_nodes(spec);
  add_variant(spec, tells("variant"));
  spec.legs[1].nodes = 1;
  spec.legs[1].gpus = 1;
  auto result = executed(subject, spec);
  REQUIRE(result.legs.size() == 2);
  CHECK(result.legs[0].gpus == 4);
  CHECK(result.legs[1].gpus == 1);
  const auto baseline = lines_of(read_text(to / "baseline"));
  CHECK(std::set(baseline.begin(), baseline.end()) == std::set<std::string>{"n2 0,1.", "n3 0,1."});
  CHECK(read_text(to / "variant") == "n2 0.\n");

  auto none = wide_run(subject, tells("none"));
  none.legs[0].gpus = 0;
  executed(subject, none);
  const auto without = lines_of(read_text(to / "none"));
  CHECK(std::set(without.begin(), without.end()) == std::set<std::string>{"n2 .", "n3 ."});
}

void worst_task_is_the_legs_end(SlurmSubject& subject) {
  const auto result =
      executed(subject, wide_run(subject, "test $SLURM_PROCID = 0 || exit 7; exec sleep 600"));
  REQUIRE(result.legs.size() == 1);
  CHECK(result.legs[0].started);
  CHECK(result.legs[0].exit_code == 7);
  CHECK_FALSE(result.legs[0].timed_out);
  const auto both = executed(subject, wide_run(subject, "exit $((SLURM_PROCID + 3))"));
  const auto end = both.legs.at(0).exit_code;
  CHECK((end == 3 || end == 4));  // whichever came first, unless both did
  const auto killed = executed(
      subject, wide_run(subject, "test $SLURM_PROCID = 1 || exec sleep 600; kill -KILL $$"));
  CHECK(killed.legs.at(0).signal == SIGKILL);
  CHECK_FALSE(killed.cancelled);
}

void missing_program_starts_nowhere(SlurmSubject& subject) {
  auto spec = wide_run(subject, "true");
  add_variant(spec, "true");
  spec.legs[0].command = {"/no/such/program"};
  spec.legs[1].nodes = 1;
  spec.legs[1].gpus = 2;
  const auto result = executed(subject, spec);
  REQUIRE(result.legs.size() == 2);
  CHECK_FALSE(result.legs[0].started);
  CHECK(result.legs[0].problem.find("/no/such/program") != std::string::npos);
  CHECK(result.legs[1].exit_code == 0);
}

void stopping_ends_every_task(SlurmSubject& subject) {
  const auto spec = wide_run(subject, hangs(subject.scratch()));
  start(subject, spec);
  const auto processes = wait_for_hanging(subject.scratch());
  const auto seen = observed(subject.wide(), spec.key);
  subject.wide().cancel(spec.key, seen->ref, scheduler_adapters::CancelMode::stop);
  REQUIRE(wait_for_end(subject.wide(), spec.key));
  CHECK(observed(subject.wide(), spec.key)->outcome == RunOutcome::cancelled);
  CHECK(result_of(subject.wide(), spec.key).cancelled);
  CHECK(all_gone(processes));
}

void time_limit_ends_every_task(SlurmSubject& subject) {
  auto spec = wide_run(subject, hangs(subject.scratch()));
  spec.leg_time_limit = std::chrono::seconds{2};
  start(subject, spec);
  const auto processes = wait_for_hanging(subject.scratch());
  REQUIRE(wait_for_end(subject.wide(), spec.key));
  const auto result = result_of(subject.wide(), spec.key);
  CHECK(result.legs.at(0).timed_out);
  CHECK(result.legs.at(0).signal == SIGKILL);
  CHECK(all_gone(processes));
}

void killed_shim_leaves_no_task(SlurmSubject& subject) {
  const auto spec = wide_run(subject, hangs(subject.scratch()));
  start(subject, spec);
  const auto processes = wait_for_hanging(subject.scratch());
  subject.crash(spec.key);
  REQUIRE(wait_for_end(subject.wide(), spec.key));
  CHECK(observed(subject.wide(), spec.key)->outcome == RunOutcome::lost);
  CHECK(eventually([&] { return all_gone(processes); }));
}

void pinned_run_gets_its_nodes(SlurmSubject& subject) {
  for (const std::string node : {"n3", "n2"}) {
    const auto mark = subject.scratch() / node;
    auto spec = shell_run(subject, "true");
    spec.pinned_nodes = {node};
    start(subject, spec);
    REQUIRE(eventually([&] {
      const auto seen = observed(subject.wide(), spec.key);
      return seen && seen->state != RunState::queued && seen->state != RunState::held;
    }));
    const auto id = observed(subject.wide(), spec.key)->ref.native_id;
    const auto command = "scontrol --oneliner show job " + id + " > '" + mark.string() + "'";
    REQUIRE(std::system(command.c_str()) == 0);
    INFO(read_text(mark));
    CHECK(read_text(mark).find(" NodeList=" + node + " ") != std::string::npos);
    REQUIRE(wait_for_end(subject.wide(), spec.key));
  }
  auto elsewhere = shell_run(subject, "true");
  elsewhere.pinned_nodes = {"n1"};  // of another partition
  const auto refused = offer(subject.wide(), elsewhere);
  REQUIRE(refused.kind == Submitted::Kind::failed);
  CHECK(refused.failure.kind == scheduler_adapters::FailureClass::permanent);
  CHECK(refused.failure.message.find("n1") != std::string::npos);
}

void more_nodes_than_there_are_is_refused(SlurmSubject& subject) {
  auto spec = wide_run(subject, "true");
  spec.allocation.nodes = 3;
  spec.allocation.gpus = 6;
  const auto refused = offer(subject.wide(), spec);
  REQUIRE(refused.kind == Submitted::Kind::failed);
  CHECK(refused.failure.kind == scheduler_adapters::FailureClass::permanent);
  CHECK(refused.failure.message.find("3 nodes") != std::string::npos);
}

}  // namespace amdahl::conformance::slurm_laws
