#pragma once

#include <chrono>
#include <string_view>

#include "amdahl/core/run.hpp"
#include "world.hpp"

namespace amdahl::simulation {

/// After an unknown submit, how long the engine must wait before absence means anything; a late
/// request arrives sooner than that.
inline constexpr std::chrono::microseconds quiet_period{2'000'000};
inline constexpr std::chrono::microseconds late_by{1'500'000};

inline constexpr std::chrono::milliseconds lease_ttl{1500};

/// A submit is about to leave: its intent is committed, whoever sends it leads, and nobody knows or
/// could know of an earlier one. `there`: this program was just told that the key exists;
/// `in_doubt`: it was told nothing certain.
void check_submit(const Program& program, const core::RunSpec& spec, bool there, bool in_doubt);
/// An effect is about to leave: only the leader may have any.
void check_leads(const Program& program, std::string_view effect);
/// A released job was recorded before it could run.
void check_released(World& world, const NativeJob& job);
/// Somebody took the lease with this call, and this was the head.
void check_takeover(const Program& program, const ledger::Head& before);
/// What holds after every write: budget, fence, one open experiment per job.
void check_after_write(World& world, std::string_view call);
/// What holds when nothing is left to do (design: issue of exactly-once; ledger.md §4).
void check_at_rest(World& world);

}  // namespace amdahl::simulation
