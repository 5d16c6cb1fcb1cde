#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/quantity.hpp"
#include "amdahl/core/sha256.hpp"
#include "plan_context.hpp"
#include "protocols.hpp"

// What each job tries next: its noise first, then its knobs by the share of the phase they attack.

namespace amdahl::loop {
namespace {

using core::HypothesisState;
using ledger::HypothesisRow;
using ledger::JobRow;

std::string proposal_key(const JobRow& job) {
  return core::hex(core::sha256(core::canonical_json(
      {{"spec", core::to_json(job.spec)}, {"champion", core::to_json(job.champion)}})));
}

// The share of the paid time that the change could remove at most; nothing when unknown.
std::optional<double> attackable_share(const JobRow& job, const std::string& phase,
                                       const std::vector<core::Change>& changes) {
  for (const auto& change : changes) {
    const auto before = job.champion.resources.gpus;
    const auto after = change.kind == core::ChangeKind::resource && change.name == "gpus"
                           ? core::parse_whole(change.value)
                           : std::nullopt;
    if (after && before > 0 && *after < before) {
      return 1 - static_cast<double>(*after) / static_cast<double>(before);
    }
  }
  if (!job.phase_share || phase.empty()) return std::nullopt;
  const auto it = job.phase_share->find(phase);
  return it == job.phase_share->end() ? std::nullopt : std::optional{it->second};
}

// Amdahl: the largest speed-up if the attacked share vanished (waste.md §1.3).
std::optional<double> ceiling_of(std::optional<double> share) {
  if (!share) return std::nullopt;
  return 1 / (1 - std::min(*share, 0.999));
}

void propose_knobs(PlanContext& context, const JobRow& job) {
  const auto key = proposal_key(job);
  if (job.proposed_for == key) return;
  for (const auto& idea : core::knob_hypotheses(job.spec)) {
    const bool resource = idea.changes.front().kind == core::ChangeKind::resource;
    if (core::apply(job.champion, idea.changes).has_error())
      continue;  // the champion has it already
    // After the champion moved, only what it allocates is a new question (design.md §8).
    if (!job.proposed_for.empty() && job.champion_moves > 0 && !resource) continue;
    const auto share = attackable_share(job, idea.phase, idea.changes);
    ledger::NewHypothesis hypothesis;
    hypothesis.job = job.id;
    hypothesis.source = core::HypothesisSource::playbook;
    hypothesis.phase = idea.phase;
    hypothesis.ceiling = ceiling_of(share);
    hypothesis.changes = idea.changes;
    hypothesis.rationale =
        share
            ? fmt::format("knob {} attacks {}, {:.0f} % of the paid time of the champion's runs",
                          idea.knob, idea.phase.empty() ? "an unnamed phase" : idea.phase,
                          *share * 100)
            : fmt::format("knob {} of the job file; the share of its phase is unknown", idea.knob);
    hypothesis.needs_approval = needs_approval(idea.changes, context.settings);
    context.actions.add_hypotheses.push_back(std::move(hypothesis));
  }
  context.actions.proposed.push_back({job.id, key});
}

bool experiment_open(const PlanContext& context, core::JobId job) {
  return std::any_of(context.snapshot.experiments.begin(), context.snapshot.experiments.end(),
                     [&](const auto& row) { return row.job == job; });
}

void register_one(PlanContext& context, const JobRow& job, const HypothesisRow* hypothesis) {
  const auto* cluster = context.cluster(job.spec.cluster);
  if (cluster == nullptr) {
    return context.wait_for(
        fmt::format("job {}: cluster {} is not configured", job.spec.name, job.spec.cluster));
  }
  const auto code = context.view.code.find(job.id);
  if (code == context.view.code.end()) return;
  if (code->second.has_error()) {
    return context.wait_for(fmt::format("job {}: {}", job.spec.name, code->second.error().message));
  }
  const auto unfit =
      hypothesis == nullptr ? context.view.unfit.end() : context.view.unfit.find(hypothesis->id);
  if (unfit != context.view.unfit.end()) {
    context.actions.reject.push_back({hypothesis->id, unfit->second.message});
    return;
  }
  const auto changes = hypothesis == nullptr ? std::vector<core::Change>{} : hypothesis->changes;
  std::string why;
  // The hardware belongs to the protocol, and what is not seen is no reason to reject.
  if (!context.room.sees(job.spec.cluster, why))
    return context.wait_for(fmt::format("job {}: {}", job.spec.name, why));
  auto protocol = make_protocol(job, *cluster, *code->second, changes, context.settings);
  if (protocol.has_error()) {
    const auto& error = protocol.error();
    context.actions.reject.push_back(
        {hypothesis->id, error.hint.empty() ? error.message : error.message + "; " + error.hint});
    return;
  }
  const auto allocation = allocation_of(*protocol);
  Room empty_room{ledger::Snapshot{}, context.view, Settings{}};
  if (!empty_room.take(job.spec.cluster, allocation, 0, why)) {
    if (hypothesis == nullptr)
      return context.wait_for(fmt::format("job {}: {}", job.spec.name, why));
    context.actions.reject.push_back({hypothesis->id, "can never run here: " + why});
    return;
  }
  ledger::Registration registration;
  registration.hypothesis = hypothesis == nullptr ? core::HypothesisId{} : hypothesis->id;
  registration.job = job.id;
  registration.fingerprint = core::fingerprint(*protocol);
  registration.replicate = hypothesis == nullptr ? 0 : hypothesis->replicate;
  registration.protocol = std::move(*protocol);
  context.actions.register_.push_back(std::move(registration));
}

// The largest attackable share first; what is unknown keeps its order behind what is known.
const HypothesisRow* next_hypothesis(PlanContext& context, const JobRow& job) {
  const HypothesisRow* best = nullptr;
  double best_share = -2;
  for (const auto& row : context.snapshot.hypotheses) {
    if (row.job != job.id) continue;
    if (row.state == HypothesisState::awaiting_approval) {
      context.wait_for(fmt::format("hypothesis {} waits for approval: amdahl approve {}",
                                   row.id.value, row.id.value));
      continue;
    }
    if (row.state != HypothesisState::proposed) continue;
    const bool rejected =
        std::any_of(context.actions.reject.begin(), context.actions.reject.end(),
                    [&](const auto& reject) { return reject.hypothesis == row.id; });
    if (rejected) continue;
    const double share = attackable_share(job, row.phase, row.changes).value_or(-1);
    if (share > best_share) {
      best = &row;
      best_share = share;
    }
  }
  return best;
}

}  // namespace

void plan_hypotheses(PlanContext& context) {
  for (const auto& job : context.snapshot.jobs) {
    if (job.paused) {
      context.wait_for(
          fmt::format("job {} is paused: its baseline could not be measured (amdahl experiments); "
                      "mend it and add it again: amdahl jobs add FILE",
                      job.spec.name));
      continue;
    }
    if (job.sigma0) propose_knobs(context, job);
    if (experiment_open(context, job.id)) continue;
    if (context.snapshot.paused) {
      context.wait_for("paused: amdahl resume");
      continue;
    }
    if (!job.sigma0) {
      register_one(context, job, nullptr);
      continue;
    }
    if (context.settings.observe_only) {
      context.wait_for("observing only: no trial is started");
      continue;
    }
    if (const auto* hypothesis = next_hypothesis(context, job))
      register_one(context, job, hypothesis);
  }
}

}  // namespace amdahl::loop
