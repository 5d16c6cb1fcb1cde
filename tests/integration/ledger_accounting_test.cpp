// What accounting knows, brought in again and again: once each, and the sums always those of the
// rows.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "amdahl/ledger/accounting.hpp"
#include "amdahl/ledger/errors.hpp"
#include "amdahl/ledger/export.hpp"
#include "amdahl/ledger/verify.hpp"
#include "ledger_driver.hpp"

using namespace amdahl;
using ledger::AccountingRow;
using test::LedgerDriver;

namespace {

constexpr std::int64_t succeeded = 0, failed = 1, counted = 0, not_ended = 1;
constexpr std::int64_t unknown_part = 0, failed_part = 1;

AccountingRow attempt(const std::string& id, std::int64_t submit_s = 1'000) {
  AccountingRow row;
  row.family = {"train#", "fleet", "vision", "ann", "gpu", 8};
  row.native_id = id;
  row.submit_s = submit_s;
  row.name = "train1";
  row.eligible_s = submit_s;
  row.start_s = submit_s + 100;
  row.end_s = submit_s + 1'100;
  row.gpus = 8;
  row.outcome = succeeded;
  row.standing = counted;
  row.part = unknown_part;
  row.rest_gpu_s = 8'000;
  row.queue_gpu_s = 800;
  return row;
}

AccountingRow running(const std::string& id) {
  auto row = attempt(id);
  row.end_s.reset();
  row.outcome.reset();
  row.standing = not_ended;
  row.part.reset();
  row.rest_gpu_s = row.queue_gpu_s = 0;
  return row;
}

AccountingRow broken(const std::string& id) {
  auto row = attempt(id);
  row.outcome = failed;
  row.part = failed_part;
  return row;
}

struct Stand {
  LedgerDriver driver;
  std::unique_ptr<ledger::Accounting> accounting = ledger::open_accounting(driver.db.service_url());

  std::pair<std::int64_t, std::int64_t> put(const std::vector<AccountingRow>& rows) {
    const auto stored = accounting->put(rows);
    return {stored.fresh, stored.changed};
  }
  nlohmann::json fleet() { return driver.ledger->read("rank", {{"limit", 200}})["fleet"]; }
  std::string fault() {
    const auto proof = ledger::verify_ledger(driver.db.service_url());
    return proof.first_bad ? proof.first_bad->table + "/" + proof.first_bad->key : "none";
  }
};

using Stored = std::pair<std::int64_t, std::int64_t>;

std::string exported(const std::string& url) {
  std::string text;
  ledger::export_ledger(url, [&](std::string_view piece) { text += piece; });
  return text;
}

std::string fault_of(const std::string& text) {
  std::istringstream in{text};
  const auto proof = ledger::verify_export(in, "copy");
  if (!proof) return proof.error().message;
  return proof->first_bad ? proof->first_bad->table + "/" + proof->first_bad->key : "none";
}

}  // namespace

TEST_CASE("an attempt that is imported again is one attempt", "[ledger][accounting]") {
  Stand stand;
  CHECK(stand.fleet().is_null());
  CHECK(stand.put({attempt("1"), broken("2"), attempt("1")}) == Stored{2, 0});
  CHECK(stand.put({attempt("1"), broken("2")}) == Stored{0, 0});
  const auto fleet = stand.fleet();
  CHECK(fleet["attempts"] == 2);
  REQUIRE(fleet["jobs"].size() == 1);
  CHECK(fleet["jobs"][0]["runs"] == 2);
  CHECK(fleet["jobs"][0]["gpu_hours"]["paid"].get<double>() == Approx(16'000 / 3600.0));
  CHECK(fleet["jobs"][0]["waste_gpu_hours"].get<double>() == Approx(8'000 / 3600.0));
  CHECK(stand.fault() == "none");
}

TEST_CASE("a requeued job has an attempt for each submission", "[ledger][accounting]") {
  Stand stand;
  auto other = attempt("1", 5'000);
  other.family.cluster = "elsewhere";
  CHECK(stand.put({broken("1"), attempt("1", 5'000), other}) == Stored{3, 0});
  CHECK(stand.put({attempt("1", 5'000)}) == Stored{0, 0});
  CHECK(stand.fleet()["attempts"] == 3);
  CHECK(stand.fleet()["families"] == 2);
}

TEST_CASE("a later import ends what ran, and an older one does not undo it",
          "[ledger][accounting]") {
  Stand stand;
  CHECK(stand.put({running("1")}) == Stored{1, 0});
  CHECK(stand.fleet()["left_out"]["not_ended"] == 1);
  CHECK(stand.fleet()["families"] == 0);
  CHECK(stand.put({broken("1")}) == Stored{0, 1});
  CHECK(stand.fleet()["left_out"]["not_ended"] == 0);
  CHECK(stand.fleet()["jobs"][0]["largest_phase"] == "failed");
  CHECK(stand.put({running("1")}) == Stored{0, 0});
  CHECK(stand.fleet()["jobs"][0]["runs"] == 1);
  CHECK(stand.fault() == "none");
}

TEST_CASE("an import without steps leaves what steps have told", "[ledger][accounting]") {
  Stand stand;
  auto known = attempt("1");
  known.first_step_s = 1'200;
  known.launch_gpu_s = 800;
  known.rest_gpu_s = 7'200;
  CHECK(stand.put({attempt("1")}) == Stored{1, 0});
  CHECK(stand.put({known}) == Stored{0, 1});
  CHECK(stand.put({attempt("1")}) == Stored{0, 0});
  CHECK(stand.fleet()["jobs"][0]["largest_phase"] == "launch");
  CHECK(stand.fault() == "none");
}

TEST_CASE("accounting that corrects itself moves sums, family and window", "[ledger][accounting]") {
  Stand stand;
  auto corrected = broken("1");
  corrected.family.gpus = 4;
  corrected.gpus = 4;
  corrected.start_s = 1'500;
  corrected.end_s = 1'600;
  corrected.rest_gpu_s = 400;
  CHECK(stand.put({attempt("1"), attempt("2", 1'200)}) == Stored{2, 0});
  CHECK(stand.fleet()["days"].get<double>() == Approx(1'200 / 86'400.0));
  CHECK(stand.put({corrected}) == Stored{0, 1});
  CHECK(stand.fleet()["days"].get<double>() == Approx(1'000 / 86'400.0));
  CHECK(stand.fleet()["families"] == 2);
  CHECK(stand.fault() == "none");
}

TEST_CASE("whatever is imported in whatever order, the sums are those of the attempts",
          "[ledger][accounting]") {
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  std::mt19937 random{seed};
  const auto below = [&](int most) {
    return static_cast<std::int64_t>(random() % static_cast<unsigned>(most));
  };
  Stand stand;
  for (int batch = 0; batch < 12; ++batch) {
    std::vector<AccountingRow> rows;
    for (int i = 0; i < 40; ++i) {
      const auto id = std::to_string(below(30));
      auto row = below(3) == 0 ? running(id) : below(2) == 0 ? broken(id) : attempt(id);
      row.family.user = "user" + std::to_string(below(3));
      if (row.standing == counted) {
        row.end_s = *row.start_s + below(1'000);
        row.rest_gpu_s = 8 * (*row.end_s - *row.start_s);
      }
      rows.push_back(std::move(row));
    }
    stand.put(rows);
    CHECK(stand.put({}) == Stored{0, 0});
  }
  CHECK(stand.fleet()["attempts"].get<int>() <= 30);
  CHECK(stand.fault() == "none");
  CHECK(fault_of(exported(stand.driver.db.service_url())) == "none");
}

TEST_CASE("a batch that the ledger may not take leaves nothing behind", "[ledger][accounting]") {
  Stand stand;
  auto wrong = attempt("2");
  wrong.submit_s = 0;
  CHECK_THROWS_AS(stand.put({attempt("1"), wrong}), ledger::Refused);
  CHECK(stand.fleet().is_null());
  CHECK(stand.put({attempt("1")}) == Stored{1, 0});
}

TEST_CASE("names of any characters come back as they were", "[ledger][accounting]") {
  Stand stand;
  auto row = attempt("1");
  row.name = row.family.name = R"(a"b\c{d},'e' NULL 雪)";
  CHECK(stand.put({row}) == Stored{1, 0});
  CHECK(stand.fleet()["jobs"][0]["job"] == row.family.name);
  CHECK(stand.put({row}) == Stored{0, 0});
}

TEST_CASE("verify finds a sum, an attempt or a count that somebody altered",
          "[ledger][accounting]") {
  Stand stand;
  stand.put({attempt("1"), running("2")});
  const auto& [sql, found] = GENERATE(table<std::string, std::string>(
      {{"UPDATE amdahl.accounting_family SET failed_gpu_s = 1", "accounting_family/1"},
       {"UPDATE amdahl.accounting_attempt SET rest_gpu_s = 1 WHERE native_id = '1'",
        "accounting_family/1"},
       {"UPDATE amdahl.accounting_total SET attempts = 3", "accounting_total/1"},
       {"UPDATE amdahl.accounting_total SET last_s = 3", "accounting_total/1"}}));
  CAPTURE(sql);
  CHECK(stand.fault() == "none");
  stand.driver.db.as_owner(sql);
  CHECK(stand.fault() == found);
  CHECK(fault_of(exported(stand.driver.db.service_url())) == found);
}

TEST_CASE("the owner can neither delete an attempt nor begin it again", "[ledger][accounting]") {
  Stand stand;
  stand.put({attempt("1")});
  const auto sqlstate = [&](const std::string& sql) -> std::string {
    try {
      stand.driver.db.as_owner(sql);
      return "";
    } catch (const ledger::Refused& refused) {
      return refused.sqlstate;
    }
  };
  CHECK(sqlstate("DELETE FROM amdahl.accounting_attempt") == "AM010");
  CHECK(sqlstate("TRUNCATE amdahl.accounting_attempt") == "AM010");
  CHECK(sqlstate("UPDATE amdahl.accounting_attempt SET native_id = '9'") == "AM010");
  CHECK(sqlstate("UPDATE amdahl.accounting_attempt SET outcome = NULL") == "AM002");
}

TEST_CASE("imported accounting leaves with an export and comes back byte for byte",
          "[ledger][accounting]") {
  Stand stand;
  stand.put({attempt("1"), broken("2"), running("3"), attempt("1", 5'000)});
  const auto text = exported(stand.driver.db.owner_url());
  const auto path = std::filesystem::temp_directory_path() /
                    ("amdahl-accounting-" + std::to_string(::getpid()) + ".ledger");
  std::ofstream{path, std::ios::binary} << text;
  const test::TestDatabase other;
  const auto imported = ledger::import_ledger(other.owner_url(), path);
  std::filesystem::remove(path);
  REQUIRE(imported.has_value());
  CHECK(exported(other.owner_url()) == text);
  const auto accounting = ledger::open_accounting(other.service_url());
  auto fresh = attempt("9");
  fresh.family.user = "bob";
  const std::vector<AccountingRow> more{broken("2"), fresh};
  CHECK(accounting->put(more).fresh == 1);
  CHECK_FALSE(ledger::verify_ledger(other.service_url()).first_bad.has_value());
}
