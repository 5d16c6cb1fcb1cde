#include "amdahl/core/invariant.hpp"

#include <cstdio>
#include <cstdlib>

namespace amdahl::core {

void invariant_broken(const char* what, const boost::source_location& place) {
  std::fprintf(stderr, "amdahl: bug: %s (%s:%u). The ledger is safe; start again.\n", what,
               place.file_name(), static_cast<unsigned>(place.line()));
  std::abort();
}

}  // namespace amdahl::core
