#include "schema.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "amdahl/core/sha256.hpp"
#include "amdahl/ledger/migrator.hpp"
#include "schema_files.hpp"
#include "statements.hpp"

namespace amdahl::ledger {

std::string checksum(std::string_view text) { return core::hex(core::sha256(text)); }

int binary_version() { return migration_files().back().version; }

std::map<std::string, std::string> binary_functions() {
  std::map<std::string, std::string> out;
  for (const auto& file : function_files()) out.emplace(file.name, checksum(file.text));
  return out;
}

std::map<int, std::string> binary_migrations() {
  std::map<int, std::string> out;
  for (const auto& file : migration_files()) out.emplace(file.version, checksum(file.text));
  return out;
}

std::string schema_digest() {
  std::string all;
  for (const auto& file : migration_files()) all += checksum(file.text);
  for (const auto& [name, sum] : binary_functions()) all += name + sum;
  return checksum(all);
}

std::string server_problem(int server_version) {
  if (server_version >= oldest_server) return {};
  return fmt::format("PostgreSQL {}.{} is too old for the ledger: it needs 15 or newer",
                     server_version / 10'000, server_version % 10'000);
}

namespace {

// A gap or an edited file: somebody else's hand, or a restore that was cut off.
std::string migration_problem(const SchemaState& state) {
  for (const auto& file : migration_files()) {
    const auto found = state.migrations.find(file.version);
    if (found == state.migrations.end()) {
      return fmt::format(
          "the ledger is half migrated: it has schema version {}, but migration {} is not noted in "
          "amdahl.schema_migration; bring back a copy from before",
          state.version, file.name);
    }
    if (found->second != checksum(file.text)) {
      return fmt::format(
          "migration {} is not the one that was applied to this ledger; use the binary that "
          "migrated it",
          file.name);
    }
  }
  return {};
}

// How many differ, and the first by name.
std::string function_problem(const SchemaState& state) {
  const auto ours = binary_functions();
  std::vector<std::string> other;
  for (const auto& [name, sum] : ours) {
    const auto found = state.functions.find(name);
    if (found == state.functions.end() || found->second != sum) other.push_back(name);
  }
  for (const auto& [name, sum] : state.functions) {
    if (!ours.contains(name)) other.push_back(name);
  }
  if (other.empty()) return {};
  return fmt::format(
      "the ledger's functions are not those of this binary: {} of {} differ, first {}",
      other.size(), ours.size(), other.front());
}

}  // namespace

bool readable(const std::optional<SchemaState>& state) { return state && state->version > 0; }

std::string schema_problem(const std::optional<SchemaState>& state) {
  constexpr auto fix = "run `amdahl --config FILE db migrate`";
  if (!state || state->version == 0) {
    return fmt::format("the database holds no ledger yet; {}", fix);
  }
  if (state->version < binary_version()) {
    return fmt::format("the ledger has schema version {}, this binary needs {}; {}", state->version,
                       binary_version(), fix);
  }
  if (state->version > binary_version()) {
    if (state->oldest_binary <= binary_version()) return {};
    return fmt::format(
        "the ledger has schema version {}, this binary only knows {}; install a newer amdahl",
        state->version, binary_version());
  }
  if (auto problem = migration_problem(*state); !problem.empty()) return problem;
  if (auto problem = function_problem(*state); !problem.empty()) {
    return fmt::format("{}; {}", problem, fix);
  }
  return {};
}

std::optional<SchemaState> read_schema_state(pq::Session& session) {
  if (!session.value(statements::has_ledger, {}, pq::Effect::reads)) return std::nullopt;
  const auto text = session.value(statements::schema_state, {}, pq::Effect::reads);
  const auto value = nlohmann::json::parse(text.value_or("{}"));
  SchemaState state{value.at("version"),
                    value.at("oldest_binary"),
                    value.at("functions").get<std::map<std::string, std::string>>(),
                    value.at("owner"),
                    {}};
  for (const auto& [version, sum] : value.at("migrations").items()) {
    state.migrations.emplace(std::stoi(version), sum.get<std::string>());
  }
  return state;
}

}  // namespace amdahl::ledger
