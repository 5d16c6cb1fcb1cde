#include "pairs_file.hpp"

#include <catch2/catch.hpp>

using namespace amdahl::cli;
using Catch::Matchers::Contains;

TEST_CASE("pairs come from CSV with and without a header, and from JSON", "[cli][pairs]") {
  const auto text = GENERATE(values<std::string>({
      "1.0,0.9\n2,1.5",
      "baseline,variant\r\n1.0,0.9\r\n2,1.5\r\n",
      "# by hand\n\n variant , host, baseline\n0.9,a,1.0\n1.5,b,+2\n",
      "\xef\xbb\xbf"
      "1,0.9\n2,1.5\n",
      R"( {"pairs":[{"baseline":1,"variant":0.9},{"variant":1.5,"baseline":2.0,"note":"x"}]})",
  }));
  CAPTURE(text);
  const auto pairs = parse_pairs(text, "p");
  REQUIRE(pairs.has_value());
  REQUIRE(pairs->size() == 2);
  CHECK((*pairs)[0].baseline == 1.0);
  CHECK((*pairs)[0].variant == 0.9);
  CHECK((*pairs)[1].baseline == 2.0);
  CHECK((*pairs)[1].variant == 1.5);
}

TEST_CASE("wrong pairs are refused with line, column and fix", "[cli][pairs]") {
  struct Wrong {
    const char* text;
    const char* said;
  };
  const auto wrong = GENERATE(values<Wrong>({
      {"1,0.9\n1,nan\n", "p:2:3  NaN is no cost"},
      {"1,0.9\n1, 0\n", "p:2:4  a cost of zero cannot be judged"},
      {"-1,0.9\n", "p:1:1  a cost cannot be negative"},
      {"1,inf\n", "p:1:3  an infinite cost"},
      {"1,1e999\n", "p:1:3  \"1e999\" is no number"},
      {"baseline,variant\n1.0\n", "p:2:4  the variant cost is missing"},
      {"baseline,variant\n1.0,\n", "p:2:5  the variant cost is missing"},
      {"base,var\n1,2\n", "p:1:1  \"base\" is no number, and the line no header"},
      {"1,2,3\n", "p:1:5  a third column"},
      {"1;2\n", "p:1:1  \"1;2\" is no number, and the line no header"},
      {"", "p:1:1  there is no pair"},
      {"baseline,variant\n", "p:1:1  there is no pair"},
      {"{\"pairs\":[{\"baseline\":1}]}", "p  /pairs/0/variant is missing"},
      {"{\"pairs\":[{\"baseline\":1,\"variant\":\"x\"}]}", "p  /pairs/0/variant is no number"},
      {"{\"pairs\":[{\"baseline\":1,\"variant\":0}]}", "p  /pairs/0/variant: a cost of zero"},
      {"{\"pairs\":[1]}", "p  /pairs/0 is no object"},
      {"{\"pairs\":{}}", "p  /pairs is no list"},
      {"{\"pair\":[]}", "p  /pairs is missing"},
      {"{\"pairs\":[", "p: "},
      {"[]", "p  /pairs is missing"},
  }));
  CAPTURE(wrong.text);
  const auto pairs = parse_pairs(wrong.text, "p");
  REQUIRE(pairs.has_error());
  CHECK_THAT(pairs.error().message, Contains(wrong.said));
  CHECK(pairs.error().code == amdahl::core::ErrorCode::invalid_input);
}

TEST_CASE("a file of pairs that is too large is refused", "[cli][pairs]") {
  CHECK_THAT(parse_pairs(std::string(pairs_file_bytes_max + 1, '#'), "p").error().message,
             Contains("larger than"));
  std::string many;
  for (std::size_t i = 0; i <= pairs_max; ++i) many += "1,1\n";
  CHECK_THAT(parse_pairs(many, "p").error().message, Contains("more than 100000 pairs"));
}
