#pragma once

#include <string>

#include "amdahl/core/result.hpp"
#include "amdahl/scheduler_adapters/slurm_accounting.hpp"
#include "environment.hpp"

namespace amdahl::cli {

/// Reads a file of a scheduler's accounting (`-`: standard input), text in any size or JSON up to a
/// bound, attempt by attempt. Errors name the file, the line and the command that makes such a
/// file.
core::Result<scheduler_adapters::SlurmAccounting::Counts> read_accounting_file(
    Environment& env, const std::string& file,
    const scheduler_adapters::AccountingListener& listener);

}  // namespace amdahl::cli
