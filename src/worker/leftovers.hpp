#pragma once

namespace amdahl::worker {

/// Kills and collects every process that descends from this one, which must be a subreaper: what
/// a leg left behind in other sessions too. Gives up on what the kernel cannot kill.
void kill_leftovers();

}  // namespace amdahl::worker
