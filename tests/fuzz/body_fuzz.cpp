#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "amdahl/core/invariant.hpp"
#include "amdahl/core/limits.hpp"
#include "api/body.hpp"
#include "target.hpp"

namespace {

using namespace amdahl;
using core::invariant;
using nlohmann::json;

// Every word of JSON Schema that the table of routes uses.
const json& schema() {
  static const json made{
      {"type", "object"},
      {"additionalProperties", false},
      {"required", {"job"}},
      {"properties",
       {{"job", {{"type", "string"}, {"minLength", 1}, {"maxLength", 8}}},
        {"pace", {{"type", "string"}, {"enum", {"slow", "fast"}}}},
        {"gpus", {{"type", "integer"}, {"minimum", 1}, {"maximum", 64}}},
        {"share", {{"type", "number"}, {"minimum", 0}, {"maximum", 1}}},
        {"keep", {{"type", "boolean"}}},
        {"nodes", {{"type", "array"}, {"items", {{"type", "string"}, {"maxLength", 4}}}}},
        {"arg", {{"type", "object"}}}}}};
  return made;
}

// Reads the text once more, in another way: how deep it is, and whether a key stands twice.
class Look final : public json::json_sax_t {
 public:
  bool twice = false;
  std::size_t deepest = 0;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool key(string_t& name) override {
    twice = twice || !keys_.back().insert(name).second;
    return true;
  }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    return false;
  }

 private:
  bool enter() {
    keys_.emplace_back();
    deepest = std::max(deepest, keys_.size());
    return true;
  }
  bool leave() {
    keys_.pop_back();
    return true;
  }

  std::vector<std::set<std::string>> keys_;
};

http::Request request_of(std::string body) {
  http::Request request;
  request.headers = {{"content-type", "application/json"}};
  request.body = std::move(body);
  return request;
}

void check_refused(const http::Request& request, const http::Problem& problem) {
  invariant(problem.status == 400 || problem.status == 422, "what is refused is its sender's");
  invariant(!problem.detail.empty() && problem.errors.empty() == (problem.status == 400),
            "a refusal says what is wrong");
  const auto answer = json::parse(http::problem_response(request, problem).body);
  invariant(answer.at("status") == problem.status, "a refusal can be answered");
  if (problem.status == 400) return;
  const auto body = request.body.empty() ? json::object() : json::parse(request.body);
  for (const auto& error : problem.errors) {
    const json::json_pointer place{error.pointer};
    invariant(body.contains(place) != (error.problem == "it is missing"), "a pointer points");
  }
}

void check_taken(const http::Request& request, const json& body) {
  Look look;
  invariant(http::is_utf8(request.body) && json::sax_parse(request.body, &look),
            "what is taken is JSON");
  invariant(!look.twice && look.deepest <= core::limits::json_depth,
            "what is taken has each key once, and is not deep");
  const auto again = http::json_body(request_of(body.dump()), schema());
  const auto* same = std::get_if<json>(&again);
  invariant(same != nullptr && *same == body, "what is taken can be printed and read again");
  for (const auto& [name, value] : body.items()) {
    invariant(schema().at("properties").contains(name), "an unknown member is refused");
  }
  const auto job = body.at("job").get<std::string>();
  invariant(!job.empty() && job.size() <= 8 * 4, "a text is as long as it may be");
  const auto gpus = body.value("gpus", json(1)).get<std::int64_t>();
  const auto share = body.value("share", json(0)).get<double>();
  invariant(gpus >= 1 && gpus <= 64 && share >= 0 && share <= 1, "a number is in its bounds");
  invariant(body.value("pace", "fast") == "fast" || body.at("pace") == "slow", "a word is known");
  invariant(body.value("keep", json(true)).is_boolean(), "a boolean is one");
  for (const auto& node : body.value("nodes", json::array()))
    invariant(node.is_string(), "an element is of its type");
}

}  // namespace

// Whatever a client sends as the body of a write: refused with what is wrong and where, or what the
// schema says and nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto request = request_of({reinterpret_cast<const char*>(data), size});
  const auto read = http::json_body(request, schema());
  if (const auto* problem = std::get_if<http::Problem>(&read)) {
    check_refused(request, *problem);
  } else {
    check_taken(request, std::get<json>(read));
  }
  return 0;
}
