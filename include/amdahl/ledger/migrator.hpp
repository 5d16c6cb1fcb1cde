#pragma once

#include <string>
#include <vector>

#include "amdahl/core/result.hpp"

namespace amdahl::ledger {

struct Migration {
  int version = 0;
  std::string name;
  bool applied = false;
};

/// What `db migrate --plan` shows; the last entry, version 0, stands for the replaceable functions.
/// Throws as ledger.hpp says.
std::vector<Migration> plan_migrations(const std::string& owner_url);

/// Applies what is missing, each in a transaction of its own, under a polled advisory lock;
/// replaces functions whose checksum differs; grants the service role SELECT and EXECUTE.
/// Idempotent. Errors: a migration edited after it was applied, a ledger newer than this binary.
core::Result<std::vector<Migration>> migrate(const std::string& owner_url,
                                             const std::string& service_role);

/// SHA-256 (hex) of everything a migration would bring: the identity of this binary's schema.
std::string schema_digest();

}  // namespace amdahl::ledger
