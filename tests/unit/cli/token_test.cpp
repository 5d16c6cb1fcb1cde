#include <catch2/catch.hpp>

#include "fake_services.hpp"

using namespace amdahl::cli;
using Catch::Matchers::Contains;
using nlohmann::json;

TEST_CASE("a token that cannot be made reaches no ledger", "[cli][token]") {
  struct Row {
    std::vector<std::string> words;
    std::string said;
  };
  const auto row = GENERATE(values<Row>({
      {{"token", "create", "ci", "--scope", "root"}, "--scope root is not known"},
      {{"token", "create", "ci"}, "needs --scope"},
      {{"token", "create", "--scope", "read"}, "needs NAME"},
      {{"token", "create", "a b", "--scope", "read"}, "\"a b\" cannot name a token"},
      {{"token", "create", std::string(101, 'a'), "--scope", "read"}, "cannot name a token"},
      {{"token", "create", "ci", "--scope", "read", "--expires", "soon"}, "--expires soon"},
      {{"token", "create", "ci", "--scope", "read", "--expires", "0s"}, "--expires 0s"},
      {{"token", "create", "ci", "--scope", "read", "--expires", "9999d"}, "--expires 9999d"},
      {{"token", "revoke"}, "needs NAME"},
      {{"token"}, "needs a command"},
  }));
  Bench bench;
  const auto spoken = bench.run(row.words);
  CHECK(spoken.code == ExitCode::usage);
  CHECK_THAT(spoken.err, Contains(row.said));
}

TEST_CASE("tokens are listed with what they may and until when", "[cli][token]") {
  Bench bench;
  bench.ledger.views["tokens"] = {{"schema", "amdahl.tokens/v1"},
                                  {"tokens",
                                   {{{"token", 1},
                                     {"name", "ci"},
                                     {"scope", "propose"},
                                     {"state", "live"},
                                     {"made_by", "amdahl"},
                                     {"made_at", "2026-11-20T10:00:00.000000Z"},
                                     {"expires_at", nullptr},
                                     {"revoked_at", nullptr}}}}};
  const auto spoken = bench.run({"token", "list", "-o", "csv"});
  CHECK(spoken.code == ExitCode::ok);
  CHECK_THAT(spoken.out, Contains("ci,propose,live,2026-11-20T10:00:00"));
  bench.ledger.views["tokens"]["tokens"] = json::array();
  CHECK_THAT(bench.run({"token", "list"}).err + bench.run({"token", "list"}).out,
             Contains("amdahl token create"));
}
