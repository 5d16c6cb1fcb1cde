#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "api/body.hpp"
#include "gate.hpp"
#include "parameters.hpp"
#include "router.hpp"
#include "target.hpp"

using namespace amdahl;
using namespace amdahl::http;

namespace {

Route route(const std::string& method, const std::string& pattern) {
  return {method,  pattern, Access::read,
          pattern, "",      answering([](const Call&) { return Response{}; })};
}

std::string pattern_of(const Router& router, const std::string& method, const std::string& path) {
  const auto target = parse_target(path);
  if (!target) return "bad";
  const auto match = router.match(method, target->segments);
  return match.route == nullptr ? "none" : match.route->pattern;
}

}  // namespace

TEST_CASE("a path is found by its segments, and a verb wins over a plain name", "[http]") {
  const Router router{{route("GET", "/a/{id}"), route("POST", "/a/{id}:stop"),
                       route("GET", "/a/{id}/b"), route("GET", "/a/all"), route("GET", "/")}};
  CHECK(pattern_of(router, "GET", "/a/EXP-1") == "/a/{id}");
  CHECK(pattern_of(router, "HEAD", "/a/EXP-1") == "/a/{id}");
  CHECK(pattern_of(router, "POST", "/a/EXP-1:stop") == "/a/{id}:stop");
  CHECK(pattern_of(router, "GET", "/a/x/b") == "/a/{id}/b");
  CHECK(pattern_of(router, "GET", "/") == "/");
  CHECK(pattern_of(router, "GET", "/a") == "none");
  CHECK(pattern_of(router, "GET", "/a/x/b/c") == "none");
  const auto match = router.match("POST", {"a", "9:stop"});
  CHECK(match.params.at("id") == "9");
  // Nothing before the verb is no name.
  CHECK(router.match("POST", {"a", ":stop"}).route == nullptr);
  const auto wrong = router.match("DELETE", {"a", "9:stop"});
  CHECK(wrong.route == nullptr);
  CHECK(wrong.allowed == std::vector<std::string>{"POST"});
  CHECK(router.match("GET", {"none"}).allowed.empty());
}

TEST_CASE("a target that could be read in two ways is refused", "[http]") {
  for (const auto* bad :
       {"",     "a",     "*",         "http://x/a", "//",       "/a//b",      "/a/",
        "/./a", "/a/..", "/a/%2e%2E", "/a%2fb",     "/%00",     "/%",         "/%4",
        "/%zz", "/a#b",  "/\xff",     "/%c0%af",    "/a?b=%ff", "/a?b=1&b=2", "/\x7f"}) {
    CAPTURE(bad);
    CHECK(parse_target(bad).has_error());
  }
  CHECK(parse_target("/" + std::string(5000, 'a')).has_error());
  std::string many = "/a?";
  for (int i = 0; i < 40; ++i) many += "p" + std::to_string(i) + "=1&";
  CHECK(parse_target(many).has_error());
}

TEST_CASE("segments and query are decoded once", "[http]") {
  const auto target = parse_target("/a%20b/%e2%82%ac/%252e?x=1+2&y=%26&&z");
  REQUIRE(target.has_value());
  CHECK(target->segments == std::vector<std::string>{"a b", "\xe2\x82\xac", "%2e"});
  CHECK(target->query == Fields{{"x", "1 2"}, {"y", "&"}, {"z", ""}});
}

TEST_CASE("UTF-8 is told from what only looks like it", "[http]") {
  for (const std::string good : {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"})
    CHECK(is_utf8(good));
  for (const std::string bad : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                                "\xf4\x90\x80\x80", "\xf0\x9f\x98", "\xff", "a\xe2\x82"})
    CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("a query is checked by the table of its route", "[http]") {
  Route asked = route("GET", "/a");
  asked.query = {{"limit", "", Parameter::Kind::whole},
                 {"since", "", Parameter::Kind::time},
                 {"state", "", Parameter::Kind::text, {"open", "done"}}};
  Request request;
  request.query = {{"limit", "5"}, {"since", "2024-02-29T23:59:59.5Z"}, {"state", "open"}};
  CHECK_FALSE(parameters_problem(asked, request).has_value());
  request.query = {{"limit", "-5"}, {"since", "2023-02-29T00:00:00Z"}, {"state", "x"}, {"y", ""}};
  const auto problem = parameters_problem(asked, request);
  REQUIRE(problem.has_value());
  CHECK(problem->status == 400);
  CHECK(problem->errors.size() == 4);
  CHECK_FALSE(whole_number("9007199254740993").has_value());
  CHECK_FALSE(whole_number("").has_value());
  CHECK_FALSE(whole_number("1x").has_value());
  CHECK(whole_number("9007199254740992") == 9007199254740992);
}

TEST_CASE("a body is checked by its schema, every member of it", "[http]") {
  const nlohmann::json schema{{"type", "object"},
                              {"additionalProperties", false},
                              {"required", {"name"}},
                              {"properties",
                               {{"name", {{"type", "string"}, {"minLength", 1}, {"maxLength", 3}}},
                                {"count", {{"type", "integer"}, {"minimum", 0}, {"maximum", 9}}},
                                {"word", {{"type", "string"}, {"enum", {"a", "b"}}}}}}};
  Request request;
  request.headers = {{"content-type", "application/json; charset=utf-8"}};
  const auto pointers = [&](const std::string& body) {
    request.body = body;
    const auto read = json_body(request, schema);
    std::vector<std::string> all;
    if (const auto* problem = std::get_if<Problem>(&read)) {
      for (const auto& error : problem->errors) all.push_back(error.pointer);
      if (all.empty()) all.push_back(std::to_string(problem->status));
    }
    return all;
  };
  CHECK(pointers(R"({"name":"äöü","count":9,"word":"b"})").empty());
  CHECK(pointers("") == std::vector<std::string>{"/name"});
  CHECK(pointers(R"({"name":"four"})") == std::vector<std::string>{"/name"});
  CHECK(pointers(R"({"count":10,"name":"","word":"c","x":1})") ==
        std::vector<std::string>{"/count", "/name", "/word", "/x"});
  CHECK(pointers(R"({"name":"a","a/b~c":1})") == std::vector<std::string>{"/a~1b~0c"});
  CHECK(pointers("[]") == std::vector<std::string>{""});
  CHECK(pointers(R"({"name":"a","name":"b"})") == std::vector<std::string>{"400"});
  request.headers = {{"content-type", "text/json"}};
  CHECK(pointers("{}") == std::vector<std::string>{"415"});
}

TEST_CASE("whoever asks too often waits, others do not", "[http]") {
  Gate gate{10};
  const auto asked = route("GET", "/a");
  Request one, other;
  one.peer = {Peer::Via::network, "10.0.0.1", {}};
  other.peer = {Peer::Via::network, "10.0.0.2", {}};
  const Gate::Now now{};
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += gate.too_fast(asked, one, now) ? 0 : 1;
  CHECK(taken == 20);
  CHECK_FALSE(gate.too_fast(asked, other, now));
  CHECK_FALSE(gate.too_fast(asked, one, now + std::chrono::seconds{1}));
  Route hook = asked;
  hook.access = Access::hook;
  CHECK_FALSE(gate.too_fast(hook, one, now));
}
