#pragma once

#include "ledger_calls.hpp"

namespace amdahl::test {

template <class Stage>
void LedgerCalls::ask(const std::string& what, const Stage& stage) {
  const auto call = [&](ledger::Ledger& ledger) -> nlohmann::json {
    stage(ledger);
    return nullptr;
  };
  twins_.ask(what, call);
  if (roll(10) == 0) twins_.ask(what + " (again)", call);
}

template <class Id>
nlohmann::json ids_json(const std::vector<Id>& ids) {
  auto out = nlohmann::json::array();
  for (const auto id : ids) out.push_back(id.value);
  return out;
}

}  // namespace amdahl::test
