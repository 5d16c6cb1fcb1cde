#include "conninfo.hpp"

#include <catch2/catch.hpp>

#include "amdahl/ledger/errors.hpp"

namespace amdahl::ledger::pq {
namespace {

constexpr Settings settings{5000, 2000};

TEST_CASE("session settings are added to a URL and to keywords alike", "[ledger][conninfo]") {
  const std::string url = GENERATE("postgresql://amdahl@db.example:5433/ledger",
                                   "host=db.example port=5433 user=amdahl dbname=ledger");
  const auto complete = complete_conninfo(url, settings);
  CHECK_THAT(complete, Catch::Contains("host='db.example'"));
  CHECK_THAT(complete, Catch::Contains("port='5433'"));
  CHECK_THAT(complete, Catch::Contains("-c statement_timeout=5000"));
  CHECK_THAT(complete, Catch::Contains("-c lock_timeout=2000"));
  CHECK_THAT(complete, Catch::Contains("target_session_attrs='read-write'"));
}

TEST_CASE("what the URL says itself is kept", "[ledger][conninfo]") {
  const auto complete = complete_conninfo(
      "postgresql:///ledger?host=/run/amdahl&application_name=mine&connect_timeout=1&"
      "options=-c%20work_mem%3D8MB",
      settings);
  CHECK_THAT(complete, Catch::Contains("host='/run/amdahl'"));
  CHECK_THAT(complete, Catch::Contains("application_name='mine'"));
  CHECK_THAT(complete, Catch::Contains("connect_timeout='1'"));
  CHECK_THAT(complete, Catch::Contains("-c work_mem=8MB -c statement_timeout"));
}

TEST_CASE("quotes and backslashes of a password survive", "[ledger][conninfo]") {
  CHECK(quote_conninfo("it's \\ here") == "'it\\'s \\\\ here'");
  const auto complete = complete_conninfo("postgresql://a:p%27%5C@h/d", settings);
  CHECK_THAT(complete, Catch::Contains("password='p\\'\\\\'"));
}

TEST_CASE("a broken URL is refused without repeating it", "[ledger][conninfo]") {
  const std::string url = GENERATE("hunter2", "postgresql://[hunter2", "host=a hunter2",
                                   "postgresql://a:b@hunter2@h/d");
  try {
    (void)complete_conninfo(url, settings);
    FAIL("accepted " << url);
  } catch (const Unavailable& refusal) {
    CHECK_THAT(refusal.what(), !Catch::Contains("hunter2"));
  }
}

}  // namespace
}  // namespace amdahl::ledger::pq
