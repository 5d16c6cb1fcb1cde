#pragma once

#include <string>
#include <vector>

#include "amdahl/core/result.hpp"
#include "command.hpp"

namespace amdahl::cli {

/// What a command line asks for.
struct Parsed {
  const Command* command = nullptr;  ///< null: the overview is wanted
  std::string path;                  ///< `jobs add`
  Args args;
  GlobalOptions options;
  bool help = false;
};

/// Reads the words after `amdahl` against the table. Unknown words get the nearest known one.
core::Result<Parsed> parse_arguments(const std::vector<CommandGroup>& groups,
                                     const std::vector<std::string>& words, const Environment& env);

}  // namespace amdahl::cli
