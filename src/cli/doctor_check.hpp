#pragma once

#include <filesystem>
#include <string>

#include "amdahl/ledger/ledger.hpp"
#include "command.hpp"
#include "config.hpp"

namespace amdahl::cli {

/// One line of the doctor's report.
struct Check {
  enum class Result { pass, warning, failure } result = Result::pass;
  std::string name;
  std::string text;  ///< empty: does not apply here
  std::string fix;
};

/// Whether PostgreSQL and snapshots of code find room below that folder.
Check check_room(const std::filesystem::path& folder, const std::filesystem::space_info& space);

/// The service of this configuration, as it answers on its Unix socket: this version, listening
/// where the configuration says. Applies where the socket is there.
Check check_service(const Environment& env, const Config& config);

/// Certificate and key: fit, valid, and for how long yet.
Check check_certificate(core::Clock& clock, const Config& config);

/// Whether webhooks still come from the clusters that have a secret for them.
Check check_hooks(ledger::Ledger& ledger, const Config& config);

}  // namespace amdahl::cli
