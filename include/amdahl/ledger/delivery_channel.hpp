#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "amdahl/ledger/errors.hpp"

namespace amdahl::ledger {

/// One webhook as it is stored before it is acknowledged. It wakes reconciliation and nothing else.
struct Delivery {
  std::string source;     ///< the door and its cluster, `slurm/alpha`; ids are unique within it
  std::string id;         ///< `webhook-id`, or what the door makes of a body without one
  std::string cluster;    ///< empty = unknown
  std::string kind;       ///< `slurm.job.ended`; empty = unknown content
  std::string native_id;  ///< empty = unknown
  std::string run_key;    ///< empty = not one of ours
  nlohmann::json body;    ///< without what is not to be kept
};

/// Stores deliveries over one connection without ever waiting for it: whoever uses it waits for its
/// socket beside other things, and for how long. Throws only the types of errors.hpp; after any of
/// them but Refused AM012 (too many wait already) the channel is of no use any more. Not
/// thread-safe.
class DeliveryChannel {
 public:
  virtual ~DeliveryChannel() = default;

  /// What to wait for. Readable at any time: `step`.
  virtual int socket() const = 0;
  /// Sends all of these as one commit. None may be under way.
  virtual void begin(std::span<const Delivery> deliveries) = 0;
  /// Not all of it has left: `step` once the socket is writable.
  virtual bool is_sending() const = 0;
  /// Takes what has come. Whether each delivery was new, in order, once that is committed; empty
  /// before, and where none is under way.
  virtual std::optional<std::vector<bool>> step() = 0;
};

/// Connects as the service's role; this waits, within the ledger's patience.
std::unique_ptr<DeliveryChannel> open_delivery_channel(const std::string& url);

}  // namespace amdahl::ledger
