#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "amdahl/core/result.hpp"
#include "amdahl/ledger/private_server.hpp"
#include "subprocess.hpp"

// What Debian's PostgreSQL programs do for a private server: find, initdb, pg_ctl.
namespace amdahl::ledger {

inline constexpr auto owner_role = "amdahl_owner";
inline constexpr int server_port = 5432;  ///< names the socket; nothing listens on TCP

inline core::Error server_failed(std::string message, std::string hint = {}) {
  return {core::ErrorCode::failed, std::move(message), std::move(hint)};
}

/// Who runs the server: a service user when we are root, else ourselves (empty).
using RunAs = std::optional<UserIds>;

/// Where the programs lie: the newest installed, or those that made the data.
core::Result<std::filesystem::path> find_binaries(const std::filesystem::path& data_dir);

/// Makes the folder (0700) and gives it to whoever runs the server.
core::Result<void> make_private_dir(const std::filesystem::path& path, const RunAs& run_as);

/// initdb, beside the final place and renamed into it: a kill leaves nothing half made.
core::Result<void> make_cluster(const std::filesystem::path& bin,
                                const PrivateServerOptions& options, const RunAs& run_as);

/// Writes the settings that hold from the next start on.
core::Result<void> write_settings(const PrivateServerOptions& options, const RunAs& run_as);

core::Result<void> start_cluster(const std::filesystem::path& bin,
                                 const std::filesystem::path& data_dir, const RunAs& run_as);

/// Stops it, waiting at most 40 s; a stopped one is fine.
core::Result<void> stop_cluster(const std::filesystem::path& bin,
                                const std::filesystem::path& data_dir, const RunAs& run_as);

/// The socket folder of the server that runs there and answers; empty when none does.
core::Result<std::optional<std::filesystem::path>> running_socket_dir(
    const std::filesystem::path& bin, const std::filesystem::path& data_dir, const RunAs& run_as);

/// libpq connection string.
std::string socket_url(const std::filesystem::path& socket_dir, const std::string& database,
                       const std::string& role);

}  // namespace amdahl::ledger
