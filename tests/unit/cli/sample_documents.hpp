#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace amdahl::cli {

// Read models as docs/reference/read-models.md has them.

inline nlohmann::json sample_summary(int number) {
  return {{"experiment", number},
          {"name", "EXP-" + std::to_string(number)},
          {"job", "eval-qa"},
          {"kind", "trial"},
          {"state", "decided"},
          {"hypothesis", 3},
          {"change", {{{"kind", "arg"}, {"name", "workers"}, {"value", "2"}}}},
          {"baseline",
           {{"args", {{"workers", "0"}}},
            {"env", nlohmann::json::object()},
            {"resources", {{"nodes", 1}, {"gpus", 4}, {"cpus", 2}, {"memory_bytes", 1 << 30}}},
            {"image", ""},
            {"patches", nlohmann::json::array()}}},
          {"phase", "input"},
          {"source", "playbook"},
          {"pairs_complete", 17},
          {"pairs_open", 0},
          {"pairs_void", 1},
          {"t", 2},
          {"outcome", "win"},
          {"reason", "4 of 5 checks uphold a claim of 10.9 %"},
          {"saving", 0.118},
          {"saving_lower", 0.094},
          {"saving_upper", 0.141},
          {"e_value", 1904.2},
          {"e_needed", 1130.0},
          {"upholds", 4},
          {"refutes", 1},
          {"hold_reason", nullptr},
          {"registered_at", "2026-11-20T16:02:00.123456Z"},
          {"decided_at", "2026-11-20T18:02:00.654321Z"},
          {"spent_gpu_hours", 0.0312}};
}

inline nlohmann::json sample_running() {
  auto row = sample_summary(13);
  row["change"] = {{{"kind", "resource"}, {"name", "gpus"}, {"value", "2"}}};
  row["state"] = "discovering";
  row["pairs_complete"] = 2;
  row["pairs_open"] = 1;
  row["pairs_void"] = 0;
  for (const auto* key : {"outcome", "reason", "saving", "saving_lower", "saving_upper", "e_value",
                          "e_needed", "upholds", "refutes", "decided_at"}) {
    row[key] = nullptr;
  }
  row["spent_gpu_hours"] = 0.0012;
  return row;
}

inline nlohmann::json sample_status() {
  return {
      {"schema", "amdahl.status/v1"},
      {"loop",
       {{"state", "running"},
        {"holder", "ctl-01:4711"},
        {"term", "7d…"},
        {"fence", 3},
        {"renew_seq", 90},
        {"head_seq", 512},
        {"paused_reason", nullptr}}},
      {"jobs", 1},
      {"experiments",
       {{"registered", 0}, {"discovering", 1}, {"refuting", 0}, {"decided", 6}, {"aborted", 0}}},
      {"open", {sample_running()}},
      {"hypotheses",
       {{"proposed", 2}, {"awaiting_approval", 1}, {"registered", 1}, {"decided", 6}}},
      {"awaiting",
       {{{"hypothesis", 9},
         {"job", "eval-qa"},
         {"state", "awaiting_approval"},
         {"change", {{{"kind", "env"}, {"name", "NCCL_ALGO"}, {"value", "Ring"}}}}}}},
      {"runs", {{"planned", 0}, {"running", 1}}},
      {"bank",
       {{"banked_gpu_hours", 64.4},
        {"clawed_back_gpu_hours", 0.0},
        {"spent_gpu_hours", 2.116},
        {"net_gpu_hours", 62.284},
        {"projected_gpu_hours_per_month", 18700.0}}},
      {"verdicts", {{"win", 2}, {"refuted", 3}, {"no_effect", 1}, {"void", 0}}},
      {"spent_gpu_hours_24h", 0.5},
      {"reserved_gpu_hours", 0.002},
      {"deliveries_pending", 0},
      {"commands_pending", 0}};
}

}  // namespace amdahl::cli
