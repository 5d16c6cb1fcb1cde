#pragma once

#include <stdexcept>
#include <string>

namespace amdahl::ledger {

/// PostgreSQL could not be reached, or the work was surely rolled back. Start a fresh cycle.
struct Unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The connection broke at a commit: done or not done. Only a cold read may decide.
struct OutcomeUnknown : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Another term leads (SQLSTATE AM001): drop everything held in memory and stop leading.
struct Fenced : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The ledger refused what the planner asked: a rule enforced below us was about to be broken.
struct Refused : std::runtime_error {
  Refused(std::string message, std::string sqlstate_)
      : std::runtime_error{std::move(message)}, sqlstate{std::move(sqlstate_)} {}
  std::string sqlstate;
};

/// Missing, too old, newer than this binary, half migrated: says what and what to do.
struct SchemaMismatch : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The ledger was tampered with: nobody leads it, nothing is repaired by itself.
struct Altered : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace amdahl::ledger
