#include <catch2/catch.hpp>
#include <string>

#include "amdahl/core/run.hpp"
#include "envelope.hpp"
#include "hook_vector.hpp"

namespace amdahl::http::hooks {
namespace {

using nlohmann::json;

const std::string our_key = core::make_run_key({1, 2, 3}, 1).text;

Content read(const core::Result<Content>& content) {
  if (content.has_error()) FAIL(content.error().message);
  return *content;
}

json jobcomp_record() {
  return json::parse(R"({"jobid":42,"container":"/images/x","username":"mira","user_id":1000,
    "groupname":"nlp","group_id":100,"@start":"2026-11-21T06:03:42","@end":"2026-11-21T09:14:05",
    "elapsed":11423,"partition":"h100","alloc_node":"login1","nodes":"gpu[07-10]","total_cpus":384,
    "total_nodes":4,"derived_ec":"0:0","exit_code":"0:0","state":"COMPLETED","cpu_hours":1218.4,
    "job_name":"train","work_dir":"/data/mira/secret","std_in":"/dev/null","std_out":"/data/mira/o",
    "std_err":"/data/mira/e","cluster":"linux","qos":"normal","ntasks":4,"account":"nlp",
    "script":"#!/bin/sh\nexport API_KEY=hunter2\n","parent_accounts":"/all/nlp",
    "@submit":"2026-11-21T06:01:10","@eligible":"2026-11-21T06:01:10","@queue_wait":152,
    "tres_alloc":"cpu=384,gres/gpu=32"})");
}

}  // namespace

TEST_CASE("the envelope says kind, cluster and the scheduler's id", "[http][hooks]") {
  const auto content = read(read_envelope(test::vector_body));
  CHECK(content.kind == "slurm.job.ended");
  CHECK(content.cluster == "alpha");
  CHECK(content.native_id == "918273");
  CHECK(content.run_key.empty());
  CHECK(content.id.empty());
  CHECK(content.kept["data"]["tres_alloc"] == "cpu=384,mem=4000G,node=4,billing=384,gres/gpu=32");
  CHECK(content.kept["timestamp"] == "2026-11-21T09:14:07Z");
}

TEST_CASE("a run of ours is known by its key or by its job's name", "[http][hooks]") {
  const auto key_of = [](const json& data) {
    return read(read_envelope(json{{"type", "slurm.job.ended"}, {"data", data}}.dump())).run_key;
  };
  CHECK(key_of({{"amdahl_run", our_key}}) == our_key);
  CHECK(key_of({{"job_name", our_key}}) == our_key);
  CHECK(key_of({{"job_name", "al-nonsense"}}).empty());
  CHECK(key_of({{"amdahl_run", 7}}).empty());
}

TEST_CASE("unknown content is kept without kind, scripts, paths and environments",
          "[http][hooks]") {
  const auto content = read(read_envelope(
      R"({"type":"weather.changed","data":{"sky":"blue","Script":"x","nested":[{"env":{"A":"b"},
          "work_dir":"/home","ok":1}],"std-out":"/o","cluster":"alpha"}})"));
  CHECK(content.kind.empty());
  CHECK(content.cluster == "alpha");
  CHECK(content.kept == json::parse(R"({"type":"weather.changed","data":{"sky":"blue",
      "nested":[{"ok":1}],"cluster":"alpha"}})"));
  for (const auto* name :
       {"api_key", "apiKey", "passwd", "DB_PASSWORD", "script_body", "batchScript", "cmd", "envs",
        "job-environment", "github.token", "aws_secret_access_key", "currentWorkingDirectory",
        "commandLine", "Set-Cookie", "submit_line", "client_credentials"}) {
    CAPTURE(name);
    const json body{{"type", "weather.changed"}, {"data", {{name, "x"}, {"keys", 1}}}};
    CHECK(read(read_envelope(body.dump())).kept["data"] == json{{"keys", 1}});
  }
  CHECK(read(read_envelope("{}")).kept == json::object());
  CHECK(read(read_envelope(R"({"type":"slurm.job.ended"})")).kind.empty());
  CHECK(read(read_envelope(R"({"type":"slurm.job.ended","data":[1]})")).kind.empty());
}

TEST_CASE("of unknown content that is too large only its digest is kept", "[http][hooks]") {
  const auto content = read(read_envelope(json{{"blob", std::string(70'000, 'x')}}.dump()));
  CHECK(content.kept["too_large_to_keep"] == true);
  CHECK(content.kept["bytes"] == 70'011);
  CHECK(content.kept["sha256"].get<std::string>().size() == 64);
}

TEST_CASE("of a known kind only known plain members are kept", "[http][hooks]") {
  const auto content = read(read_envelope(json{
      {"type", "slurm.job.ended"},
      {"more", 1},
      {"data",
       {{"job_id", 7},
        {"script", "#!"},
        {"comment", "x"},
        {"state", {{"a", 1}}},
        {"nodes", std::string(5000, 'n')},
        {"cluster", nullptr}}}}.dump()));
  CHECK(content.native_id == "7");
  CHECK(content.kept ==
        json::parse(R"({"type":"slurm.job.ended","data":{"job_id":7,"cluster":null}})"));
}

TEST_CASE("a body that is no single object of strict JSON is refused", "[http][hooks]") {
  std::string deep;
  for (int i = 0; i < 70; ++i) deep += R"({"a":)";
  const auto body =
      GENERATE_COPY(as<std::string>{}, "", " ", "[]", "7", "null", "{", "{}{}", R"({"a":1,"a":2})",
                    R"({"data":{"cluster":"a","cluster":"b"}})", "{\"a\":\"\xff\"}", "{\"\xc3\":1}",
                    R"({"a":"\ud800"})", R"({"a":NaN})", R"({"a":1e999})", R"({"a":1,})", "{'a':1}",
                    deep, R"({"data":{"cluster":7}})");
  CAPTURE(body);
  CHECK(read_envelope(body).has_error());
  CHECK(read_structured_event(body).has_error());
  CHECK(read_envelope("{\"a\":\"" + std::string(1 << 20, 'x') + "\"}").has_error());
}

TEST_CASE("of a record of jobcomp no script, path or environment is kept", "[http][hooks]") {
  const auto content = read(read_jobcomp(jobcomp_record().dump()));
  CHECK(content.kind == "slurm.job.ended");
  CHECK(content.native_id == "42");
  CHECK(content.run_key.empty());
  CHECK(content.kept["tres_alloc"] == "cpu=384,gres/gpu=32");
  const auto text = content.kept.dump();
  for (const auto* gone : {"script", "hunter2", "/data", "work_dir", "std_", "/images", "parent"}) {
    CAPTURE(gone);
    CHECK(text.find(gone) == std::string::npos);
  }
}

TEST_CASE("a record of jobcomp sent again is the same, and one of a requeue is another",
          "[http][hooks]") {
  auto record = jobcomp_record();
  const auto id = read(read_jobcomp(record.dump())).id;
  CHECK(read(read_jobcomp(record.dump(2))).id == id);
  record["@end"] = "2026-11-21T10:00:00";
  CHECK(read(read_jobcomp(record.dump())).id != id);
}

TEST_CASE("a record of jobcomp names our run, and bytes that are no UTF-8 do not spoil it",
          "[http][hooks]") {
  auto record = jobcomp_record();
  record["job_name"] = our_key;
  auto text = record.dump();
  text.insert(text.find("hunter2"), "\xe9\xff");
  const auto content = read(read_jobcomp(text));
  CHECK(content.run_key == our_key);
  CHECK(content.kind == "slurm.job.ended");
  CHECK(read_jobcomp("{\"jobid\":1").has_error());
  CHECK(read_jobcomp(R"({"jobid":1,"jobid":2})").has_error());
  CHECK(read(read_jobcomp(R"({"jobid":[1]})")).kind.empty());
}

TEST_CASE("an event of Kubernetes is read by layout and as it is", "[http][hooks]") {
  const auto layout = json{{"type", "kubernetes.job.event"},
                           {"data",
                            {{"cluster", "eu-1"},
                             {"namespace", "nlp"},
                             {"kind", "Job"},
                             {"name", "sft-77"},
                             {"uid", "0b1c"},
                             {"reason", "Completed"},
                             {"labels", {{"amdahl.dev/run", our_key}, {"team", "x"}}}}}};
  const auto by_layout = read(read_exported_event(layout.dump()));
  CHECK(by_layout.kind == "kubernetes.job.event");
  CHECK(by_layout.cluster == "eu-1");
  CHECK(by_layout.native_id == "nlp/sft-77");
  CHECK(by_layout.run_key == our_key);
  CHECK(by_layout.kept["data"]["labels"] == json{{"amdahl.dev/run", our_key}});
  CHECK(by_layout.id.starts_with("sha-"));
  const auto plain = read(read_exported_event(
      R"({"metadata":{"name":"e"},"reason":"Completed","message":"TOKEN=1","type":"Normal",
          "involvedObject":{"kind":"Job","namespace":"nlp","name":"sft-77","uid":"0b1c"}})"));
  CHECK(plain.kind == "kubernetes.job.event");
  CHECK(plain.native_id == "nlp/sft-77");
  CHECK(plain.kept.dump().find("TOKEN") == std::string::npos);
  CHECK(plain.id != by_layout.id);
}

TEST_CASE("a structured CloudEvent is told apart by source and id, both signed", "[http][hooks]") {
  json event{{"specversion", "1.0"},
             {"id", "1"},
             {"source", "/argo"},
             {"type", "job.ended"},
             {"data", {{"job_id", "9"}, {"cluster", "alpha"}}}};
  const auto content = read(read_structured_event(event.dump()));
  CHECK(content.kind == "job.ended");
  CHECK(content.native_id == "9");
  CHECK(content.cluster == "alpha");
  const auto id = content.id;
  event["time"] = "2026-11-21T09:14:07Z";
  CHECK(read(read_structured_event(event.dump())).id == id);
  event["source"] = "/other";
  CHECK(read(read_structured_event(event.dump())).id != id);
  for (const auto* name : {"specversion", "id", "source", "type"}) {
    auto broken = event;
    broken.erase(name);
    CHECK(read_structured_event(broken.dump()).has_error());
  }
}

TEST_CASE("a binary CloudEvent needs its attributes once, and its id is not believed",
          "[http][hooks]") {
  const Fields headers{
      {"ce-specversion", "1.0"}, {"ce-id", "1"}, {"ce-source", "/argo"}, {"ce-type", "job.ended"}};
  const auto content = read(read_binary_event(headers, R"({"job_id":"9","cluster":"alpha"})"));
  CHECK(content.kind == "job.ended");
  CHECK(content.native_id == "9");
  CHECK(content.cluster == "alpha");
  CHECK(content.id.empty());
  for (std::size_t i = 0; i < headers.size(); ++i) {
    auto missing = headers, twice = headers;
    missing.erase(missing.begin() + static_cast<std::ptrdiff_t>(i));
    twice.push_back(headers[i]);
    CHECK(read_binary_event(missing, "{}").has_error());
    CHECK(read_binary_event(twice, "{}").has_error());
  }
  auto old = headers;
  old[0].second = "0.3";
  CHECK(read_binary_event(old, "{}").has_error());
}

}  // namespace amdahl::http::hooks
