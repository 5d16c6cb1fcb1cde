#pragma once

#include "slurm_subject.hpp"

/// What holds on Slurm beyond the laws of every adapter, whatever the way to it.
namespace amdahl::conformance::slurm_laws {
void second_submission_never_executes(SlurmSubject& subject);
void other_services_are_left_alone(SlurmSubject& subject);
void somebody_elses_cancel_is_an_operators(SlurmSubject& subject);
void unknown_partition_is_refused(SlurmSubject& subject);
void hopeless_request_is_given_up(SlurmSubject& subject);
void strange_paths_are_paths(SlurmSubject& subject);
void lost_hint_is_found_by_name(SlurmSubject& subject);
void nobody_elses_hold_is_ours(SlurmSubject& subject);
void every_node_runs_the_leg_as_written(SlurmSubject& subject);
void smaller_leg_has_its_own_nodes_and_gpus(SlurmSubject& subject);
void worst_task_is_the_legs_end(SlurmSubject& subject);
void missing_program_starts_nowhere(SlurmSubject& subject);
void stopping_ends_every_task(SlurmSubject& subject);
void time_limit_ends_every_task(SlurmSubject& subject);
void killed_shim_leaves_no_task(SlurmSubject& subject);
void pinned_run_gets_its_nodes(SlurmSubject& subject);
void more_nodes_than_there_are_is_refused(SlurmSubject& subject);
}  // namespace amdahl::conformance::slurm_laws

#define AMDAHL_SLURM_LAW(Subject, law, sentence)   \
  TEST_CASE(sentence, "[conformance][slurm]") {    \
    AMDAHL_SUBJECT_OR_SKIP(Subject);               \
    amdahl::conformance::slurm_laws::law(subject); \
  }

#define AMDAHL_SLURM_SUITE(Subject)                                                                \
  AMDAHL_SLURM_LAW(Subject, second_submission_never_executes,                                      \
                   "a second submission of a key never executes")                                  \
  AMDAHL_SLURM_LAW(Subject, other_services_are_left_alone,                                         \
                   "the jobs of another service of the same user are not listed")                  \
  AMDAHL_SLURM_LAW(Subject, somebody_elses_cancel_is_an_operators,                                 \
                   "a job that somebody else cancels is an operator's doing")                      \
  AMDAHL_SLURM_LAW(Subject, unknown_partition_is_refused, "an unknown partition is refused")       \
  AMDAHL_SLURM_LAW(Subject, hopeless_request_is_given_up,                                          \
                   "a job that can never start is unschedulable after its time")                   \
  AMDAHL_SLURM_LAW(Subject, strange_paths_are_paths,                                               \
                   "a run directory with quotes, blanks and percent signs is a directory")         \
  AMDAHL_SLURM_LAW(Subject, lost_hint_is_found_by_name,                                            \
                   "a submit that nobody recorded is found by its name and not sent again")        \
  AMDAHL_SLURM_LAW(Subject, nobody_elses_hold_is_ours,                                             \
                   "a released job that an administrator holds is not ours to release")            \
  AMDAHL_SLURM_LAW(Subject, every_node_runs_the_leg_as_written,                                    \
                   "a leg on several nodes runs on each of them exactly as written")               \
  AMDAHL_SLURM_LAW(Subject, smaller_leg_has_its_own_nodes_and_gpus,                                \
                   "a leg on fewer nodes than the allocation has its own GPUs there")              \
  AMDAHL_SLURM_LAW(Subject, worst_task_is_the_legs_end,                                            \
                   "the worst task of a leg is its end and ends the others")                       \
  AMDAHL_SLURM_LAW(Subject, missing_program_starts_nowhere,                                        \
                   "a program that no node has is a leg that did not start")                       \
  AMDAHL_SLURM_LAW(Subject, stopping_ends_every_task, "stopping ends a leg on every node")         \
  AMDAHL_SLURM_LAW(Subject, time_limit_ends_every_task, "the time limit ends a leg on every node") \
  AMDAHL_SLURM_LAW(Subject, killed_shim_leaves_no_task,                                            \
                   "a killed shim leaves no task on any node")                                     \
  AMDAHL_SLURM_LAW(Subject, pinned_run_gets_its_nodes, "a pinned run gets its nodes")              \
  AMDAHL_SLURM_LAW(Subject, more_nodes_than_there_are_is_refused,                                  \
                   "a run on more nodes than there are is refused")
