#pragma once

#include <boost/assert/source_location.hpp>

namespace amdahl::core {

// Boost's source_location, since clang 14, which fuzzes and measures coverage, lacks std's.

/// Ends the process with `what` and the place. The ledger makes crashing safe.
[[noreturn]] void invariant_broken(const char* what, const boost::source_location& place);

/// States what must hold unless we have a bug; stays on in release builds.
inline void invariant(bool holds, const char* what,
                      const boost::source_location& place = BOOST_CURRENT_LOCATION) {
  if (!holds) invariant_broken(what, place);
}

}  // namespace amdahl::core
