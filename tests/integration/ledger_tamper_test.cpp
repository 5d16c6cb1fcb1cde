// Any single row changed, removed or inserted by a superuser is named.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "amdahl/ledger/verify.hpp"
#include "worked_ledger.hpp"

namespace amdahl::test {
namespace {

TEST_CASE("every column of every chained table is bound to the chain", "[ledger][tamper]") {
  Worked work;
  REQUIRE_FALSE(ledger::verify_ledger(work.db.service_url()).first_bad);
  // One statement a column: another value of its type, in the table's first row.
  const auto columns = nlohmann::json::parse(work.db.as_owner(R"sql(
    SELECT jsonb_agg(jsonb_build_object('table', t.name, 'column', a.attname, 'sql', format(
      'UPDATE amdahl.%I SET %I = %s WHERE ctid = (SELECT min(ctid) FROM amdahl.%I)',
      t.name, a.attname, CASE format_type(a.atttypid, NULL)
        WHEN 'text' THEN format('coalesce(%I, '''') || ''x''', a.attname)
        WHEN 'boolean' THEN format('NOT coalesce(%I, false)', a.attname)
        WHEN 'bytea' THEN format('set_byte(%I, 0, 1 - (get_byte(%I, 0) & 1))', a.attname, a.attname)
        WHEN 'jsonb' THEN '''{"x": 1}'''
        WHEN 'timestamp with time zone' THEN format('coalesce(%I, now()) + interval ''1 s''', a.attname)
        WHEN 'bigint[]' THEN format('%I || 7::bigint', a.attname)
        WHEN 'text[]' THEN format('%I || ''x''::text', a.attname)
        WHEN 'xid8' THEN '''77777'''
        ELSE format('coalesce(%I, 0) + 1000', a.attname) END, t.name)))
    FROM amdahl._chained_tables() AS t
    JOIN pg_attribute a ON a.attrelid = ('amdahl.' || t.name)::regclass AND a.attnum > 0
      AND NOT a.attisdropped AND a.attidentity = '')sql"));
  REQUIRE(columns.size() > 120);
  work.db.script_as_owner(
      "DO $$ DECLARE c record; BEGIN FOR c IN SELECT conrelid::regclass AS t, conname FROM "
      "pg_constraint WHERE connamespace = 'amdahl'::regnamespace AND contype = 'c' AND "
      "conparentid = 0 LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', c.t, "
      "c.conname); END LOOP; END $$");
  for (const auto& column : columns) {
    const auto table = column["table"].get<std::string>();
    CAPTURE(table, column["column"].get<std::string>());
    const auto sql = column["sql"].get<std::string>();
    work.db.script_as_owner(fmt::format("CREATE TABLE kept AS SELECT * FROM amdahl.{}", table));
    const auto found = work.tampered(sql);
    CHECK(found.substr(0, found.find('/')) == table);
    work.db.script_as_owner(fmt::format(
        "SET LOCAL session_replication_role = replica; DELETE FROM amdahl.{0}; INSERT INTO "
        "amdahl.{0} OVERRIDING SYSTEM VALUE SELECT * FROM kept; DROP TABLE kept",
        table));
  }
  CHECK_FALSE(ledger::verify_ledger(work.db.service_url()).first_bad);
}

TEST_CASE("a removed or inserted row of any chained table is named", "[ledger][tamper]") {
  Worked work;
  const auto tables = nlohmann::json::parse(
      work.db.as_owner("SELECT jsonb_agg(name) FROM amdahl._chained_tables()"));
  REQUIRE(tables.size() == 16);
  for (const auto& item : tables) {
    const auto table = item.get<std::string>();
    CAPTURE(table);
    work.db.script_as_owner(fmt::format("CREATE TABLE kept AS SELECT * FROM amdahl.{}", table));
    const auto last = fmt::format(
        "DELETE FROM amdahl.{0} WHERE ctid = (SELECT max(ctid) FROM amdahl.{0})", table);
    const auto gone = work.tampered(last);
    // A row that others lean on may be missed there first.
    CHECK(gone != "nothing");
    work.db.script_as_owner(fmt::format(
        "SET LOCAL session_replication_role = replica; DELETE FROM amdahl.{0}; INSERT INTO "
        "amdahl.{0} OVERRIDING SYSTEM VALUE SELECT * FROM kept; DROP TABLE kept",
        table));
    REQUIRE_FALSE(ledger::verify_ledger(work.db.service_url()).first_bad);
  }
  CHECK(
      work.tampered("INSERT INTO amdahl.bank (debit, credit, gpu_us, experiment_id, production_id, "
                    "period, note) VALUES ('bank', 'production', 5, 1, NULL, '2026-01', 'mine')")
          .starts_with("bank/"));
}

TEST_CASE("the chain and its head are proved", "[ledger][tamper]") {
  Worked work;
  const auto [sql, named] = GENERATE(Catch::Generators::table<std::string, std::string>({
      {"UPDATE amdahl.event SET payload = '{}' WHERE seq = 3", "event/3"},
      {"UPDATE amdahl.event SET at = at + interval '1 s' WHERE seq = 4", "event/4"},
      {"DELETE FROM amdahl.event WHERE seq = 5", "event/6"},
      {"DELETE FROM amdahl.event WHERE seq = (SELECT max(seq) FROM amdahl.event)", "loop_head/1"},
      {"UPDATE amdahl.loop_head SET fence = fence + 1", "loop_head/1"},
      {"UPDATE amdahl.loop_head SET term = gen_random_uuid()", "loop_head/1"},
      {"UPDATE amdahl.loop_head SET paused = true", "loop_head/1"},
      {"UPDATE amdahl.loop_head SET released = true", "loop_head/1"},
  }));
  CAPTURE(sql);
  CHECK(work.tampered(sql) == named);
}

TEST_CASE("a ledger from before rows were sealed is sealed once by the migrator",
          "[ledger][tamper]") {
  Worked work;
  const auto before = work.head_seq();
  work.db.script_as_owner("SET search_path = amdahl; SELECT amdahl._seal_old_rows()");
  CHECK(work.head_seq() == before);
}

}  // namespace
}  // namespace amdahl::test
