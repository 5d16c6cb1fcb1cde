#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "amdahl/http/message.hpp"
#include "api/body.hpp"
#include "parameters.hpp"

namespace amdahl::http {
namespace {

using nlohmann::json;

json shown(const Problem& problem) { return json::parse(problem_response({}, problem).body); }

json allowed_at(const Problem& problem, const std::string& pointer) {
  for (const auto& error : problem.errors) {
    if (error.pointer == pointer) return error.allowed;
  }
  return "not named";
}

TEST_CASE("the page of problems has a row for each kind, and no other", "[http]") {
  std::ifstream in{std::string{AMDAHL_SOURCE_DIR} + "/docs/reference/problems.md"};
  std::ostringstream page;
  page << in.rdbuf();
  const auto text = page.str();
  for (const auto& row : problem_kinds()) {
    CAPTURE(row.kind);
    CHECK(text.find("\n| `" + std::string{row.kind} + "` | ") != std::string::npos);
  }
  std::size_t rows = 0;
  for (auto at = text.find("\n| `"); at != std::string::npos; at = text.find("\n| `", at + 1))
    ++rows;
  CHECK(rows == problem_kinds().size());
}

TEST_CASE("a problem without a hint of its own has that of its kind", "[http]") {
  CHECK(shown({413, "too-large", "", ""})["hint"] == "send less at once");
  CHECK(shown({413, "too-large", "", "cut it in two"})["hint"] == "cut it in two");
  CHECK_FALSE(shown({404, "not-found", "", ""}).contains("hint"));
}

TEST_CASE("a wrong parameter is told with what is allowed there", "[http]") {
  Route route{"GET", "/a", Access::read, "a", ""};
  route.query = {{"state", "", Parameter::Kind::text, {"open", "shut"}},
                 {"limit", "", Parameter::Kind::whole}};
  Request request;
  request.query = {{"state", "ajar"}, {"limit", "-1"}, {"colour", "red"}};
  const auto problem = parameters_problem(route, request);
  REQUIRE(problem.has_value());
  CHECK(allowed_at(*problem, "?state") == json{{"type", "string"}, {"enum", {"open", "shut"}}});
  CHECK(allowed_at(*problem, "?limit") ==
        json{{"type", "integer"}, {"minimum", 0}, {"maximum", std::int64_t{1} << 53}});
  CHECK(allowed_at(*problem, "?colour").is_null());
  const auto errors = shown(*problem)["errors"];
  CHECK(errors[0].at("allowed").at("enum") == json{"open", "shut"});
  CHECK_FALSE(errors[2].contains("allowed"));
}

TEST_CASE("a wrong member is told with what is allowed there", "[http]") {
  const json schema{{"type", "object"},
                    {"additionalProperties", false},
                    {"required", {"gone"}},
                    {"properties",
                     {{"word", {{"type", "string"}, {"enum", {"yes", "no"}}}},
                      {"text", {{"type", "string"}, {"minLength", 1}, {"maxLength", 3}}},
                      {"empty", {{"type", "string"}, {"minLength", 1}}},
                      {"count", {{"type", "integer"}, {"minimum", 0}, {"maximum", 9}}},
                      {"flag", {{"type", "boolean"}}}}}};
  Request request;
  request.headers = {{"content-type", "application/json"}};
  request.body = R"({"word":"maybe","text":"four","empty":"","count":10,"flag":1,"other":2})";
  const auto body = json_body(request, schema);
  const auto* problem = std::get_if<Problem>(&body);
  REQUIRE(problem != nullptr);
  CHECK(allowed_at(*problem, "/word") == json{{"enum", {"yes", "no"}}});
  CHECK(allowed_at(*problem, "/text") == json{{"minLength", 1}, {"maxLength", 3}});
  CHECK(allowed_at(*problem, "/empty") == json{{"minLength", 1}});
  CHECK(allowed_at(*problem, "/count") == json{{"minimum", 0}, {"maximum", 9}});
  CHECK(allowed_at(*problem, "/flag") == json{{"type", "boolean"}});
  CHECK(allowed_at(*problem, "/other").is_null());
  CHECK(allowed_at(*problem, "/gone").is_null());
}

}  // namespace
}  // namespace amdahl::http
