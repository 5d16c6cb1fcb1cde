#include "amdahl/core/invariant.hpp"

#include <cstdio>
#include <cstdlib>

namespace amdahl::core {

void invariant_broken(const char* what, const char* file, int line) {
  std::fprintf(stderr, "amdahl: bug: %s (%s:%d). The ledger is safe; start again.\n", what, file,
               line);
  std::abort();
}

}  // namespace amdahl::core
