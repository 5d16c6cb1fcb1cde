#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "amdahl/core/states.hpp"

namespace amdahl::core {

/// One attempt of a production run, as a scheduler's accounting knows it. Times are Unix seconds;
/// what accounting does not say is none.
struct Attempt {
  std::string cluster, account, user, partition, name;
  std::string native_id;
  std::optional<std::int64_t> gpus;  ///< allocated; none where nothing was
  std::optional<std::int64_t> submit_s, eligible_s, start_s, end_s;
  std::optional<std::int64_t> first_step_s;  ///< when the first process of the user began
  std::optional<std::int64_t> step_gpus;  ///< of all its steps: at least what it ever used at once
  std::optional<RunOutcome> outcome;      ///< none: it has not ended, or nobody can tell
  std::int64_t line = 0;                  ///< of the text that it was read from; 0 = none
};

}  // namespace amdahl::core
