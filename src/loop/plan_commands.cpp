#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "amdahl/core/experiment_tag.hpp"
#include "amdahl/core/sha256.hpp"
#include "plan_context.hpp"
#include "protocols.hpp"

// What people asked for: each command becomes actions and one answer.

namespace amdahl::loop {
namespace {

using nlohmann::json;

std::string_view code_word(core::ErrorCode code) {
  switch (code) {
    case core::ErrorCode::not_found:
      return "not_found";
    case core::ErrorCode::conflict:
      return "conflict";
    case core::ErrorCode::not_allowed:
      return "not_allowed";
    default:
      return "invalid_input";
  }
}

json refusal(const core::Error& error) {
  return {{"ok", false},
          {"code", code_word(error.code)},
          {"error", error.message},
          {"hint", error.hint}};
}

core::Error unknown_job(const std::string& name) {
  return {core::ErrorCode::not_found, fmt::format("no job is called \"{}\"", name),
          "amdahl jobs lists them"};
}

std::string text_of(const json& args, const char* key) {
  const auto it = args.find(key);
  return it != args.end() && it->is_string() ? it->get<std::string>() : std::string{};
}
std::int64_t number_of(const json& args, const char* key) {
  const auto it = args.find(key);
  return it != args.end() && it->is_number_integer() ? it->get<std::int64_t>() : 0;
}

const ledger::JobRow* job_named(const PlanContext& context, const std::string& name) {
  const auto& jobs = context.snapshot.jobs;
  const auto it = std::find_if(jobs.begin(), jobs.end(),
                               [&](const auto& row) { return row.spec.name == name; });
  return it == jobs.end() ? nullptr : &*it;
}

// Keeps what was won where it still applies to the new file, else starts from the file and says so.
core::Configuration carry_champion(const ledger::JobRow& old, const core::JobSpec& spec,
                                   std::string& note) {
  auto champion = core::baseline_configuration(spec);
  if (old.champion_moves == 0) return champion;
  const auto before = core::baseline_configuration(old.spec);
  for (const auto& [name, value] : old.champion.args) {
    if (value == before.args.at(name)) continue;
    const auto it = champion.args.find(name);
    if (it == champion.args.end()) {
      note = fmt::format("champion reset: the knob {} it rests on is gone", name);
      return core::baseline_configuration(spec);
    }
    it->second = value;
  }
  if (!(old.champion.resources == before.resources)) champion.resources = old.champion.resources;
  for (const auto& [name, value] : old.champion.env) {
    const auto it = before.env.find(name);
    if (it == before.env.end() || it->second != value) champion.env[name] = value;
  }
  champion.image = old.champion.image;
  champion.patches = old.champion.patches;
  return champion;
}

json add_job(PlanContext& context, const json& args) {
  auto spec = core::job_from_json(args.value("spec", json::object()));
  if (spec.has_error()) return refusal(spec.error());
  if (context.cluster(spec->cluster) == nullptr) {
    return refusal(
        {core::ErrorCode::invalid_input,
         fmt::format("job {}: cluster \"{}\" is not configured", spec->name, spec->cluster),
         "add [cluster.NAME] to the configuration, or name one that is there"});
  }
  ledger::NewJob job;
  const auto* old = job_named(context, spec->name);
  if (old != nullptr && old->spec == *spec && !old->paused)
    return {{"ok", true}, {"job", spec->name}, {"changed", false}};
  job.champion =
      old == nullptr ? core::baseline_configuration(*spec) : carry_champion(*old, *spec, job.note);
  job.spec = std::move(*spec);
  json answer{
      {"ok", true}, {"job", job.spec.name}, {"changed", old != nullptr}, {"note", job.note}};
  context.actions.add_jobs.push_back(std::move(job));
  return answer;
}

std::optional<json> propose(PlanContext& context, const ledger::CommandRow& command) {
  const auto* job = job_named(context, text_of(command.args, "job"));
  if (job == nullptr) return refusal(unknown_job(text_of(command.args, "job")));
  auto changes = core::changes_from_json(command.args.value("changes", json::array()));
  if (changes.has_error()) return refusal(changes.error());
  const auto replicate = static_cast<int>(number_of(command.args, "replicate"));
  if (replicate > 0 && text_of(command.args, "reason").empty()) {
    return refusal({core::ErrorCode::invalid_input, "a replicate needs a reason", "add --reason"});
  }
  const auto known = context.view.known.find(command.key);
  if (known != context.view.known.end() && replicate == 0) {
    for (const auto* which : {"experiment", "near"}) {
      const auto it = known->second.find(which);
      if (it == known->second.end() || it->is_null()) continue;
      return json{{"ok", true}, {"known", true}, {"experiment", *it}};
    }
  }
  if (auto variant = core::apply(job->champion, *changes); variant.has_error())
    return refusal(variant.error());
  if (const auto* cluster = context.cluster(job->spec.cluster)) {
    if (const auto ignored = ignored_change(*cluster, *changes)) return refusal(*ignored);
  }
  const auto unfit = context.view.unfit_commands.find(command.key);
  if (unfit != context.view.unfit_commands.end()) return refusal(unfit->second);
  ledger::NewHypothesis hypothesis;
  hypothesis.job = job->id;
  hypothesis.source = core::parse<core::HypothesisSource>(text_of(command.args, "source"))
                          .value_or(core::HypothesisSource::human);
  hypothesis.phase = text_of(command.args, "phase");
  // Who may approve has done so by asking; who may only propose has not, and no program has.
  const auto may_approve = command.args.find("may_approve");
  const bool is_approved = may_approve != command.args.end() && *may_approve == true &&
                           hypothesis.source == core::HypothesisSource::human;
  hypothesis.needs_approval = !is_approved && needs_approval(*changes, context.settings);
  hypothesis.changes = std::move(*changes);
  hypothesis.rationale = text_of(command.args, "rationale");
  hypothesis.replicate = replicate;
  hypothesis.command = command.key;
  context.actions.add_hypotheses.push_back(std::move(hypothesis));
  return std::nullopt;  // the ledger answers with the number that it gives
}

json approve(PlanContext& context, const json& args) {
  const core::HypothesisId id{number_of(args, "hypothesis")};
  for (const auto& row : context.snapshot.hypotheses) {
    if (row.id != id) continue;
    if (row.state != core::HypothesisState::awaiting_approval) {
      return refusal({core::ErrorCode::conflict,
                      fmt::format("hypothesis {} does not wait for approval: it is {}", id.value,
                                  core::name(row.state)),
                      ""});
    }
    context.actions.approve.push_back(id);
    return {{"ok", true}, {"hypothesis", id.value}};
  }
  return refusal({core::ErrorCode::not_found,
                  fmt::format("no open hypothesis has the number {}", id.value),
                  "amdahl status lists what waits"});
}

json abort(PlanContext& context, const json& args) {
  const core::ExperimentId id{number_of(args, "experiment")};
  const auto* row = context.experiment(id);
  if (row == nullptr) {
    return refusal({core::ErrorCode::not_found, fmt::format("EXP-{} is not open", id.value),
                    "only experiments without a verdict can be aborted"});
  }
  const auto tag = core::experiment_tag(id.value, core::name(row->state), row->abort_requested);
  if (const auto seen = text_of(args, "if_match"); !seen.empty() && seen != tag) {
    return refusal({core::ErrorCode::conflict,
                    fmt::format("EXP-{} is {} now, not {} as it was seen", id.value, tag, seen),
                    "look at it again, then ask with what it is now"});
  }
  context.actions.abort.emplace_back(id, text_of(args, "reason"));
  return {{"ok", true}, {"experiment", id.value}};
}

json pause(PlanContext& context, const ledger::CommandRow& command) {
  const bool paused = command.verb == "pause";
  const bool changed = paused != context.snapshot.paused;
  if (changed) context.actions.set_paused = {paused, text_of(command.args, "reason")};
  return {{"ok", true}, {"paused", paused}, {"changed", changed}};
}

std::optional<json> run_champion(PlanContext& context, const ledger::CommandRow& command) {
  const auto* job = job_named(context, text_of(command.args, "job"));
  if (job == nullptr) return refusal(unknown_job(text_of(command.args, "job")));
  const auto* cluster = context.cluster(job->spec.cluster);
  if (cluster == nullptr) {
    return refusal({core::ErrorCode::conflict,
                    fmt::format("cluster {} is not configured", job->spec.cluster), ""});
  }
  const auto code = context.view.code.find(job->id);
  if (code == context.view.code.end())
    return refusal({core::ErrorCode::conflict, "the job's code was not read", "try again"});
  if (code->second.has_error()) return refusal(code->second.error());
  const auto cost = reserve_us(job->spec, job->champion.resources, 1);
  std::string why;
  if (!context.room.take(job->spec.cluster, job->champion.resources, cost, why)) {
    context.wait_for(fmt::format("run of {}: {}", job->spec.name, why));
    return std::nullopt;  // stays in the inbox until there is room
  }
  core::Protocol protocol;
  protocol.job = job->spec;
  protocol.code_digest = code->second->digest;
  protocol.baseline = protocol.variant = job->champion;
  // From the command, so that a crash before the answer plans the same run again, not another one.
  const auto digest = core::sha256(command.key);
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n(digest.begin(), bytes.size(), bytes.begin());
  const auto key = core::make_run_key(bytes, 1);
  ledger::PlanProduction run;
  run.spec = core::make_run_spec(protocol, "production", 0, 1, 0, key);
  run.spec.legs.resize(1);
  run.job = job->id;
  run.cluster = job->spec.cluster;
  run.worker_run_id = core::worker_run_id(cluster->kind, run.cluster, key);
  run.gpu_us_reserved = cost;
  json answer{{"ok", true}, {"worker_run_id", run.worker_run_id}, {"run_key", key.text}};
  context.actions.plan_production.push_back(std::move(run));
  return answer;
}

std::optional<json> answer(PlanContext& context, const ledger::CommandRow& command) {
  if (command.verb == "add_job") return add_job(context, command.args);
  if (command.verb == "propose") return propose(context, command);
  if (command.verb == "approve") return approve(context, command.args);
  if (command.verb == "abort") return abort(context, command.args);
  if (command.verb == "pause" || command.verb == "resume") return pause(context, command);
  if (command.verb == "run_champion") return run_champion(context, command);
  return refusal(
      {core::ErrorCode::invalid_input, fmt::format("unknown command \"{}\"", command.verb), ""});
}

}  // namespace

void plan_commands(PlanContext& context) {
  for (const auto& command : context.snapshot.commands) {
    if (!command.args.is_object()) {
      context.actions.finish_commands.push_back(
          {command.key,
           refusal(core::invalid_input("the command's arguments are no JSON object"))});
      continue;
    }
    if (auto done = answer(context, command)) {
      context.actions.finish_commands.push_back({command.key, std::move(*done)});
    }
  }
}

}  // namespace amdahl::loop
