#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "amdahl/core/clock.hpp"
#include "amdahl/core/result.hpp"
#include "amdahl/http_client/client.hpp"

namespace amdahl::cli {

inline constexpr std::size_t spool_files_max = 10'000;

/// Where a hook's deliveries go and how they are signed.
struct HookTarget {
  http_client::ClientOptions client;
  std::string secret;  ///< its bytes
};

/// What happened to what was in the spool.
struct SpoolReport {
  int sent = 0;
  int refused = 0;      ///< bodies that the service will never take: moved to `refused/`
  int dropped = 0;      ///< the oldest beyond spool_files_max
  int left = 0;         ///< for the next time
  std::string problem;  ///< why they are left, or what was refused
};

/// What became of one delivery.
struct Delivered {
  enum class Kind {
    taken,
    refused,  ///< this body will never be taken
    stopped,  ///< nothing will be until somebody mends secret, address or clock
    away      ///< later, perhaps
  } kind = Kind::away;
  int status = 0;  ///< 0 = no answer
  std::string words;
};
Delivered deliver(const HookTarget& target, const std::string& id, const std::string& body,
                  core::Clock& clock);

std::string new_delivery_id();

/// A folder of deliveries that wait, each a file of its id. Several processes may put; one sends.
class HookSpool {
 public:
  explicit HookSpool(std::filesystem::path folder) : folder_{std::move(folder)} {}

  /// Not synced to the disk: after a crash of the machine reconciliation finds what is missing.
  core::Result<void> put(const std::string& body);

  /// Drops the oldest beyond spool_files_max; how many.
  int bound();

  /// Sends all of it, the oldest first, until the folder is empty, the service is away for longer
  /// than `patience`, or another process sends already.
  SpoolReport send(const HookTarget& target, std::chrono::milliseconds patience,
                   core::Clock& clock);

 private:
  enum class Turn { all_sent, away, stopped };
  Turn send_all(const HookTarget& target, core::BootTime until, core::Clock& clock,
                SpoolReport& report);
  Turn send_once(const HookTarget& target, core::Clock& clock, SpoolReport& report);
  void set_aside(const std::filesystem::path& file);

  std::filesystem::path folder_;
};

}  // namespace amdahl::cli
