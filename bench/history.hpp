#pragma once

#include <filesystem>
#include <string>

namespace amdahl::bench {

/// Fills an empty, migrated ledger with 100,000 finished worker runs of `jobs` jobs: experiments
/// with pairs, measurements, votes and verdicts, production and bank, and a hash chain that
/// verifies. Every trigger and constraint holds while it is loaded.
void load_history(const std::string& owner_url, int jobs, const std::filesystem::path& workdir);

/// The place in the FDR stream that the history leaves: an empty ledger must judge as strictly.
void align_stream(const std::string& owner_url);

/// As canaries would have it: trials may begin at once.
void set_noise(const std::string& owner_url);

/// No row is sealed any more, nor noted for it: what a ledger without seals would cost.
void stop_sealing(const std::string& owner_url);

}  // namespace amdahl::bench
