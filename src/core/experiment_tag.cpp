#include "amdahl/core/experiment_tag.hpp"

#include <fmt/format.h>

namespace amdahl::core {

std::string experiment_tag(std::int64_t experiment, std::string_view state, bool abort_requested) {
  return fmt::format("\"exp-{}.{}.{}\"", experiment, state, abort_requested ? 1 : 0);
}

}  // namespace amdahl::core
