#pragma once

#include "world.hpp"

// The invariants of a schedule that came to rest, each told apart from the code it watches: they
// recompute from what the jobs did and from the ledger's rows.

namespace amdahl::simulation {

void check_attempts(World& world);      ///< at most one that began
void check_executions(World& world);    ///< at most one per key, by the job that is recorded
void check_ends(World& world);          ///< as the job that is recorded
void check_nothing_left(World& world);  ///< no held orphan, nothing running, nothing live
void check_pairs(World& world);         ///< coin, both arms, nothing dropped, nothing invented
void check_verdicts(World& world);      ///< one each, a true tally of fresh pairs, and the truth
void check_repetition(World& world);    ///< no experiment twice, no false duplicate
void check_sums(World& world);          ///< spent, banked
void check_events(World& world);        ///< each transition once; the tables are their fold

}  // namespace amdahl::simulation
