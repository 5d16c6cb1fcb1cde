#include "amdahl/loop/runner.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace amdahl::loop {

using namespace std::chrono_literals;

namespace {

constexpr int refusals_max = 3;  // a rule broken once may be a race; three times in a row is a bug
constexpr auto follower_interval = 200ms;

}  // namespace

Runner::Runner(Engine& engine, Leadership& leadership, core::Clock& clock, Options options,
               std::function<void(std::string_view, const nlohmann::json&)> log)
    : engine_{engine},
      leadership_{leadership},
      clock_{clock},
      options_{std::move(options)},
      log_{std::move(log)},
      pace_{options_.pace} {}

Runner::Step Runner::follow(Until until, core::BootTime since) {
  // Until the head names who leads there is nobody to name.
  if (!following_logged_ && !leadership_.waiting_for().empty()) {
    log_("following", {{"leader", leadership_.waiting_for()}});
    following_logged_ = true;
  }
  if (until == Until::one_cycle && since >= options_.leader_patience)
    return {End::not_leading, 0ms};
  return {std::nullopt, follower_interval};
}

void Runner::lost(std::string_view event, std::string_view why) {
  log_(event, {{"why", why}, {"fence", leading_}});
  leading_ = 0;
}

// Once for each cluster, and again when the reason is another or there is none any more.
void Runner::tell_unseen() {
  for (const auto& [cluster, why] : last_.unseen) {
    const auto known = unseen_.find(cluster);
    if (known == unseen_.end() || known->second != why)
      log_("cluster_unseen", {{"cluster", cluster}, {"why", why}});
  }
  for (const auto& [cluster, why] : unseen_)
    if (last_.unseen.count(cluster) == 0) log_("cluster_seen", {{"cluster", cluster}});
  unseen_ = last_.unseen;
}

CycleReport Runner::lead(const ledger::Lease& lease) {
  CycleReport report;
  try {
    report = engine_.cycle(lease, leadership_);
  } catch (...) {
    if (options_.on_cycle) options_.on_cycle(nullptr);
    throw;
  }
  if (options_.on_cycle) options_.on_cycle(&report);
  return report;
}

Runner::Step Runner::step(Until until) {
  const auto lease = leadership_.poll();
  if (const auto loss = leadership_.take_loss())
    lost(loss->fenced ? "fenced" : "lease_lapsed", loss->why);
  if (!lease) return follow(until, clock_.since_boot() - started_);
  if (leading_ != lease->fence) {
    log_("leading", {{"fence", lease->fence}});
    leading_ = lease->fence;
  }
  following_logged_ = false;
  last_ = lead(*lease);
  tell_unseen();
  refused_ = 0;
  if (until == Until::one_cycle) return {last_.work_remains ? End::cycled : End::nothing_left, 0ms};
  if (until == Until::nothing_left && !last_.work_remains) return {End::nothing_left, 0ms};
  return {std::nullopt, pace_.after(last_)};
}

Runner::End Runner::run(Until until, const std::function<bool(std::chrono::milliseconds)>& wait) {
  started_ = clock_.since_boot();
  for (;;) {
    Step next;
    try {
      next = step(until);
    } catch (const ledger::Fenced& fenced) {
      static_cast<void>(leadership_.take_loss());  // the same, noticed earlier in the cycle
      lost("fenced", fenced.what());
      leadership_.lose();
    } catch (const ledger::Unavailable& problem) {
      log_("ledger_unavailable", {{"why", problem.what()}});
      if (until == Until::one_cycle && clock_.since_boot() - started_ >= options_.leader_patience)
        throw;
      next.pause = options_.retry_interval;
    } catch (const ledger::OutcomeUnknown& problem) {
      // The next cycle reads cold, and so learns what became of it.
      log_("ledger_outcome_unknown", {{"why", problem.what()}});
      next.pause = options_.retry_interval;
    } catch (const ledger::Refused& refused) {
      log_("ledger_refused", {{"why", refused.what()}, {"sqlstate", refused.sqlstate}});
      if (++refused_ >= refusals_max) throw;
    }
    if (next.end) return *next.end;
    if (!wait(next.pause)) return End::stopped;
  }
}

}  // namespace amdahl::loop
