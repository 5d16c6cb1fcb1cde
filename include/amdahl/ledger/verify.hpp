#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace amdahl::ledger {

/// The first thing that is not as the chain says.
struct FirstBad {
  std::optional<std::int64_t> seq;  ///< the event that is bad, or that sealed the row
  std::string table;
  std::string key;  ///< of the row, as in `rows_changed`; empty where there is none
  std::string problem;
};

struct Verification {
  std::int64_t events = 0;  ///< the last one
  std::string head_hash;    ///< 32 bytes
  std::optional<FirstBad> first_bad;
};

/// Imported accounting is beside the chain: what leads need not count it again.
enum class Proof { everything, chained };

/// The read model `amdahl.verify/v1`.
nlohmann::json to_json(const Verification& verification);

/// Recomputes the chain, folds its seals, compares every row and recounts, in one read-only
/// snapshot that disturbs no running loop. Memory grows with the number of rows (some 70 bytes
/// each). Throws the types of errors.hpp.
Verification verify_ledger(const std::string& url, Proof proof = Proof::everything);
/// Only the chain, from what an earlier verification ended at.
Verification verify_chain_since(const std::string& url, const Verification& earlier);

}  // namespace amdahl::ledger
