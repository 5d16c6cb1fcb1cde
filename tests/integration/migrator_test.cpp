#include "amdahl/ledger/migrator.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>

#include "amdahl/ledger/errors.hpp"
#include "amdahl/ledger/ledger.hpp"
#include "support/test_database.hpp"

namespace amdahl::test {
namespace {

constexpr auto service = "amdahl_service";

bool all_applied(const std::vector<ledger::Migration>& migrations) {
  return std::ranges::all_of(migrations, &ledger::Migration::applied);
}

// As a superuser who edits history would.
void tamper(const TestDatabase& db, const std::string& sql) {
  db.as_owner("ALTER TABLE amdahl.schema_migration DISABLE TRIGGER ALL");
  db.as_owner(sql);
}

TEST_CASE("a database without a ledger is refused with the command that makes one", "[migrator]") {
  auto db = TestDatabase::empty();
  CHECK_THROWS_AS(ledger::connect(db.service_url()), ledger::SchemaMismatch);
  CHECK_THROWS_WITH(ledger::connect(db.service_url()),
                    Catch::Contains("amdahl --config FILE db migrate"));
  CHECK_FALSE(ledger::plan_migrations(db.owner_url()).front().applied);
}

TEST_CASE("migrating makes a ledger that the service can use, and again changes nothing",
          "[migrator]") {
  auto db = TestDatabase::empty();
  REQUIRE(ledger::migrate(db.owner_url(), service).has_value());
  CHECK(all_applied(ledger::plan_migrations(db.owner_url())));
  CHECK_NOTHROW(ledger::connect(db.service_url())->read_snapshot());
  const auto before = db.as_owner("SELECT max(applied_at) FROM amdahl.schema_function");
  REQUIRE(ledger::migrate(db.owner_url(), service).has_value());
  CHECK(db.as_owner("SELECT max(applied_at) FROM amdahl.schema_function") == before);
}

TEST_CASE("two migrations at once make one ledger", "[migrator]") {
  auto db = TestDatabase::empty();
  bool other_done = false;
  std::thread other{[&] { other_done = ledger::migrate(db.owner_url(), service).has_value(); }};
  const bool done = ledger::migrate(db.owner_url(), service).has_value();
  other.join();
  CHECK(done);
  CHECK(other_done);
  CHECK_NOTHROW(ledger::connect(db.service_url()));
}

TEST_CASE("a migration edited after it was applied is named and refused", "[migrator]") {
  TestDatabase db;
  tamper(db, "UPDATE amdahl.schema_migration SET checksum = sha256('other') WHERE version = 1");
  const auto migrated = ledger::migrate(db.owner_url(), service);
  REQUIRE(migrated.has_error());
  CHECK(migrated.error().code == core::ErrorCode::conflict);
  CHECK_THAT(migrated.error().message, Catch::Contains("0001_schema.sql"));
  CHECK_THROWS_AS(ledger::plan_migrations(db.owner_url()), ledger::SchemaMismatch);
}

TEST_CASE("a ledger newer than the binary is left alone", "[migrator]") {
  TestDatabase db;
  db.as_owner(
      "INSERT INTO amdahl.schema_migration VALUES (999, '0999_future.sql', sha256('x'), 999)");
  CHECK(ledger::migrate(db.owner_url(), service).has_error());
  CHECK_THROWS_WITH(ledger::connect(db.service_url()), Catch::Contains("install a newer amdahl"));
}

TEST_CASE("a newer ledger that still serves this binary is used", "[migrator]") {
  TestDatabase db;
  db.as_owner(
      "INSERT INTO amdahl.schema_migration VALUES (999, '0999_future.sql', sha256('x'), 1)");
  CHECK_NOTHROW(ledger::connect(db.service_url()));
}

TEST_CASE("replaced functions are noticed and put back", "[migrator]") {
  TestDatabase db;
  db.as_owner(
      "UPDATE amdahl.schema_function SET checksum = sha256('x') WHERE name = '04_lease.sql'");
  CHECK_THROWS_AS(ledger::connect(db.service_url()), ledger::SchemaMismatch);
  CHECK_FALSE(all_applied(ledger::plan_migrations(db.owner_url())));
  REQUIRE(ledger::migrate(db.owner_url(), service).has_value());
  CHECK_NOTHROW(ledger::connect(db.service_url()));
}

TEST_CASE("the owner's own role is refused as service role", "[migrator]") {
  TestDatabase db;
  const auto migrated = ledger::migrate(db.owner_url(), "amdahl_owner");
  REQUIRE(migrated.has_error());
  CHECK(migrated.error().code == core::ErrorCode::not_allowed);
}

TEST_CASE("a service role with an awkward name is made and granted", "[migrator]") {
  TestDatabase db;
  const std::string role = "odd \"role\"; DROP";
  REQUIRE(ledger::migrate(db.owner_url(), role).has_value());
  CHECK(db.as_owner("SELECT has_function_privilege('odd \"role\"; DROP', 'amdahl.read_head()', "
                    "'EXECUTE')") == "t");
  CHECK(db.as_owner("SELECT has_table_privilege('odd \"role\"; DROP', 'amdahl.experiment_salt', "
                    "'SELECT')") == "f");
  db.as_owner("DROP OWNED BY \"odd \"\"role\"\"; DROP\"");
  db.as_owner("DROP ROLE \"odd \"\"role\"\"; DROP\"");
}

TEST_CASE("an owner who may not make roles is told what to ask for", "[migrator]") {
  auto db = TestDatabase::empty();
  db.as_owner("DROP ROLE IF EXISTS amdahl_small_owner");
  db.as_owner("CREATE ROLE amdahl_small_owner LOGIN");
  db.as_owner("SELECT set_config('x.y', current_database(), false)");
  db.as_owner(
      "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO amdahl_small_owner', "
      "current_database()); END $$");
  auto url = db.owner_url();
  url.replace(url.find("amdahl_owner"), std::string{"amdahl_owner"}.size(), "amdahl_small_owner");
  const auto migrated = ledger::migrate(url, "amdahl_nobody_made_this");
  REQUIRE(migrated.has_error());
  CHECK_THAT(migrated.error().hint, Catch::Contains("CREATE ROLE"));
  CHECK(ledger::migrate(url, service).has_value());
  CHECK_NOTHROW(ledger::connect(db.service_url())->head());
  db.as_owner("DROP OWNED BY amdahl_small_owner CASCADE");
  db.as_owner("DROP ROLE amdahl_small_owner");
}

TEST_CASE("nothing of the URL appears in an error", "[migrator]") {
  const std::string url = GENERATE("postgresql://amdahl:hunter2@localhost:1/none",
                                   "postgresql://amdahl:hun@ter2@localhost:1/none",
                                   "hunter2 is no connection string", "postgresql://[hunter2");
  CAPTURE(url);
  try {
    ledger::connect(url);
    FAIL("connected");
  } catch (const ledger::Unavailable& problem) {
    const std::string message = problem.what();
    CHECK(message.find("hunter2") == std::string::npos);
    CHECK(message.find("ter2@") == std::string::npos);
  }
}

}  // namespace
}  // namespace amdahl::test
