#include "slurm_rest_texts.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "slurm_fixture.hpp"

namespace amdahl::scheduler_adapters::slurm {
namespace {

using nlohmann::json;

Failure failure_of(int status, const std::string& body) {
  const auto answer = read_rest_submit({status, body});
  REQUIRE(std::holds_alternative<Failure>(answer));
  return std::get<Failure>(answer);
}

TEST_CASE("an error beside a job id is an accepted job", "[slurm]") {
  const auto held = fixture("rest_submit_held.json");
  CHECK(std::get<std::string>(read_rest_submit({200, held})) == "14");
  const auto later = fixture("rest_submit_too_many_nodes.json");
  CHECK(std::get<std::string>(read_rest_submit({500, later})) == "15");
}

TEST_CASE("a refused submit is not a lost one", "[slurm]") {
  const auto refused = failure_of(500, fixture("rest_submit_bad_partition.json"));
  CHECK(refused.kind == FailureClass::permanent);
  CHECK(refused.message == "Invalid partition name specified (2000)");
  const auto with = [](int code) {
    return R"({"errors":[{"error_code":)" + std::to_string(code) + R"(,"error":"x"}]})";
  };
  CHECK(failure_of(500, with(1800)).kind == FailureClass::retryable);
  CHECK(failure_of(500, with(2007)).kind == FailureClass::retryable);
  for (const int code : {1801, 1803, 5000, 5005, -1})
    CHECK(failure_of(500, with(code)).kind == FailureClass::unknown_outcome);
  CHECK(failure_of(401, "Authentication failure").kind == FailureClass::auth);
  CHECK(failure_of(429, "").kind == FailureClass::throttled);
  CHECK(failure_of(400, "Unable to parse query.").kind == FailureClass::permanent);
  CHECK(failure_of(502, "<html>").kind == FailureClass::unknown_outcome);
  CHECK(failure_of(200, "{}").kind == FailureClass::unknown_outcome);
}

TEST_CASE("the controller's clock is in its diag, as a number or an object", "[slurm]") {
  CHECK(rest_clock(R"({"statistics":{"req_time":1795819250}})") == 1'795'819'250);
  CHECK(rest_clock(R"({"statistics":{"req_time":{"set":true,"infinite":false,"number":7}}})") == 7);
  for (const auto* nothing : {"", "{}", R"({"statistics":{"req_time":0}})", R"({"statistics":7})",
                              R"({"errors":[{"error":"no"}]})"})
    CHECK_FALSE(rest_clock(nothing).has_value());
}

TEST_CASE("a body of the first version is its own", "[slurm]") {
  JobRequest request;
  request.name = "al-x-1";
  request.script = "#!/bin/sh\n";
  request.directory = "/shared/a \"b\"";
  request.gpus_per_node = 3;
  request.memory_mib_per_node = 64;
  request.minutes = 5;
  request.nodes = 2;
  request.pinned_nodes = {"n2", "n3"};
  const auto first = json::parse(submit_body(request, {{"A", "1=2"}}, 38));
  CHECK(first["script"] == "#!/bin/sh\n");
  const auto& job = first["job"];
  CHECK(job["hold"] == true);
  CHECK(job["no_requeue"] == true);
  CHECK_FALSE(job.contains("requeue"));  // false would turn it on
  CHECK(job["environment"] == json{{"A", "1=2"}});
  CHECK(job["gres"] == "gpu:3");
  CHECK(job["time_limit"] == 5);
  CHECK(job["nodes"] == 2);  // of [2, 2] the daemon takes one
  CHECK(job["nodelist"] == "n2,n3");
  CHECK(job["current_working_directory"] == "/shared/a \"b\"");
  const auto later = json::parse(submit_body(request, {{"A", "1=2"}}, 41));
  CHECK_FALSE(later.contains("script"));
  CHECK(later["job"]["script"] == "#!/bin/sh\n");
  CHECK(later["job"]["requeue"] == false);
  CHECK(later["job"]["environment"] == json::array({"A=1=2"}));
  CHECK(later["job"]["tres_per_node"] == "gres/gpu:3");
  CHECK(later["job"]["time_limit"]["number"] == 5);
  CHECK(later["job"]["dependency"] == "singleton");
  CHECK(later["job"]["minimum_nodes"] == 2);
  CHECK(later["job"]["maximum_nodes"] == 2);
  CHECK(later["job"]["required_nodes"] == json::array({"n2", "n3"}));
}

TEST_CASE("answers are refusals or they are fine", "[slurm]") {
  CHECK_FALSE(refusal_of({200, fixture("rest_ping.json")}));
  const auto unknown = refusal_of({500, fixture("rest_job_unknown.json")});
  REQUIRE(unknown);
  CHECK(unknown->code == core::ErrorCode::not_found);
  CHECK_FALSE(refusal_of({200, fixture("restdb_jobs_none.json")}, 9003));
  CHECK(refusal_of({200, fixture("restdb_jobs_none.json")}));
  CHECK(refusal_of({500, fixture("rest_bad_token.txt")})->hint.find("token") != std::string::npos);
  CHECK(refusal_of({401, "Authentication failure"})->code == core::ErrorCode::not_allowed);
  CHECK(refusal_of({200, "<html>"}));
  CHECK(refusal_of({503, "{}"}));
}

TEST_CASE("the nodes of a partition are read from a real answer", "[slurm]") {
  const auto text = fixture("rest_nodes.json");
  const auto nodes = read_rest_nodes(text, "gpu").value();
  REQUIRE(nodes.size() == 4);
  CHECK(nodes[0].name == "n1");
  CHECK(nodes[0].gpus == 8);
  CHECK(nodes[0].memory_mib == 64000);
  CHECK(read_rest_nodes(text, "other").value().empty());
  CHECK(read_rest_nodes("{\"nodes\":[3,{\"name\":7}]}", "").value().empty());
  CHECK_FALSE(read_rest_nodes("[]", "").has_value());
}

TEST_CASE("a token tells when it expires, and what is no token tells nothing", "[slurm]") {
  CHECK(token_of(" SLURM_JWT=a.b.c\n") == "a.b.c");
  CHECK(token_of("a.b.c") == "a.b.c");
  CHECK(token_of(" \n").empty());
  CHECK(token_expiry("e30.eyJleHAiOjF9.e30") == 1);
  CHECK_FALSE(token_expiry("e30.e30.e30"));
  CHECK_FALSE(token_expiry("a.b"));
  CHECK_FALSE(token_expiry("a.\x01.c"));
}

}  // namespace
}  // namespace amdahl::scheduler_adapters::slurm
