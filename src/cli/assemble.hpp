#pragma once

#include <memory>

#include "environment.hpp"
#include "options.hpp"
#include "services.hpp"

namespace amdahl::cli {

/// The composition root: the only place that knows which ledger and which adapters there are.
std::unique_ptr<Services> assemble(Environment& env, const GlobalOptions& options);

}  // namespace amdahl::cli
