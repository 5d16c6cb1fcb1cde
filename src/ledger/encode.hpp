#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "amdahl/ledger/ledger.hpp"

namespace amdahl::ledger {

/// What a stage function takes: one JSON object per item. Enumerators go as their numbers.
nlohmann::json encode(const NewJob& item);
nlohmann::json encode(const NewHypothesis& item);
nlohmann::json encode(const ProposedFor& item);
nlohmann::json encode(const RejectHypothesis& item);
nlohmann::json encode(const Registration& item);
nlohmann::json encode(const OpenPair& item);
nlohmann::json encode(const RetryRun& item);
nlohmann::json encode(const PlanProduction& item);
nlohmann::json encode(const RecordSubmit& item);
nlohmann::json encode(const RecordRun& item);
nlohmann::json encode(const Advance& item);
nlohmann::json encode(const Decision& item);
nlohmann::json encode(const ProductionRun& item);
nlohmann::json encode(const CommandDone& item);

template <class T>
nlohmann::json encode_all(std::span<const T> items) {
  auto out = nlohmann::json::array();
  for (const auto& item : items) out.push_back(encode(item));
  return out;
}

/// JSON text that PostgreSQL accepts: broken UTF-8 and NUL, which a crashing job may print, become
/// replacement characters.
std::string jsonb_text(const nlohmann::json& value);

}  // namespace amdahl::ledger
