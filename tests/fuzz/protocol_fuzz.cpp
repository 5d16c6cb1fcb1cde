#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/change.hpp"
#include "amdahl/core/invariant.hpp"
#include "amdahl/core/job.hpp"
#include "amdahl/core/protocol.hpp"

namespace {

using namespace amdahl::core;

void check_protocol(const nlohmann::json& json) {
  const auto protocol = protocol_from_json(json);
  if (protocol.has_error()) return;
  const auto text = canonical_json(to_json(*protocol));
  const auto again = protocol_from_json(parse_json(text, "again").value());
  invariant(again == *protocol, "a protocol survives being written");
  invariant(fingerprint(*again) == fingerprint(*protocol), "and so does its fingerprint");
}

void check_changes(const nlohmann::json& json) {
  const auto changes = changes_from_json(json);
  if (changes.has_error()) return;
  const auto canonical = canonical_changes(*changes);
  if (canonical.has_error()) return;
  invariant(canonical_changes(*canonical) == *canonical, "the canonical form is its own");
  const auto variant = apply({}, *canonical);
  if (variant.has_error()) return;
  invariant(*variant != Configuration{}, "a change that applies changes something");
}

}  // namespace

// What the ledger and the inbox hold: protocols, changes, configurations, jobs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = parse_json({reinterpret_cast<const char*>(data), size}, "protocol");
  if (json.has_error()) return 0;
  check_protocol(*json);
  check_changes(*json);
  if (const auto job = job_from_json(*json); job.has_value()) {
    const auto text = canonical_json(to_json(*job));
    invariant(job_from_json(parse_json(text, "again").value()) == *job,
              "a job survives being written");
  }
  return 0;
}
