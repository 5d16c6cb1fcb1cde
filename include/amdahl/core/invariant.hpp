#pragma once

#include <source_location>

namespace amdahl::core {

/// Ends the process with `what` and the place. The ledger makes crashing safe.
[[noreturn]] void invariant_broken(const char* what, std::source_location place);

/// States what must hold unless we have a bug; stays on in release builds.
inline void invariant(bool holds, const char* what,
                      std::source_location place = std::source_location::current()) {
  if (!holds) invariant_broken(what, place);
}

}  // namespace amdahl::core
