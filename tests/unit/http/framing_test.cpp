#include "framing.hpp"

#include <catch2/catch.hpp>

using namespace amdahl::http;

TEST_CASE("of the transfer codings chunked is taken, alone and once", "[http]") {
  constexpr unsigned http_1_1 = 11;
  CHECK(framing_problem({}, http_1_1).empty());
  CHECK(framing_problem({{"host", "x"}, {"content-length", "5"}}, http_1_1).empty());
  for (const auto* taken : {"chunked", "CHUNKED", "Chunked", " chunked ", "\tchunked\t"}) {
    CAPTURE(taken);
    CHECK(framing_problem({{"host", "x"}, {"transfer-encoding", taken}}, http_1_1).empty());
  }
  for (const auto* refused :
       {"", " ", "xchunked", "chunkedx", "gzip", "identity", "chunked, chunked", "chunked, gzip",
        "gzip, chunked", "identity, chunked", "\"chunked\"", "chunked;q=1", "chunked,", ", chunked",
        "chunked\v", "\fchunked", "chunk ed", "chunke"}) {
    CAPTURE(refused);
    CHECK_FALSE(framing_problem({{"transfer-encoding", refused}}, http_1_1).empty());
  }
}

TEST_CASE("a body whose end is told in two ways is refused", "[http]") {
  constexpr unsigned http_1_0 = 10, http_1_1 = 11;
  const Fields chunked{{"transfer-encoding", "chunked"}};
  auto twice = chunked, both = chunked, other = chunked;
  twice.emplace_back("transfer-encoding", "chunked");
  both.emplace_back("content-length", "5");
  other.emplace_back("transfer-encoding", "identity");
  for (const auto& headers : {twice, both, other})
    CHECK_FALSE(framing_problem(headers, http_1_1).empty());
  CHECK_FALSE(framing_problem(chunked, http_1_0).empty());
  CHECK(framing_problem({{"content-length", "5"}}, http_1_0).empty());
}

TEST_CASE("a body is plain where nothing or identity encodes it", "[http]") {
  CHECK(is_plain({}));
  CHECK(is_plain({{"host", "x"}, {"content-encoding", " Identity"}}));
  for (const auto* encoded : {"gzip", "", "identity, gzip", "gzip, identity", "identityx"}) {
    CAPTURE(encoded);
    CHECK_FALSE(is_plain({{"content-encoding", "identity"}, {"content-encoding", encoded}}));
  }
}
