#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "amdahl/scheduler_adapters/adapter.hpp"

/// What every scheduler adapter must do, whatever the scheduler. A test program names its subject
/// once, with AMDAHL_ADAPTER_SUITE(Subject), and gets one test per law.
namespace amdahl::conformance {

/// An adapter on a scheduler of its own: 4 GPUs, 4 CPUs, 1 GiB, nothing else running.
class AdapterSubject {
 public:
  virtual ~AdapterSubject() = default;
  /// Why there is no such scheduler here; empty where there is one. A subject may hide it.
  static std::string why_not() { return ""; }
  virtual scheduler_adapters::Adapter& adapter() = 0;
  /// The same cluster through another instance, as a service sees it that was started later.
  virtual std::unique_ptr<scheduler_adapters::Adapter> successor() = 0;
  /// A folder that jobs can write to and that no run's tidying touches.
  virtual std::filesystem::path scratch() = 0;
  /// Ends whatever executes the run, at once and without a chance to tidy.
  virtual void crash(const core::RunKey& key) = 0;
};

namespace laws {
void held_waits(AdapterSubject& subject);
void resubmit_executes_once(AdapterSubject& subject);
void other_spec_is_a_conflict(AdapterSubject& subject);
void release_may_be_repeated(AdapterSubject& subject);
void unknown_key_is_absent(AdapterSubject& subject);
void cancelled_held_run_never_runs(AdapterSubject& subject);
void only_if_held_spares_a_started_run(AdapterSubject& subject);
void stop_ends_a_running_leg(AdapterSubject& subject);
void listing_follows_a_run(AdapterSubject& subject);
void acknowledged_run_is_still_found(AdapterSubject& subject);
void both_legs_in_order_in_their_own_copies(AdapterSubject& subject);
void failed_leg_lets_the_other_run(AdapterSubject& subject);
void missing_program_is_a_leg_that_did_not_start(AdapterSubject& subject);
void patch_changes_its_leg_only(AdapterSubject& subject);
void refused_patch_names_its_place(AdapterSubject& subject);
void missing_snapshot_is_reported(AdapterSubject& subject);
void crash_is_lost_and_leaves_nothing(AdapterSubject& subject);
void successor_takes_over_a_held_run(AdapterSubject& subject);
void gpus_are_never_handed_out_twice(AdapterSubject& subject);
void leg_sees_its_own_gpus(AdapterSubject& subject);
void leftovers_are_killed(AdapterSubject& subject);
void output_is_bounded(AdapterSubject& subject);
void time_limit_ends_a_leg(AdapterSubject& subject);
void garbage_is_named(AdapterSubject& subject);
void useless_units_are_unknown(AdapterSubject& subject);
void events_are_measured(AdapterSubject& subject);
void environment_is_exact(AdapterSubject& subject);
void too_large_a_run_is_refused(AdapterSubject& subject);
void memory_of_all_processes_counts(AdapterSubject& subject);
void fresh_layout_is_another_layout(AdapterSubject& subject);
void log_shows_the_end(AdapterSubject& subject);
}  // namespace laws

}  // namespace amdahl::conformance

#define AMDAHL_SUBJECT_OR_SKIP(Subject)                    \
  if (const auto why = Subject::why_not(); !why.empty()) { \
    WARN("skipped: " + why);                               \
    return;                                                \
  }                                                        \
  Subject subject

#define AMDAHL_ADAPTER_LAW(Subject, law, sentence) \
  TEST_CASE(sentence, "[conformance]") {           \
    AMDAHL_SUBJECT_OR_SKIP(Subject);               \
    amdahl::conformance::laws::law(subject);       \
  }

#define AMDAHL_ADAPTER_SUITE(Subject)                                                              \
  AMDAHL_ADAPTER_LAW(Subject, held_waits, "a held run does not run until it is released")          \
  AMDAHL_ADAPTER_LAW(Subject, resubmit_executes_once, "a key submitted again executes once")       \
  AMDAHL_ADAPTER_LAW(Subject, other_spec_is_a_conflict, "a key taken by another spec is refused")  \
  AMDAHL_ADAPTER_LAW(Subject, release_may_be_repeated, "releasing twice runs once")                \
  AMDAHL_ADAPTER_LAW(Subject, unknown_key_is_absent, "a key never submitted is surely absent")     \
  AMDAHL_ADAPTER_LAW(Subject, cancelled_held_run_never_runs, "a cancelled held run never runs")    \
  AMDAHL_ADAPTER_LAW(Subject, only_if_held_spares_a_started_run,                                   \
                     "cancelling only what is held spares a started run")                          \
  AMDAHL_ADAPTER_LAW(Subject, stop_ends_a_running_leg, "stopping ends a running leg")              \
  AMDAHL_ADAPTER_LAW(Subject, listing_follows_a_run, "the listing follows a run to its end")       \
  AMDAHL_ADAPTER_LAW(Subject, acknowledged_run_is_still_found, "an acknowledged run is found")     \
  AMDAHL_ADAPTER_LAW(Subject, both_legs_in_order_in_their_own_copies,                              \
                     "both legs run in order, each in its own copy of the code")                   \
  AMDAHL_ADAPTER_LAW(Subject, failed_leg_lets_the_other_run, "a failed leg lets the other run")    \
  AMDAHL_ADAPTER_LAW(Subject, missing_program_is_a_leg_that_did_not_start,                         \
                     "a program that does not exist is a leg that did not start")                  \
  AMDAHL_ADAPTER_LAW(Subject, patch_changes_its_leg_only, "a patch changes its own leg only")      \
  AMDAHL_ADAPTER_LAW(Subject, refused_patch_names_its_place, "a refused patch names its place")    \
  AMDAHL_ADAPTER_LAW(Subject, missing_snapshot_is_reported, "a missing code snapshot is reported") \
  AMDAHL_ADAPTER_LAW(Subject, crash_is_lost_and_leaves_nothing,                                    \
                     "a crashed run is lost and leaves no process behind")                         \
  AMDAHL_ADAPTER_LAW(Subject, successor_takes_over_a_held_run,                                     \
                     "a later service takes over a run that was never released")                   \
  AMDAHL_ADAPTER_LAW(Subject, gpus_are_never_handed_out_twice, "no GPU is handed out twice")       \
  AMDAHL_ADAPTER_LAW(Subject, leg_sees_its_own_gpus, "a leg sees its own GPUs and no others")      \
  AMDAHL_ADAPTER_LAW(Subject, leftovers_are_killed, "what a leg leaves behind is killed")          \
  AMDAHL_ADAPTER_LAW(Subject, output_is_bounded, "a GiB of output is bounded, its end is kept")    \
  AMDAHL_ADAPTER_LAW(Subject, time_limit_ends_a_leg, "the time limit ends a leg that hangs")       \
  AMDAHL_ADAPTER_LAW(Subject, garbage_is_named, "garbage for units and quality is named")          \
  AMDAHL_ADAPTER_LAW(Subject, useless_units_are_unknown,                                           \
                     "units that are no positive number are unknown")                              \
  AMDAHL_ADAPTER_LAW(Subject, events_are_measured, "events give units, quality and phases")        \
  AMDAHL_ADAPTER_LAW(Subject, environment_is_exact, "a leg's environment is exact")                \
  AMDAHL_ADAPTER_LAW(Subject, memory_of_all_processes_counts,                                      \
                     "the memory of all processes of a leg counts")                                \
  AMDAHL_ADAPTER_LAW(Subject, fresh_layout_is_another_layout,                                      \
                     "a fresh layout is another address layout")                                   \
  AMDAHL_ADAPTER_LAW(Subject, too_large_a_run_is_refused, "a run beyond the machine is refused")   \
  AMDAHL_ADAPTER_LAW(Subject, log_shows_the_end, "the log shows the end of what a leg wrote")
