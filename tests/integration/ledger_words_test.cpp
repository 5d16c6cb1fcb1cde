// The numbers and words of SQL are those of core/states.hpp.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "amdahl/core/states.hpp"
#include "support/test_database.hpp"

namespace amdahl::test {
namespace {

template <class E>
std::string numbers() {
  std::string out;
  for (const auto& entry : core::words<E>()) {
    out += (out.empty() ? "" : ", ") + std::to_string(static_cast<int>(entry.value));
  }
  return out;
}

template <class E>
std::string words() {
  std::string out;
  for (const auto& entry : core::words<E>()) out += std::string{entry.word} + " ";
  return out;
}

// The list of a CHECK constraint, as PostgreSQL prints it.
std::string allowed(const TestDatabase& db, const std::string& table, const std::string& column) {
  return db.as_owner(fmt::format(
      "SELECT (regexp_match(pg_get_constraintdef(oid), 'ANY \\(ARRAY\\[(.*)\\]\\)'))[1] "
      "FROM pg_constraint WHERE conrelid = 'amdahl.{0}'::regclass AND conname = '{0}_{1}_check'",
      table, column));
}

std::string spelled(const TestDatabase& db, const std::string& name) {
  return db.as_owner(
      fmt::format("SELECT string_agg(amdahl._word('{0}', n::smallint) || ' ', '' ORDER BY n) "
                  "FROM generate_series(0, 20) AS n",
                  name));
}

template <class E>
void compare(const TestDatabase& db, const std::string& table, const std::string& column,
             const std::string& name) {
  CAPTURE(table, column);
  CHECK(allowed(db, table, column) == numbers<E>());
  CHECK(spelled(db, name) == words<E>());
}

TEST_CASE("CHECK constraints list the states of the code, and SQL spells them alike", "[ledger]") {
  TestDatabase db;
  compare<core::ExperimentState>(db, "experiment", "state", "experiment_state");
  compare<core::ExperimentKind>(db, "experiment", "kind", "experiment_kind");
  compare<core::HypothesisState>(db, "hypothesis", "state", "hypothesis_state");
  compare<core::HypothesisSource>(db, "hypothesis", "source", "hypothesis_source");
  compare<core::PairState>(db, "pair", "state", "pair_state");
  compare<core::RunState>(db, "worker_run", "state", "run_state");
  compare<core::RunOutcome>(db, "worker_run", "outcome", "run_outcome");
  compare<core::CauseClass>(db, "worker_run", "cause", "cause");
  compare<core::Arm>(db, "measurement", "arm", "arm");
  compare<core::VerdictOutcome>(db, "verdict", "outcome", "outcome");
  compare<core::Vote>(db, "check_", "vote", "vote");
  CHECK(spelled(db, "check_kind") == words<core::CheckKind>());
}

TEST_CASE("SQL lets a run move exactly as the code does", "[ledger]") {
  TestDatabase db;
  std::string code, sql;
  for (const auto& from : core::words<core::RunState>()) {
    for (const auto& to : core::words<core::RunState>()) {
      code += core::may_follow(from.value, to.value) ? 't' : 'f';
    }
  }
  sql = db.as_owner(
      "SELECT string_agg(left(amdahl._may_follow(f::smallint, t::smallint)::text, 1), '' "
      "ORDER BY f, t) FROM generate_series(0, 9) AS f, generate_series(0, 9) AS t");
  CHECK(sql == code);
}

}  // namespace
}  // namespace amdahl::test
