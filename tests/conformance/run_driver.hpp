#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "adapter_suite.hpp"
#include "amdahl/core/run.hpp"

namespace amdahl::conformance {

/// Looks until it holds or far too long has passed; nothing is slept through blindly.
bool eventually(const std::function<bool()>& holds,
                std::chrono::seconds deadline = std::chrono::seconds{60});

std::string read_text(const std::filesystem::path& path);
void write_text(const std::filesystem::path& path, const std::string& text);
std::vector<std::string> lines_of(const std::string& text);

/// A spec with a fresh key and a code snapshot of its own: one leg, `sh -c script`.
core::RunSpec shell_run(AdapterSubject& subject, const std::string& script);
/// Adds the variant as a second leg.
void add_variant(core::RunSpec& spec, const std::string& script);
/// A script line that counts one execution in `file`.
std::string count_in(const std::filesystem::path& file);

/// One submit call with the deadline that the engine gives at most, whatever it answers.
scheduler_adapters::Submitted offer(scheduler_adapters::Adapter& adapter,
                                    const core::RunSpec& spec);
/// Submits and requires that it was accepted.
scheduler_adapters::Submitted submit(AdapterSubject& subject, const core::RunSpec& spec);
/// What the listing says now; nothing when the run is not in it.
std::optional<scheduler_adapters::Observation> observed(scheduler_adapters::Adapter& adapter,
                                                        const core::RunKey& key);
bool wait_for_end(scheduler_adapters::Adapter& adapter, const core::RunKey& key);
/// Submits, releases, waits for the end and reads the result.
core::RunResult execute(AdapterSubject& subject, const core::RunSpec& spec);
core::RunResult result_of(scheduler_adapters::Adapter& adapter, const core::RunKey& key);

}  // namespace amdahl::conformance
