#pragma once

namespace amdahl::core {

/// Ends the process with `what` and the place. The ledger makes crashing safe.
[[noreturn]] void invariant_broken(const char* what, const char* file, int line);

/// States what must hold unless we have a bug; stays on in release builds. The builtins stand for
/// std::source_location, which clang 14 (the fuzz preset) does not have.
inline void invariant(bool holds, const char* what, const char* file = __builtin_FILE(),
                      int line = __builtin_LINE()) {
  if (!holds) invariant_broken(what, file, line);
}

}  // namespace amdahl::core
