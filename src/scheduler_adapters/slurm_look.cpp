#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "amdahl/run_files/durable.hpp"
#include "amdahl/run_files/names.hpp"
#include "slurm_adapter.hpp"
#include "slurm_completion.hpp"

// What the adapter sees: one listing of the controller and one scan of the run directories a cycle;
// accounting only for runs that neither shows.

namespace amdahl::scheduler_adapters {

namespace fs = std::filesystem;
namespace names = run_files::names;
using core::Result;
using core::RunKey;
using core::RunState;
using slurm::Job;
using slurm::Records;

namespace {

// The listing of a moment ago serves the search that follows it.
constexpr auto listing_fresh = std::chrono::seconds{2};
constexpr auto history_margin = std::chrono::hours{24};
constexpr auto history_longest = std::chrono::hours{24 * 30};

void add_problem(Listing& listing, const std::string& problem) {
  listing.problem += (listing.problem.empty() ? "" : "; ") + problem;
}

bool has_ended(const Observation& seen) { return seen.state == RunState::ended; }

}  // namespace

// The keys of all live directories; what is no run is named.
Result<std::set<std::string>> SlurmAdapter::live_keys(Listing& listing) const {
  std::set<std::string> keys;
  std::error_code error;
  fs::directory_iterator entries{folders_.live(), error};
  for (const fs::directory_iterator last; !error && entries != last; entries.increment(error)) {
    const RunKey key{entries->path().filename()};
    if (core::is_run_key(key.text)) {
      keys.insert(key.text);
    } else {
      add_problem(listing, entries->path().string() + " is no run; remove it");
    }
  }
  if (error)
    return core::failed("cannot list " + folders_.live().string() + ": " + error.message(),
                        "is the shared disk there?");
  return keys;
}

// Another service of this user has its own run directory, and sweeps its own orphans.
bool SlurmAdapter::is_ours(const Job& job, const std::set<std::string>& live) const {
  if (!core::is_run_key(job.name)) return false;
  if (live.contains(job.name)) return true;
  const auto carried = slurm::read_comment(job.comment);
  return carried && carried->scope == scope_;
}

// A job that can never start, or that would start once more, is cancelled; its directory keeps why.
void SlurmAdapter::give_up_hopeless(const Job& job, const Observation& seen) {
  const auto directory = folders_.live(seen.key);
  const bool waits = seen.state == RunState::queued || seen.state == RunState::held;
  if (!waits || seen.held_by_us) return;
  const auto waited = age_of(directory / names::release);
  const bool long_enough = waited >= options_.unschedulable_after;
  std::string why;
  // A claim read after the listing may be of a job that has started since.
  const bool ran_before = seen.claimed && claimed_before_.contains(job.name);
  if (seen.tainted || ran_before) {
    why = (seen.claimed ? "preempted " : "launch_failed ") + ("requeued: " + seen.reason);
  } else if (long_enough && slurm::meaning_of(job).hopeless) {
    why = "unschedulable " + seen.reason;
  } else if (long_enough && seen.state == RunState::held && job.reason != "JobHeldUser") {
    why = "launch_failed " + seen.reason;
  } else {
    return;
  }
  if (run_files::write_file(directory / slurm::files::given_up, why))
    (void)transport_->cancel(job.id);
}

// Directories of which the controller has no job: ended long ago, or never a job.
void SlurmAdapter::list_forgotten(const std::set<std::string>& keys, Listing& listing) const {
  for (const auto& text : keys) {
    const RunKey key{text};
    const auto directory = folders_.live(key);
    auto seen = slurm::observe_without_job(key, directory);
    const bool lost = seen && seen->outcome == core::RunOutcome::lost;
    if (seen && !lost) {
      listing.runs.push_back(std::move(*seen));
    } else if (age_of(directory) >= options_.quiet_period) {
      // A search may know more of it; whoever awaits it searches.
      listing.leftovers.push_back(key);
    }
  }
}

Listing SlurmAdapter::list() {
  Listing listing;
  // The controller first: what ends in between has its result below.
  listed_.reset();
  auto records = transport_->live();
  if (!records) {
    listing.problem = records.error().message;
    return listing;
  }
  auto keys = live_keys(listing);
  if (!keys) {
    add_problem(listing, keys.error().message);
    return listing;
  }
  const auto all = *keys;
  std::set<std::string> claimed;
  for (const auto& job : records->jobs) {
    if (!is_ours(job, all)) continue;
    keys->erase(job.name);
    const RunKey key{job.name};
    auto seen = slurm::observe_job(job, directory_of(key), patience());
    if (has_ended(seen) && !all.contains(job.name) && folders_.is_done(key)) continue;
    give_up_hopeless(job, seen);
    if (seen.claimed && !has_ended(seen)) claimed.insert(job.name);
    listing.runs.push_back(std::move(seen));
  }
  claimed_before_ = std::move(claimed);
  list_forgotten(*keys, listing);
  listing.complete = true;
  listed_ = std::move(*records);
  listed_at_ = clock_.since_boot();
  return listing;
}

Result<Records> SlurmAdapter::recent_live() {
  if (listed_ && clock_.since_boot() - listed_at_ < listing_fresh) return *listed_;
  return transport_->live();
}

FindResult SlurmAdapter::find_one(const RunKey& key, const Result<Records>& live,
                                  const Result<Records>& history) const {
  FindResult found{key, Found::not_found_inconclusive, {}};
  const auto directory = directory_of(key);
  const auto is_known = [&](const Observation& seen) {
    return std::any_of(found.runs.begin(), found.runs.end(),
                       [&](const auto& run) { return run.ref == seen.ref; });
  };
  if (live) {
    for (const auto& job : live->jobs)
      if (job.name == key.text)
        found.runs.push_back(slurm::observe_job(job, directory, patience()));
  }
  if (history) {
    for (const auto& job : history->jobs) {
      if (job.name != key.text) continue;
      auto seen = slurm::observe_job(job, directory, patience());
      // What accounting believes to go on and the controller does not know is nobody's any more.
      if (has_ended(seen) && !is_known(seen)) found.runs.push_back(std::move(seen));
    }
  }
  if (found.runs.empty()) {
    if (auto seen = slurm::observe_without_job(key, directory)) {
      const bool final = live.has_value() && history.has_value();
      if (final || seen->outcome != core::RunOutcome::lost) found.runs.push_back(std::move(*seen));
    }
  }
  found.forgotten = live && std::none_of(live->jobs.begin(), live->jobs.end(),
                                         [&](const auto& job) { return job.name == key.text; });
  found.whole = live.has_value() && history.has_value();
  if (!found.runs.empty()) {
    found.found = Found::found;
  } else if (found.whole && !slurm::claimed_by(directory)) {
    found.found = Found::not_found_authoritative;
  }
  return found;
}

std::optional<Observation> SlurmAdapter::told_end(const RunKey& key, const nlohmann::json& told) {
  const auto job = slurm::read_completion(told);
  if (!job || job->name != key.text) return std::nullopt;
  auto seen = slurm::observe_job(*job, directory_of(key), patience());
  return has_ended(seen) ? std::optional{std::move(seen)} : std::nullopt;
}

std::vector<FindResult> SlurmAdapter::find(std::span<const RunKey> keys) {
  std::vector<std::string> texts;
  auto window = std::chrono::seconds{0};
  for (const auto& key : keys) {
    if (!core::is_run_key(key.text)) continue;
    texts.push_back(key.text);
    const auto spec = directory_of(key) / names::spec;
    std::error_code error;
    window = std::max(window, fs::exists(spec, error) ? age_of(spec) : history_longest);
  }
  window = std::min<std::chrono::seconds>(window + history_margin, history_longest);
  const auto live = recent_live();
  auto history = Result<Records>{Records{}};
  if (options_.accounting && !texts.empty()) history = transport_->history(texts, window);
  std::error_code error;
  std::vector<FindResult> all;
  for (const auto& key : keys) {
    // A disk that is gone proves nothing.
    if (!fs::exists(folders_.live(), error)) {
      all.push_back({key, Found::not_found_inconclusive, {}});
    } else {
      all.push_back(find_one(key, live, history));
    }
  }
  return all;
}

}  // namespace amdahl::scheduler_adapters
