#include "table.hpp"

#include <catch2/catch.hpp>

using namespace amdahl::cli;

namespace {

Table example() {
  Table table{{{"name", "NAME"}, {"hours", "HOURS", true}, {"note", "NOTE", false, true}}};
  table.add({"fused → input", "12,404", "a \"quoted\", long note"});
  table.add({"x", "7", ""});
  return table;
}

}  // namespace

TEST_CASE("a table aligns by characters and shows wide columns when asked", "[cli][table]") {
  GlobalOptions options;
  CHECK(*example().render(options) ==
        "NAME            HOURS\n"
        "fused → input  12,404\n"
        "x                   7\n");
  options.format = Format::wide;
  CHECK(*example().render(options) ==
        "NAME            HOURS  NOTE\n"
        "fused → input  12,404  a \"quoted\", long note\n"
        "x                   7\n");
}

TEST_CASE("csv quotes what needs it and has all columns", "[cli][table]") {
  GlobalOptions options;
  options.format = Format::csv;
  CHECK(*example().render(options) ==
        "name,hours,note\nfused → input,\"12,404\",\"a \"\"quoted\"\", long note\"\nx,7,\n");
}

TEST_CASE("columns are chosen by name, in the order asked for", "[cli][table]") {
  GlobalOptions options;
  options.columns = {"hours", "name"};
  CHECK(*example().render(options) == " HOURS  NAME\n12,404  fused → input\n     7  x\n");
  options.columns = {"hors"};
  const auto text = example().render(options);
  REQUIRE(text.has_error());
  CHECK(text.error().hint == "did you mean hours?");
}
