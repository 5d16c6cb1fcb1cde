#include "entity_tags.hpp"

#include <catch2/catch.hpp>

using namespace amdahl::http;

TEST_CASE("If-Match holds where the tag is in its list, or for all", "[http]") {
  const auto* const current = R"("a,b")";
  for (const auto* holds : {"*", R"("a,b")", R"("zz", "a,b")", R"("a,b","zz")", R"(W/"x" , "a,b")",
                            R"(, ,"a,b",)", "\"zz\"\t,\t\"a,b\"", R"(W/"a,b", "a,b")"}) {
    CAPTURE(holds);
    CHECK(if_match_holds(holds, current));
  }
  for (const auto* fails : {"", ",", R"("a")", R"("b")", R"("a","b")", R"(W/"a,b")",
                            R"("zz", W/"a,b")", "a,b", R"("A,B")", R"("a,b)", R"(a,b")"}) {
    CAPTURE(fails);
    CHECK_FALSE(if_match_holds(fails, current));
  }
}

TEST_CASE("an If-Match that is no list of tags holds for nothing", "[http]") {
  for (const auto* broken :
       {R"(*, "x")", R"("x", *)", R"("x" "y")", R"("x""y")", R"("x", y)", R"("x", "y)",
        R"(w/"y", "x")", R"(W/, "x")", R"("x"; a)", "\"x\", \"a b\"", "\"x\"\n", R"("x\"", "x")"}) {
    CAPTURE(broken);
    CHECK_FALSE(if_match_holds(broken, R"("x")"));
  }
}
