// A ledger leaves as text, is proved from it, and comes back byte for byte.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "amdahl/core/sha256.hpp"
#include "amdahl/ledger/errors.hpp"
#include "amdahl/ledger/export.hpp"
#include "worked_ledger.hpp"

namespace amdahl::test {
namespace {

namespace fs = std::filesystem;

std::string exported(const std::string& url) {
  std::string text;
  ledger::export_ledger(url, [&](std::string_view piece) { text += piece; });
  return text;
}

core::Result<ledger::Verification> proved(const std::string& text) {
  std::istringstream in{text};
  return ledger::verify_export(in, "copy");
}

std::string named(const ledger::Verification& proof) {
  return proof.first_bad ? proof.first_bad->table + "/" + proof.first_bad->key : "nothing";
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line + "\n");
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line;
  return text;
}

// With a last line that agrees: what somebody would do who wants to deceive.
std::string forged(std::vector<std::string> lines) {
  lines.pop_back();
  const auto sum = core::hex(core::sha256(joined(lines)));
  lines.push_back(fmt::format("end {{\"rows\": {}, \"sha256\": \"{}\"}}\n", lines.size() - 1, sum));
  return joined(lines);
}

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text)
      : path_{fs::temp_directory_path() / fmt::format("amdahl-export-{}.ledger", ::getpid())} {
    std::ofstream{path_, std::ios::binary} << text;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { fs::remove(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string import_problem(const TestDatabase& database, const std::string& text) {
  const TemporaryFile file{text};
  try {
    const auto done = ledger::import_ledger(database.owner_url(), file.path());
    return done ? "" : done.error().message + "; " + done.error().hint;
  } catch (const std::exception& error) {
    return error.what();
  }
}

TEST_CASE("an imported ledger is exported byte for byte and goes on", "[ledger][export]") {
  Worked work;
  work.ledger->put_command("cli-1", "pause", {{"reason", "tab\t, line\nfeed, \\ and \"ü\""}});
  const auto text = exported(work.db.owner_url());
  REQUIRE(named(*proved(text)) == "nothing");
  TestDatabase other;
  REQUIRE(import_problem(other, text).empty());
  CHECK(exported(other.owner_url()) == text);
  CHECK(named(ledger::verify_ledger(other.service_url())) == "nothing");
  CHECK(other.as_owner("SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'") == "0");
  // Its leader goes on: numbers do not begin again, and rows are sealed.
  const auto ledger = ledger::connect(other.service_url());
  ledger::NewJob job;
  job.spec = example_job("later");
  ledger->add_jobs(work.lease, std::span{&job, 1});
  CHECK(other.as_owner("SELECT max(job_id) FROM amdahl.job") == "2");
  CHECK(named(ledger::verify_ledger(other.service_url())) == "nothing");
  CHECK(import_problem(other, text).find("not empty") != std::string::npos);
}

TEST_CASE("every table of the ledger is exported", "[ledger][export]") {
  Worked work;
  work.db.script_as_owner(
      "INSERT INTO amdahl.delivery (source, delivery_id, body) VALUES ('s', '1', '{}'); "
      "INSERT INTO amdahl.command (key, verb, args) VALUES ('k', 'pause', '{}'); "
      "INSERT INTO amdahl.posted_result (run_key, body) VALUES ('k', '{}'); "
      "INSERT INTO amdahl.accounting_family (name, cluster, account, user_name, partition, gpus) "
      "VALUES ('train', 'fleet', 'a', 'u', 'p', 8); "
      "INSERT INTO amdahl.accounting_attempt (cluster, native_id, submit_s, family_id, name, "
      "standing, over_gpu_s, launch_gpu_s, rest_gpu_s, queue_gpu_s) "
      "VALUES ('fleet', '1', 1, 1, 'train', 1, 0, 0, 0, 0); "
      "INSERT INTO amdahl.api_token (name, token_sha, scope) VALUES ('t', sha256('t'), 'read')");
  const auto text = exported(work.db.owner_url());
  const auto tables = nlohmann::json::parse(
      work.db.as_owner("SELECT jsonb_agg(t) FROM amdahl._exported_tables() t"));
  REQUIRE(tables.size() == 25);
  CHECK(text.find("api_token") == std::string::npos);  // a copy opens no door
  for (const auto& table : tables) {
    CAPTURE(table);
    CHECK(text.find("\n" + table.get<std::string>() + " {") != std::string::npos);
  }
}

TEST_CASE("the service's export hides open salts and is no copy to import", "[ledger][export]") {
  Worked work;
  const auto text = exported(work.db.service_url());
  const auto salt =
      work.db.as_owner("SELECT salt FROM amdahl.experiment_salt WHERE experiment_id = 2");
  CHECK(text.find(salt) == std::string::npos);
  CHECK(exported(work.db.owner_url()).find(salt) != std::string::npos);
  CHECK(named(*proved(text)) == "nothing");
  TestDatabase other;
  const auto problem = import_problem(other, text);
  CHECK(problem.find("--owner") != std::string::npos);
  CHECK(other.as_owner("SELECT head_seq FROM amdahl.loop_head") == "0");
}

TEST_CASE("a damaged export is refused with the line and the way out", "[ledger][export]") {
  Worked work;
  const auto text = exported(work.db.owner_url());
  const auto lines = lines_of(text);
  REQUIRE(lines.size() > 60);
  const auto refused = [](const std::string& damaged, const std::string& where) {
    const auto proof = proved(damaged);
    if (!proof.has_error()) return named(*proof) != "nothing";  // what was sealed says so first
    return proof.error().message.starts_with("copy:" + where) && !proof.error().hint.empty();
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CAPTURE(i, lines[i]);
    auto cut = std::vector(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK(refused(joined(cut), std::to_string(i + 1)));
    CHECK(refused(joined(cut) + lines[i].substr(0, lines[i].size() / 2), std::to_string(i + 1)));
    auto gone = lines, twice = lines, changed = lines;
    gone.erase(gone.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK(refused(joined(gone), ""));
    twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
    CHECK(refused(joined(twice), ""));
    changed[i][changed[i].size() * 2 / 3] ^= 1;
    CHECK(refused(joined(changed), ""));
    if (i + 1 < lines.size()) {
      auto swapped = lines;
      std::swap(swapped[i], swapped[i + 1]);
      CHECK(refused(joined(swapped), ""));
    }
  }
  TestDatabase other;
  for (const auto& damaged : {text.substr(0, text.size() / 2), text + "end {}\n",
                              joined({lines.begin() + 1, lines.end()})}) {
    CHECK(import_problem(other, damaged).find(".ledger:") != std::string::npos);
  }
  CHECK(other.as_owner("SELECT head_seq FROM amdahl.loop_head") == "0");
}

TEST_CASE("an export of another version is refused", "[ledger][export]") {
  Worked work;
  const auto lines = lines_of(exported(work.db.owner_url()));
  const auto with = [&](const std::string& from, const std::string& to) {
    auto other = lines;
    other[0].replace(other[0].find(from), from.size(), to);
    return forged(other);
  };
  TestDatabase other;
  const auto newer = with("\"schema_version\": ", "\"schema_version\": 9");
  CHECK(proved(newer).error().hint == "install a newer amdahl");
  CHECK(import_problem(other, newer).find("schema version 9") != std::string::npos);
  CHECK(proved(with("ledger/v1", "ledger/v2")).error().message.find("v2") != std::string::npos);
  const auto older = with("\"schema_version\": 7", "\"schema_version\": 6");
  CHECK(import_problem(other, older).find("then run amdahl db migrate") != std::string::npos);
}

TEST_CASE("a changed, removed or inserted row of any chained table is named online and offline",
          "[ledger][export][tamper]") {
  Worked work;
  const auto tables = nlohmann::json::parse(work.db.as_owner(R"sql(
    SELECT jsonb_agg(jsonb_build_array(t.name, a.attname, format_type(a.atttypid, NULL) LIKE 'time%'))
    FROM amdahl._chained_tables() t JOIN pg_index i ON i.indrelid = ('amdahl.' || t.name)::regclass
      AND i.indisprimary JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0])sql"));
  REQUIRE(tables.size() == 16);
  // What would stand in the way of whoever tampers: rules of one row, and of one row among others.
  work.db.script_as_owner(R"sql(
    DO $$ DECLARE c record; BEGIN
      FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
          WHERE connamespace = 'amdahl'::regnamespace AND contype IN ('c', 'u') AND conparentid = 0 LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', c.t, c.conname);
      END LOOP;
      FOR c IN SELECT indexrelid::regclass AS i FROM pg_index JOIN pg_class ON oid = indrelid
          WHERE relnamespace = 'amdahl'::regnamespace AND indisunique AND NOT indisprimary LOOP
        EXECUTE format('DROP INDEX %s', c.i);
      END LOOP;
    END $$)sql");
  for (const auto& table : tables) {
    const auto name = table[0].get<std::string>(), column = table[1].get<std::string>();
    const std::string key = table[2].get<bool>() ? "\"2001-01-01T00:00:00+00:00\"" : "999";
    const auto row = [&](const std::string& set) {
      return fmt::format(
          "INSERT INTO amdahl.{0} OVERRIDING SYSTEM VALUE SELECT n.* FROM amdahl.{0} r, "
          "jsonb_populate_record(r, '{{\"{1}\": {2}}}') n LIMIT 1",
          name, column, set);
    };
    const auto removed =
        fmt::format("DELETE FROM amdahl.{0} WHERE ctid = (SELECT max(ctid) FROM amdahl.{0})", name);
    for (const auto& sql :
         {removed, row(key),
          row(key) + "; " + removed + " AND false; " +
              fmt::format("DELETE FROM amdahl.{0} WHERE ctid = (SELECT min(ctid) FROM amdahl.{0})",
                          name)}) {
      CAPTURE(name, sql);
      work.db.script_as_owner(fmt::format("CREATE TABLE kept AS SELECT * FROM amdahl.{}", name));
      const auto online = work.tampered(sql);
      CHECK(online != "nothing");
      if (sql == row(key)) CHECK(online.substr(0, online.find('/')) == name);
      CHECK(named(*proved(exported(work.db.owner_url()))) == online);
      work.db.script_as_owner(fmt::format(
          "SET LOCAL session_replication_role = replica; DELETE FROM amdahl.{0}; INSERT INTO "
          "amdahl.{0} OVERRIDING SYSTEM VALUE SELECT * FROM kept; DROP TABLE kept",
          name));
    }
  }
  CHECK(named(*proved(exported(work.db.owner_url()))) == "nothing");
}

TEST_CASE("an altered ledger is not imported", "[ledger][export][tamper]") {
  Worked work;
  auto lines = lines_of(exported(work.db.owner_url()));
  for (auto& line : lines) {
    if (const auto at = line.find("\"slug\": \"eval\"");
        line.starts_with("job ") && at != std::string::npos)
      line.replace(at, 14, "\"slug\": \"evil\"");
  }
  TestDatabase other;
  CHECK(import_problem(other, forged(lines)).find("altered") != std::string::npos);
  // What no seal binds must still be what the tables give back.
  lines = lines_of(exported(work.db.owner_url()));
  lines[1].insert(lines[1].find(": ") + 1, " ");
  CHECK(import_problem(other, forged(lines)).find("exported again") != std::string::npos);
  CHECK(other.as_owner("SELECT head_seq FROM amdahl.loop_head") == "0");
}

}  // namespace
}  // namespace amdahl::test
