#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/failpoint.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/run_files/durable.hpp"
#include "amdahl/run_files/life_lock.hpp"
#include "amdahl/run_files/names.hpp"
#include "amdahl/scheduler_adapters/slurm_accounting.hpp"
#include "slurm_adapter.hpp"
#include "slurm_commands.hpp"
#include "slurm_fit.hpp"

namespace amdahl::scheduler_adapters {

namespace fs = std::filesystem;
namespace names = run_files::names;
using core::BootTime;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::RunKey;
using core::RunState;
using slurm::Job;

namespace {

// Nodes come and go rarely.
constexpr auto nodes_fresh = std::chrono::seconds{60};

Submitted not_submitted(FailureClass kind, std::string message) {
  Submitted submitted;
  submitted.failure = {kind, std::move(message)};
  return submitted;
}

}  // namespace

// How long ago it was written; 0 where it is not there.
std::chrono::seconds SlurmAdapter::age_of(const fs::path& file) const {
  std::error_code error;
  const auto written = fs::last_write_time(file, error);
  if (error) return std::chrono::seconds{0};
  const auto wall = std::chrono::file_clock::to_sys(written).time_since_epoch();
  return std::max(std::chrono::seconds{0},
                  std::chrono::floor<std::chrono::seconds>(clock_.now().time_since_epoch() - wall));
}

Result<const std::vector<slurm::Node>*> SlurmAdapter::nodes() {
  if (!nodes_at_ || clock_.since_boot() - *nodes_at_ > nodes_fresh) {
    auto read = transport_->nodes(options_.partition);
    if (!read) return read.error();
    if (read->empty()) {
      return core::failed(fmt::format("partition {} of cluster {} has no nodes", options_.partition,
                                      options_.cluster),
                          "sinfo shows them; set cluster.NAME.partition");
    }
    nodes_ = std::move(*read);
    nodes_at_ = clock_.since_boot();
  }
  return &nodes_;
}

Result<Capacity> SlurmAdapter::capacity() {
  const auto all = nodes();
  if (!all) return all.error();
  return slurm::capacity_of(**all);
}

Result<void> SlurmAdapter::validate(const core::RunSpec& spec) {
  const auto all = nodes();
  if (!all) return all.error();
  return slurm::check_fit(spec, **all);
}

// The controller's job of this key; by its id where that is known, for ids are given out again.
Result<std::optional<Job>> SlurmAdapter::job_of(const RunKey& key, const NativeRef& ref) {
  auto id = ref.native_id;
  if (const auto submitted = slurm::read_submitted(directory_of(key)); id.empty() && submitted)
    id = submitted->native_id;
  const auto records = id.empty() ? transport_->live() : transport_->live_job(id);
  if (!records) return records.error();
  for (const auto& job : records->jobs) {
    if (job.name == key.text && (id.empty() || job.id == id)) return std::optional{job};
  }
  return std::optional<Job>{};
}

Submitted SlurmAdapter::send(const core::RunSpec& spec, BootTime end) {
  const auto directory = folders_.live(spec.key);
  auto request = slurm::request_of(spec, directory);
  request.comment = slurm::comment_of({scope_, spec.witness});
  request.partition = options_.partition;
  request.account = options_.account;
  request.qos = options_.qos;
  request.script = slurm::job_script(options_.shim, directory);
  const auto left = std::chrono::floor<std::chrono::milliseconds>(end - clock_.since_boot());
  if (left.count() <= 0)
    return not_submitted(FailureClass::retryable, "no time was left to submit");
  listed_.reset();
  auto answer = transport_->submit_held(request, left);
  if (auto* failure = std::get_if<Failure>(&answer))
    return not_submitted(failure->kind, std::move(failure->message));
  Submitted submitted;
  submitted.kind = Submitted::Kind::accepted;
  submitted.held = true;
  submitted.ref.native_id = std::get<std::string>(answer);
  core::failpoint("slurm.submitted");
  // The time that every later look will read: with the id it is the submission's identity.
  if (const auto job = job_of(spec.key, submitted.ref); job && *job)
    submitted.ref = slurm::ref_of(**job);
  // Only a hint: a search by key finds it without.
  (void)slurm::write_submitted(directory, submitted.ref);
  core::failpoint("slurm.recorded");
  return submitted;
}

// The directory tells that an earlier call came as far as Slurm, perhaps.
Submitted SlurmAdapter::submit_again(const core::RunSpec& spec, BootTime end) {
  listed_.reset();
  const auto found = find(std::span{&spec.key, 1}).front();
  if (found.found == Found::not_found_inconclusive) {
    return not_submitted(FailureClass::unavailable,
                         "whether it was submitted before cannot be seen now");
  }
  if (found.found == Found::not_found_authoritative) return send(spec, end);
  Submitted submitted;
  submitted.kind = Submitted::Kind::already_exists;
  submitted.ref = found.runs.front().ref;
  submitted.held = found.runs.front().held_by_us;
  return submitted;
}

Submitted SlurmAdapter::submit(const core::RunSpec& spec, std::chrono::milliseconds deadline) {
  const auto end = clock_.since_boot() + deadline;
  if (auto valid = validate(spec); !valid) {
    const bool wrong = valid.error().code == ErrorCode::invalid_input;
    return not_submitted(wrong ? FailureClass::permanent : FailureClass::retryable,
                         valid.error().message);
  }
  if (folders_.is_done(spec.key)) {
    Submitted submitted;
    submitted.kind = Submitted::Kind::already_exists;
    if (const auto ref = slurm::read_submitted(folders_.done(spec.key))) submitted.ref = *ref;
    return submitted;
  }
  const auto fresh = folders_.make(spec);
  if (!fresh) {
    const bool taken = fresh.error().code == ErrorCode::conflict;
    return not_submitted(taken ? FailureClass::key_conflict : FailureClass::retryable,
                         fresh.error().message);
  }
  if (!*fresh) return submit_again(spec, end);
  core::failpoint("slurm.directory_made");
  const auto written = run_files::write_file(folders_.live(spec.key) / names::spec,
                                             core::canonical_json(core::to_json(spec)));
  if (!written) return not_submitted(FailureClass::retryable, written.error().message);
  core::failpoint("slurm.spec_written");
  return send(spec, end);
}

Result<void> SlurmAdapter::release(const RunKey& key, const NativeRef& ref) {
  const auto directory = folders_.where(key);
  if (!directory) return directory.error();
  const auto marker = *directory / names::release;
  const auto job = job_of(key, ref);
  if (!job) return job.error();
  if (!*job) {
    // It may have ended and been forgotten since.
    if (run_files::read_file(marker, core::limits::hook_id_bytes)) return {};
    return Error{ErrorCode::not_found,
                 fmt::format("Slurm has no job {} of {}", ref.native_id, key.text),
                 "it is looked for by its name in the next cycle"};
  }
  if (slurm::meaning_of(**job).state == RunState::held) {
    listed_.reset();
    if (auto done = transport_->release((*job)->id); !done) return done;
    core::failpoint("slurm.released");
  }
  return run_files::write_file(marker, (*job)->id);
}

Cancelled SlurmAdapter::cancel(const RunKey& key, const NativeRef& ref, CancelMode mode) {
  const auto job = job_of(key, ref);
  if (!job) return Cancelled::failed;
  const auto directory = directory_of(key);
  if (!*job) {
    const auto seen = slurm::observe_without_job(key, directory);
    return seen && seen->state == RunState::ended ? Cancelled::already_ended
                                                  : Cancelled::not_visible;
  }
  const auto seen = slurm::observe_job(**job, directory, patience());
  if (seen.state == RunState::ended) return Cancelled::already_ended;
  if (seen.state == RunState::finishing) return Cancelled::already_requested;
  if (mode == CancelMode::only_if_held && !seen.held_by_us) return Cancelled::failed;
  const auto word = mode == CancelMode::stop ? names::cancel_stop : names::cancel_if_unclaimed;
  const auto asked =
      run_files::read_file(directory / names::cancel, names::cancel_if_unclaimed.size());
  const bool again = asked && (*asked == word || *asked == names::cancel_stop);
  // The shim reads it, wherever it stands: also one that Slurm starts at this moment.
  const bool there = !directory.empty() && (folders_.is_live(key) || folders_.is_done(key));
  if (there && !again && !run_files::write_file(directory / names::cancel, word))
    return Cancelled::failed;
  const bool pending = seen.state == RunState::held || seen.state == RunState::queued;
  const bool deaf = again && age_of(directory / names::cancel) >= options_.stop_grace;
  if (pending || deaf || !there) {
    listed_.reset();
    if (!transport_->cancel((*job)->id)) return Cancelled::failed;
  }
  return again ? Cancelled::already_requested : Cancelled::requested;
}

void SlurmAdapter::acknowledge(const RunKey& key) {
  if (!core::is_run_key(key.text)) return;
  const auto directory = folders_.live(key);
  std::error_code ignored;  // what cannot be tidied now is tidied by the next call
  if (folders_.is_live(key)) {
    const auto locked = run_files::is_locked(directory / names::lock);
    if (!locked || *locked) return;
    const bool began = slurm::claimed_by(directory) || slurm::read_submitted(directory) ||
                       fs::exists(directory / names::result, ignored);
    if (began) {
      folders_.close(key);
    } else {
      fs::remove_all(directory, ignored);
    }
  } else if (!folders_.is_done(key)) {
    fs::create_directory(folders_.done(key), ignored);  // so that it is not listed any more
  }
  folders_.tidy(key);
}

namespace {

std::unique_ptr<slurm::Transport> transport_of(const SlurmOptions& options, core::Clock& clock) {
  return options.via == SlurmOptions::Via::cli ? slurm::make_cli_transport(options, clock)
                                               : slurm::make_rest_transport(options, clock);
}

}  // namespace

std::unique_ptr<Adapter> make_slurm_adapter(SlurmOptions options, core::Clock& clock) {
  auto transport = transport_of(options, clock);
  return std::make_unique<SlurmAdapter>(std::move(options), clock, std::move(transport));
}

Result<SlurmAccounting::Counts> read_slurm_cluster(const SlurmOptions& options, core::Clock& clock,
                                                   const AccountingSpan& span,
                                                   const AccountingListener& listener) {
  return transport_of(options, clock)->accounting(span, listener);
}

}  // namespace amdahl::scheduler_adapters
