#include "amdahl/ledger/migrator.hpp"

#include <fmt/format.h>

#include <map>

#include "amdahl/core/failpoint.hpp"
#include "amdahl/ledger/errors.hpp"
#include "pq.hpp"
#include "schema.hpp"
#include "schema_files.hpp"
#include "statements.hpp"

namespace amdahl::ledger {
namespace {

// Another migration that takes longer than 30 s should be looked at; the database does the waiting.
constexpr int lock_tries_max = 300;
constexpr pq::Settings owner_settings{120'000, 10'000};
constexpr auto functions_name = "functions";

using Sums = std::map<int, std::pair<std::string, std::string>>;  // version → name, checksum

core::Error conflict(std::string message, std::string hint) {
  return {core::ErrorCode::conflict, std::move(message), std::move(hint)};
}

// Runs `work` under the migration lock, or answers that somebody else holds it.
core::Result<void> with_lock(pq::Session& session,
                             const std::function<void(pq::Transaction&)>& work) {
  for (int tries = 0; tries < lock_tries_max; ++tries) {
    bool locked = false;
    session.in_transaction([&](pq::Transaction& tx) {
      locked = tx.value(statements::try_migration_lock, {}) == "t";
      if (locked) work(tx);
    });
    if (locked) return {};
    session.value(statements::wait_100_ms, {}, pq::Effect::reads);
  }
  return conflict("another migration of this ledger has been running for 30 s",
                  "wait for it, or look for a session that holds its advisory lock in pg_locks");
}

Sums applied_in(pq::Transaction& tx) {
  Sums applied;
  for (auto& row : tx.rows(statements::applied_migrations)) {
    applied[std::stoi(row[0])] = {row[1], row[2]};
  }
  return applied;
}

std::map<std::string, std::string> functions_in(pq::Transaction& tx) {
  std::map<std::string, std::string> out;
  for (auto& row : tx.rows(statements::applied_functions)) out[row[0]] = row[1];
  return out;
}

// What is there must be ours, unedited and not newer.
core::Result<void> check_applied(const Sums& applied) {
  for (const auto& file : migration_files()) {
    const auto found = applied.find(file.version);
    if (found != applied.end() && found->second.second != checksum(file.text)) {
      return conflict(
          fmt::format("migration {} is not the one that was applied to this ledger", file.name),
          "a migration is never edited: restore the file and add a new one");
    }
  }
  if (!applied.empty() && applied.rbegin()->first > binary_version()) {
    return conflict(
        fmt::format("the ledger has schema version {} ({}), this binary only knows {}",
                    applied.rbegin()->first, applied.rbegin()->second.first, binary_version()),
        "install a newer amdahl; a ledger is never migrated back");
  }
  return {};
}

core::Result<void> apply_migration(pq::Session& session, const SchemaFile& file) {
  return with_lock(session, [&](pq::Transaction& tx) {
    if (applied_in(tx).contains(file.version)) return;  // somebody was faster
    tx.value(statements::insert_migration,
             {std::to_string(file.version), std::string{file.name}, checksum(file.text)});
    tx.script(std::string{file.text});
  });
}

core::Result<void> replace_functions(pq::Session& session) {
  return with_lock(session, [&](pq::Transaction& tx) {
    if (functions_in(tx) == binary_functions()) return;
    for (const auto& file : function_files()) tx.script(std::string{file.text});
    tx.script(statements::forget_functions);
    for (const auto& [name, sum] : binary_functions()) {
      tx.value(statements::upsert_function, {name, sum});
    }
    tx.script(statements::seal_old_rows);
  });
}

std::string with_role(std::string_view sql, const std::string& quoted_role) {
  constexpr std::string_view placeholder{"{role}"};
  std::string out{sql};
  for (auto at = out.find(placeholder); at != std::string::npos; at = out.find(placeholder, at)) {
    out.replace(at, placeholder.size(), quoted_role);
    at += quoted_role.size();
  }
  return out;
}

core::Result<void> ensure_role(pq::Session& session, const std::string& role) {
  const auto ask = [&] { return session.value(statements::role_state, {role}, pq::Effect::reads); };
  auto state = ask();
  if (state == "missing") {
    const auto quoted =
        session.value(statements::quote_name, {role}, pq::Effect::reads).value_or("");
    try {
      session.value(with_role(statements::create_role, quoted), {}, pq::Effect::writes);
    } catch (const Refused& refused) {
      state = ask();  // another database of this server may have made it just now
      if (state == "missing") {
        return core::Error{
            core::ErrorCode::not_allowed,
            fmt::format("the service role {} does not exist and could not be made: {}", role,
                        refused.what()),
            fmt::format("as a superuser: {} PASSWORD '…'",
                        with_role(statements::create_role, quoted))};
      }
    }
    state = ask();
  }
  if (state == "owner") {
    return core::Error{
        core::ErrorCode::not_allowed,
        fmt::format("the role {} has the rights of the ledger's owner", role),
        "name a role of its own in ledger.url_file: the service may only read tables "
        "and call functions"};
  }
  return {};
}

core::Result<void> grant(pq::Session& session, const std::string& role) {
  if (auto made = ensure_role(session, role); !made) return made;
  const auto quoted = session.value(statements::quote_name, {role}, pq::Effect::reads).value_or("");
  return with_lock(session,
                   [&](pq::Transaction& tx) { tx.script(with_role(statements::grants, quoted)); });
}

void check_server(pq::Session& session) {
  if (auto problem = server_problem(session.server_version()); !problem.empty()) {
    throw SchemaMismatch{problem};
  }
}

std::vector<Migration> all_migrations(const Sums& applied, bool functions_applied) {
  std::vector<Migration> out;
  for (const auto& file : migration_files()) {
    out.push_back({file.version, std::string{file.name}, applied.contains(file.version)});
  }
  out.push_back({0, functions_name, functions_applied});
  return out;
}

}  // namespace

std::vector<Migration> plan_migrations(const std::string& owner_url) {
  pq::Session session{owner_url, owner_settings};
  check_server(session);
  Sums applied;
  bool functions_applied = false;
  if (session.value(statements::has_ledger, {}, pq::Effect::reads)) {
    session.in_transaction([&](pq::Transaction& tx) {
      applied = applied_in(tx);
      functions_applied = functions_in(tx) == binary_functions();
    });
  }
  if (auto checked = check_applied(applied); !checked) {
    throw SchemaMismatch{fmt::format("{}; {}", checked.error().message, checked.error().hint)};
  }
  return all_migrations(applied, functions_applied);
}

core::Result<std::vector<Migration>> migrate(const std::string& owner_url,
                                             const std::string& service_role) {
  pq::Session session{owner_url, owner_settings};
  check_server(session);
  Sums applied;
  auto done = with_lock(session, [&](pq::Transaction& tx) {
    tx.script(statements::bootstrap);
    applied = applied_in(tx);
  });
  if (done) core::failpoint("migrator.bootstrapped");
  if (done) done = check_applied(applied);
  for (const auto& file : migration_files()) {
    if (done && !applied.contains(file.version)) {
      done = apply_migration(session, file);
      applied[file.version] = {std::string{file.name}, checksum(file.text)};
      core::failpoint("migrator.migrated");
    }
  }
  if (done) done = replace_functions(session);
  core::failpoint("migrator.functions_replaced");
  if (done) done = grant(session, service_role);
  core::failpoint("migrator.granted");
  if (!done) return done.error();
  return all_migrations(applied, true);
}

}  // namespace amdahl::ledger
