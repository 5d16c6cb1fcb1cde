#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/loop/engine.hpp"
#include "observed.hpp"
#include "patch_check.hpp"
#include "protocols.hpp"

// What the engine sees outside the ledger before it plans: clusters, results, code.

namespace amdahl::loop {
namespace {

using scheduler_adapters::Adapter;

core::Result<core::RunResult> read_result(const core::Result<std::string>& text,
                                          const core::RunKey& key) {
  if (text.has_error()) return text.error();
  auto value = core::parse_json(*text, fmt::format("result of {}", key.text));
  if (value.has_error()) return value.error();
  auto result = core::run_result_from_json(*value);
  if (result.has_value() && result->key != key) {
    return core::invalid_input(
        fmt::format("result of {}: it belongs to {}", key.text, result->key.text));
  }
  return result;
}

bool ended(const ClusterView& view, const ledger::RunRow& run) {
  const auto* seen = observed(view, run);
  return seen != nullptr && seen->state == core::RunState::ended;
}

struct Asked {
  nlohmann::json questions = nlohmann::json::array();
  nlohmann::json witnesses = nlohmann::json::array();
  std::vector<std::string> commands;    ///< of the questions
  std::vector<core::RunKey> strangers;  ///< of the witnesses
};

// A run whose acceptance is recorded was armed before that, in this chain. Of all others only the
// chain can tell: by now it may have grown past the place that their witness names.
void ask_for_strangers(const ledger::Snapshot& snapshot, const View& view, Asked& asked) {
  std::map<core::RunKey, const ledger::RunRow*> live;
  for (const auto& run : snapshot.live_runs) live.emplace(run.key, &run);
  for (const auto& [name, cluster] : view.clusters) {
    for (const auto& seen : cluster.listing.runs) {
      if (seen.witness.head_hash.empty()) continue;  // not readable there
      const auto row = live.find(seen.key);
      if (row != live.end() && row->second->native_id == seen.ref.native_id &&
          row->second->native_at_us == seen.ref.submitted_at_us)
        continue;
      asked.witnesses.push_back(
          {{"head_seq", seen.witness.head_seq}, {"head_hash", seen.witness.head_hash}});
      asked.strangers.push_back(seen.key);
    }
  }
}

}  // namespace

View Engine::look(const ledger::Snapshot& snapshot) {
  View view;
  for (auto* adapter : parts_.adapters) {
    look_at_cluster(snapshot, *adapter, view.clusters[adapter->cluster()]);
  }
  look_for_posted(view);
  look_at_code(snapshot, view);
  look_for_known(snapshot, view);
  return view;
}

void Engine::look_at_cluster(const ledger::Snapshot& snapshot, Adapter& adapter,
                             ClusterView& view) {
  view.kind = adapter.kind();
  view.caps = adapter.caps();
  if (auto capacity = adapter.capacity(); capacity.has_value()) {
    view.capacity = *capacity;
  } else {
    view.unseen = capacity.error().message;
  }
  view.listing = adapter.list();
  if (!view.listing.complete && view.unseen.empty()) view.unseen = view.listing.problem;
  std::vector<core::RunKey> absent;
  for (const auto& run : snapshot.live_runs) {
    const bool may_be_there =
        run.cluster == adapter.cluster() && run.state != core::RunState::planned;
    if (may_be_there && observed(view, run) == nullptr) absent.push_back(run.key);
  }
  if (!absent.empty()) {
    for (auto& found : adapter.find(absent)) view.found.emplace(found.key, std::move(found));
  }
  if (view.caps.tells_ends) look_for_told(snapshot, adapter, view);
  for (const auto& run : snapshot.live_runs) {
    if (run.cluster == adapter.cluster() && ended(view, run)) {
      view.results.emplace(run.key, read_result(adapter.fetch_result(run.key), run.key));
    }
  }
}

// A delivery changes nothing by itself: only of runs that nobody else knows any more is it asked
// what was told.
void Engine::look_for_told(const ledger::Snapshot& snapshot, Adapter& adapter, ClusterView& view) {
  std::map<core::RunKey, const ledger::RunRow*> forgotten;
  auto keys = nlohmann::json::array();
  for (const auto& run : snapshot.live_runs) {
    if (run.cluster != adapter.cluster() || !is_forgotten(view, run)) continue;
    forgotten.emplace(run.key, &run);
    keys.push_back(run.key.text);
  }
  if (forgotten.empty()) return;
  const auto answer = parts_.ledger.read(
      "endings", {{"cluster", adapter.cluster()}, {"run_keys", std::move(keys)}});
  for (const auto& row : answer.at("endings")) {
    const auto run = forgotten.find(core::RunKey{row.at("run_key").get<std::string>()});
    if (run == forgotten.end()) continue;
    if (auto seen = adapter.told_end(run->first, row.at("told")))
      end_as_told(view, *run->second, std::move(*seen));
  }
}

// Workers that share no disk post their results to the ledger: one question for all of them.
void Engine::look_for_posted(View& view) {
  auto missing = nlohmann::json::array();
  for (const auto& [name, cluster] : view.clusters) {
    if (!cluster.caps.posts_results) continue;
    for (const auto& [key, result] : cluster.results) {
      if (result.has_error() && result.error().code == core::ErrorCode::not_found)
        missing.push_back(key.text);
    }
  }
  if (missing.empty()) return;
  const auto answer = parts_.ledger.read("posted", {{"run_keys", std::move(missing)}});
  const auto& posted = answer.at("posted");
  for (auto& [name, cluster] : view.clusters) {
    for (auto& [key, result] : cluster.results) {
      const auto body = posted.find(key.text);
      if (body != posted.end()) result = read_result(body->get<std::string>(), key);
    }
  }
}

void Engine::look_at_code(const ledger::Snapshot& snapshot, View& view) {
  const auto read = [&](const ledger::JobRow& job) {
    if (!view.code.contains(job.id)) view.code.emplace(job.id, parts_.code.snapshot(job.spec));
  };
  for (const auto& job : snapshot.jobs) {
    const bool busy = std::any_of(snapshot.experiments.begin(), snapshot.experiments.end(),
                                  [&](const auto& row) { return row.job == job.id; });
    const bool candidate =
        !job.sigma0 || std::any_of(snapshot.hypotheses.begin(), snapshot.hypotheses.end(),
                                   [&](const auto& row) { return row.job == job.id; });
    if (!busy && candidate && !snapshot.paused) read(job);
    const bool asked =
        std::any_of(snapshot.commands.begin(), snapshot.commands.end(), [&](const auto& command) {
          return (command.verb == "run_champion" || command.verb == "propose") &&
                 command.args.is_object() &&
                 command.args.value("job", nlohmann::json{}) == job.spec.name;
        });
    if (asked) read(job);
    const auto code = view.code.find(job.id);
    if (code == view.code.end() || code->second.has_error()) continue;
    for (const auto& hypothesis : snapshot.hypotheses) {
      if (hypothesis.job != job.id) continue;
      if (auto problem = patch_problem(*code->second, job.champion, hypothesis.changes)) {
        view.unfit.emplace(hypothesis.id, std::move(*problem));
      }
    }
  }
}

void Engine::look_for_known(const ledger::Snapshot& snapshot, View& view) {
  Asked asked;
  ask_for_strangers(snapshot, view, asked);
  for (const auto& command : snapshot.commands) {
    if (command.verb != "propose" || !command.args.is_object()) continue;
    for (const auto& job : snapshot.jobs) {
      if (command.args.value("job", nlohmann::json{}) != job.spec.name) continue;
      const auto cluster = view.clusters.find(job.spec.cluster);
      const auto code = view.code.find(job.id);
      const auto changes =
          core::changes_from_json(command.args.value("changes", nlohmann::json::array()));
      if (cluster == view.clusters.end() || code == view.code.end() || code->second.has_error() ||
          changes.has_error())
        continue;
      nlohmann::json question{{"job", job.spec.name},
                              {"changes", core::to_json(*changes)},
                              {"code_digest", code->second->digest}};
      const auto protocol =
          make_protocol(job, cluster->second, *code->second, *changes, parts_.settings);
      if (protocol.has_value()) question["fingerprint"] = core::fingerprint(*protocol);
      if (auto problem = patch_problem(*code->second, job.champion, *changes)) {
        view.unfit_commands.emplace(command.key, std::move(*problem));
      }
      asked.questions.push_back(std::move(question));
      asked.commands.push_back(command.key);
    }
  }
  if (asked.commands.empty() && asked.strangers.empty()) return;
  // Both at once: a cycle that people wait for has no round trip to spare.
  auto answer = asked.commands.empty()
                    ? parts_.ledger.read("witnesses", {{"witnesses", std::move(asked.witnesses)}})
                    : parts_.ledger.read("known", {{"questions", std::move(asked.questions)},
                                                   {"witnesses", std::move(asked.witnesses)}});
  for (const auto& index : answer["unknown"])
    view.strangers.insert(asked.strangers.at(index.get<std::size_t>()));
  for (std::size_t i = 0; i < asked.commands.size(); ++i)
    view.known[asked.commands[i]] = std::move(answer.at("answers").at(i));
}

}  // namespace amdahl::loop
