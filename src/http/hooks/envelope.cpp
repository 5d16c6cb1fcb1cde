#include "envelope.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/core/run.hpp"
#include "amdahl/core/sha256.hpp"
#include "kept.hpp"
#include "signature.hpp"

namespace amdahl::http::hooks {

namespace {

using core::Result;
using nlohmann::json;

constexpr auto kinds = std::to_array<std::string_view>(
    {"slurm.job.submitted", "slurm.job.started", "slurm.job.ended", "slurm.job.requeued",
     "kubernetes.job.event", "kubernetes.pod.event", "job.started", "job.ended"});

constexpr auto slurm_members = std::to_array<std::string_view>(
    {"cluster",  "job_id",    "job_name",   "array_job_id", "array_task_id",
     "state",    "reason",    "submit",     "eligible",     "start",
     "end",      "partition", "qos",        "account",      "user",
     "nodes",    "tres_req",  "tres_alloc", "exit_code",    "derived_exit_code",
     "restarts", "amdahl_run"});
constexpr auto kubernetes_members = std::to_array<std::string_view>(
    {"cluster", "namespace", "kind", "name", "uid", "reason", "type", "count", "first", "last"});
constexpr auto jobcomp_members = std::to_array<std::string_view>(
    {"jobid",          "job_name",    "array_job_id",    "array_task_id", "het_job_id",
     "het_job_offset", "pack_job_id", "pack_job_offset", "state",         "exit_code",
     "derived_ec",     "@submit",     "@eligible",       "@start",        "@end",
     "@queue_wait",    "elapsed",     "cluster",         "partition",     "qos",
     "account",        "username",    "nodes",           "total_nodes",   "total_cpus",
     "ntasks",         "cpu_hours",   "tres_req",        "tres_alloc"});

// Labels are what people make of them: of these only ours are kept.
constexpr auto label_names =
    std::to_array<std::string_view>({"amdahl.dev/run", "amdahl.dev/key", "job-name"});

Result<json> read_object(std::string_view body) {
  if (body.size() > core::limits::hook_body_bytes) {
    return core::invalid_input(
        fmt::format("body: larger than {} bytes", core::limits::hook_body_bytes));
  }
  auto parsed = core::parse_json(body, "body");
  if (parsed && !parsed->is_object()) return core::invalid_input("body: not a JSON object");
  return parsed;
}

std::string run_key_in(std::initializer_list<std::string> candidates) {
  for (const auto& text : candidates) {
    if (core::is_run_key(text)) return text;
  }
  return {};
}

const json& member(const json& object, const char* name) {
  static const json none;
  if (!object.is_object()) return none;
  const auto at = object.find(name);
  return at == object.end() ? none : *at;
}

void read_slurm(const json& data, Content& content) {
  content.native_id = id_text(data, "job_id");
  content.run_key = run_key_in({text_of(data, "amdahl_run"), text_of(data, "job_name")});
  content.kept["data"] = kept_members(data, slurm_members);
}

void read_kubernetes(const json& data, Content& content) {
  const auto& labels = member(data, "labels");
  const auto space = id_text(data, "namespace"), name = id_text(data, "name");
  if (!name.empty()) content.native_id = space.empty() ? name : space + "/" + name;
  content.run_key =
      run_key_in({text_of(labels, "amdahl.dev/key"), text_of(labels, "amdahl.dev/run"),
                  text_of(labels, "job-name"), name});
  content.kept["data"] = kept_members(data, kubernetes_members);
  auto kept = kept_members(labels, label_names);
  if (!kept.empty()) content.kept["data"]["labels"] = std::move(kept);
}

// What every form comes down to: a type and its data.
Result<Content> content_of(const std::string& type, const json& data, const json& whole,
                           std::string_view raw) {
  Content content;
  const auto& cluster = member(data, "cluster");
  if (cluster.is_string()) {
    content.cluster = cluster.get<std::string>();
  } else if (!cluster.is_null()) {
    return core::invalid_input("body: data.cluster is not text");
  }
  const bool known = std::find(kinds.begin(), kinds.end(), type) != kinds.end();
  if (!known || !data.is_object()) {
    content.kept = kept_unknown(whole, raw);
    return content;
  }
  content.kind = type;
  content.kept = kept_members(whole, std::to_array<std::string_view>({"timestamp", "time"}));
  content.kept["type"] = type;
  if (type.starts_with("kubernetes.")) {
    read_kubernetes(data, content);
  } else {
    read_slurm(data, content);
  }
  return content;
}

// The event as kubernetes-event-exporter posts it when nobody wrote a layout.
json data_of_event(const json& event) {
  const auto& about = member(event, "involvedObject");
  json data{{"namespace", member(about, "namespace")},
            {"kind", member(about, "kind")},
            {"name", member(about, "name")},
            {"uid", member(about, "uid")},
            {"labels", member(about, "labels")},
            {"reason", member(event, "reason")},
            {"type", member(event, "type")},
            {"count", member(event, "count")},
            {"first", member(event, "firstTimestamp")},
            {"last", member(event, "lastTimestamp")}};
  if (const auto& cluster = member(event, "clusterName"); cluster.is_string()) {
    if (!cluster.get_ref<const std::string&>().empty()) data["cluster"] = cluster;
  }
  return data;
}

std::string digest_of(const json& value) {
  return core::hex(core::sha256(core::canonical_json(value)));
}

}  // namespace

Result<Content> read_envelope(std::string_view body) {
  const auto whole = read_object(body);
  if (!whole) return whole.error();
  return content_of(text_of(*whole, "type"), member(*whole, "data"), *whole, body);
}

Result<Content> read_binary_event(const Fields& headers, std::string_view body) {
  for (const auto* name : {"ce-specversion", "ce-id", "ce-source", "ce-type"}) {
    const auto header = read_header(headers, name);
    if (header.count != 1 || header.value.empty()) {
      return core::invalid_input(fmt::format("the header {} must be there once", name));
    }
  }
  if (read_header(headers, "ce-specversion").value != "1.0") {
    return core::invalid_input("ce-specversion is not 1.0");
  }
  const auto data = read_object(body);
  if (!data) return data.error();
  const auto text = [&](std::string_view name) {
    return as_utf8(read_header(headers, name).value);
  };
  json whole{{"specversion", "1.0"},
             {"id", text("ce-id")},
             {"source", text("ce-source")},
             {"type", text("ce-type")},
             {"data", *data}};
  if (read_header(headers, "ce-time").count == 1) whole["time"] = text("ce-time");
  return content_of(text("ce-type"), *data, whole, body);
}

Result<Content> read_structured_event(std::string_view body) {
  const auto whole = read_object(body);
  if (!whole) return whole.error();
  if (text_of(*whole, "specversion") != "1.0") {
    return core::invalid_input("body: specversion is not \"1.0\"");
  }
  for (const auto* name : {"id", "source", "type"}) {
    if (text_of(*whole, name).empty()) {
      return core::invalid_input(fmt::format("body: {} is no text or empty", name),
                                 "CloudEvents 1.0 needs specversion, id, source and type");
    }
  }
  auto content = content_of(text_of(*whole, "type"), member(*whole, "data"), *whole, body);
  if (content) {
    content->id = "ce-" + digest_of({text_of(*whole, "source"), text_of(*whole, "id")});
  }
  return content;
}

Result<Content> read_exported_event(std::string_view body) {
  const auto whole = read_object(body);
  if (!whole) return whole.error();
  auto content =
      member(*whole, "involvedObject").is_object()
          ? content_of("kubernetes.job.event", data_of_event(*whole), json::object(), body)
          : content_of(text_of(*whole, "type"), member(*whole, "data"), *whole, body);
  if (content) content->id = "sha-" + digest_of(*whole);
  return content;
}

Result<Content> read_jobcomp(std::string_view body) {
  if (body.size() > core::limits::hook_body_bytes) return read_object(body).error();
  const auto whole = read_object(as_utf8(body));
  if (!whole) return whole.error();
  Content content;
  content.native_id = id_text(*whole, "jobid");
  content.run_key = run_key_in({text_of(*whole, "job_name")});
  if (!content.native_id.empty() && !text_of(*whole, "state").empty()) {
    content.kind = "slurm.job.ended";
  }
  content.kept = kept_members(*whole, jobcomp_members);
  content.id = "sha-" + digest_of(content.kept);
  return content;
}

}  // namespace amdahl::http::hooks
