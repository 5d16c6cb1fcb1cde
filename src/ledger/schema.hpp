#pragma once

#include <map>
#include <optional>
#include <string>

#include "pq.hpp"

namespace amdahl::ledger {

inline constexpr int oldest_server = 150000;  ///< UNIQUE NULLS NOT DISTINCT came with PostgreSQL 15

/// What a ledger says of itself.
struct SchemaState {
  int version = 0;
  int oldest_binary = 0;                         ///< the oldest schema version that may use it
  std::map<std::string, std::string> functions;  ///< file → SHA-256
  bool session_owns = false;                     ///< the session may do as the owner may
  std::map<int, std::string> migrations;         ///< version → SHA-256 of what was applied
};

/// SHA-256 (hex) of an embedded file.
std::string checksum(std::string_view text);
int binary_version();
std::map<std::string, std::string> binary_functions();
std::map<int, std::string> binary_migrations();

/// Why a server of this version cannot serve, as PostgreSQL counts versions (150018); empty = it
/// can.
std::string server_problem(int server_version);
/// Why this binary cannot use that ledger; empty = it can. `state` absent: there is no ledger.
std::string schema_problem(const std::optional<SchemaState>& state);

/// There is something to read, whatever `schema_problem` says.
bool readable(const std::optional<SchemaState>& state);

/// Reads the state; empty when the database holds no ledger.
std::optional<SchemaState> read_schema_state(pq::Session& session);

}  // namespace amdahl::ledger
