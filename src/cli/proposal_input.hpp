#pragma once

#include <string>

#include "environment.hpp"
#include "proposal_file.hpp"

namespace amdahl::cli {

/// Reads the file and the patches it names.
core::Result<Proposal> read_proposal_file(const Environment& env, const std::string& file);

}  // namespace amdahl::cli
