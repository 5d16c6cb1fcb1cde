#include "schema.hpp"

#include <catch2/catch.hpp>

#include "amdahl/ledger/migrator.hpp"
#include "schema_files.hpp"

namespace amdahl::ledger {
namespace {

SchemaState fitting() {
  return {binary_version(), binary_version(), binary_functions(), false, binary_migrations()};
}

TEST_CASE("a server older than 15 is refused by its name", "[ledger][schema]") {
  CHECK_THAT(server_problem(140022), Catch::Contains("PostgreSQL 14.22 is too old"));
  CHECK(server_problem(150000).empty());
  CHECK(server_problem(180001).empty());
}

TEST_CASE("a fitting schema has no problem and any other names the fix", "[ledger][schema]") {
  CHECK(schema_problem(fitting()).empty());
  CHECK_THAT(schema_problem(std::nullopt), Catch::Contains("amdahl --config FILE db migrate"));
  auto older = fitting();
  older.version = 0;
  CHECK_THAT(schema_problem(older), Catch::Contains("db migrate"));
  auto newer = fitting();
  newer.version = newer.oldest_binary = binary_version() + 1;
  CHECK_THAT(schema_problem(newer), Catch::Contains("install a newer amdahl"));
  newer.oldest_binary = binary_version();
  CHECK(schema_problem(newer).empty());
  auto edited = fitting();
  edited.functions.begin()->second = "00";
  CHECK_THAT(schema_problem(edited), Catch::Contains("functions are not those of this binary") &&
                                         Catch::Contains("1 of 22 differ, first 01_words.sql"));
  auto gap = fitting();
  gap.migrations.erase(2);
  CHECK_THAT(schema_problem(gap),
             Catch::Contains("half migrated") && Catch::Contains("0002_nomination_time"));
  gap.migrations[2] = "00";
  CHECK_THAT(schema_problem(gap), Catch::Contains("0002_nomination_time"));
}

TEST_CASE("migrations are embedded in order, with distinct versions", "[ledger][schema]") {
  int last = 0;
  for (const auto& file : migration_files()) {
    CHECK(file.version == last + 1);
    last = file.version;
    CHECK(file.text.size() > 100);
  }
  CHECK(binary_functions().size() == function_files().size());
  CHECK(schema_digest().size() == 64);
}

}  // namespace
}  // namespace amdahl::ledger
