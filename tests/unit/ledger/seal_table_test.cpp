#include "seal_table.hpp"

#include <catch2/catch.hpp>

namespace amdahl::ledger {
namespace {

// Every kind of key that rows_changed has, and what only looks like one.
const std::vector<std::string> names{"pair/1",
                                     "pair/01",
                                     "pair/0",
                                     "pair/1.0",
                                     "pair/1.",
                                     "pair/.1",
                                     "pair/",
                                     "pair/-1",
                                     "pair/+1",
                                     "measurement/1.1",
                                     "measurement/1.65535",
                                     "measurement/1.65536",
                                     "worker_run/1",
                                     "spend/1786700000",
                                     "pair/4398046511103",
                                     "pair/4398046511104",
                                     "pair/18446744073709551617",
                                     "experiment_key/3.1.0.c0ffee",
                                     "no_table/1",
                                     "pair",
                                     ""};

SealTable::Sealed sealed(std::int64_t seq) { return {{}, seq}; }

TEST_CASE("each name of a sealed row is its own, and comes back as it was", "[ledger][seal]") {
  SealTable table;
  for (std::size_t i = 0; i < names.size(); ++i)
    table.at(names[i]) = sealed(static_cast<std::int64_t>(i));
  for (std::size_t i = 0; i < names.size(); ++i) {
    CAPTURE(names[i]);
    REQUIRE(table.find(names[i]) != nullptr);
    CHECK(table.find(names[i])->seq == static_cast<std::int64_t>(i));
  }
  for (const auto& alone : names) {
    for (const auto& name : names) table.find(name)->seen = name != alone;
    REQUIRE(table.first_unseen());
    CHECK(table.first_unseen()->name == alone);
  }
}

TEST_CASE("of the rows that are missing, the first by name is told", "[ledger][seal]") {
  SealTable table;
  CHECK(table.find("pair/1") == nullptr);
  CHECK_FALSE(table.first_unseen());
  table.at("pair/9") = sealed(1);
  table.at("pair/10") = sealed(2);
  table.at("experiment_key/3.1.0.c0ffee") = sealed(3);
  CHECK(table.first_unseen()->name == "experiment_key/3.1.0.c0ffee");
  table.find("experiment_key/3.1.0.c0ffee")->seen = true;
  CHECK(table.first_unseen()->name == "pair/10");
  CHECK(table.first_unseen()->seq == 2);
}

TEST_CASE("a row that is sealed again replaces its seal, however many there are",
          "[ledger][seal]") {
  constexpr std::int64_t rows = 20'000;
  SealTable table;
  for (std::int64_t seq = 0; seq < 2 * rows; ++seq)
    table.at("pair/" + std::to_string(seq % rows)) = sealed(seq);
  for (std::int64_t id = 0; id < rows; ++id) {
    auto* found = table.find("pair/" + std::to_string(id));
    REQUIRE(found != nullptr);
    REQUIRE(found->seq == rows + id);
    found->seen = true;
  }
  CHECK(table.find("pair/" + std::to_string(rows)) == nullptr);
  CHECK_FALSE(table.first_unseen());
}

}  // namespace
}  // namespace amdahl::ledger
