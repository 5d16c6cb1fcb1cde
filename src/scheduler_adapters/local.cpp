#include "amdahl/scheduler_adapters/local.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/failpoint.hpp"
#include "amdahl/run_files/durable.hpp"
#include "amdahl/run_files/formats.hpp"
#include "amdahl/run_files/life_lock.hpp"
#include "amdahl/run_files/names.hpp"
#include "local_machine.hpp"
#include "local_observe.hpp"
#include "local_start.hpp"
#include "local_validate.hpp"
#include "run_folders.hpp"

namespace amdahl::scheduler_adapters {
namespace {

namespace fs = std::filesystem;
namespace names = run_files::names;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::RunKey;

Submitted failed(FailureClass kind, std::string message) {
  Submitted submitted;
  submitted.failure = {kind, std::move(message)};
  return submitted;
}

// Without an id nothing can be recorded of it yet, or ever: the next look tells which.
Submitted already_there(const Observation& seen) {
  if (seen.ref.native_id.empty())
    return failed(FailureClass::unknown_outcome, seen.key.text + ": no shim has said its name yet");
  Submitted submitted;
  submitted.kind = Submitted::Kind::already_exists;
  submitted.ref = seen.ref;
  submitted.held = seen.held_by_us;
  return submitted;
}

class LocalAdapter final : public Adapter {
 public:
  LocalAdapter(LocalOptions options, core::Clock& clock)
      : options_{std::move(options)}, clock_{clock} {}

  std::string kind() const override { return "local"; }
  std::string cluster() const override { return options_.cluster; }
  Caps caps() const override {
    Caps caps;
    caps.posts_results = options_.post.has_value();
    return caps;
  }
  Result<Capacity> capacity() override { return local_capacity(options_, "/"); }
  Result<void> validate(const core::RunSpec& spec) override {
    return validate_local(spec, local_capacity(options_, "/"));
  }
  Submitted submit(const core::RunSpec& spec, std::chrono::milliseconds deadline) override;
  Result<void> release(const RunKey& key, const NativeRef& ref) override;
  Listing list() override;
  std::vector<FindResult> find(std::span<const RunKey> keys) override;
  Cancelled cancel(const RunKey& key, const NativeRef& ref, CancelMode mode) override;
  Result<std::string> fetch_result(const RunKey& key) override { return folders_.result(key); }
  Result<std::string> fetch_log(const RunKey& key, core::Arm arm, bool error_stream,
                                std::size_t bytes_max) override {
    return folders_.log_end(key, arm, error_stream, bytes_max);
  }
  void acknowledge(const RunKey& key) override;

 private:
  Result<bool> make_directory(const core::RunSpec& spec) const;
  Result<void> write_run(const core::RunSpec& spec, const fs::path& directory);
  FindResult find_one(const RunKey& key);

  LocalOptions options_;
  core::Clock& clock_;
  RunFolders folders_{options_.state_dir / "runs"};
};

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// Whether the directory is new.
Result<bool> LocalAdapter::make_directory(const core::RunSpec& spec) const {
  auto fresh = folders_.make(spec);
  if (fresh && *fresh) core::failpoint("local.directory_made");
  return fresh;
}

Result<void> LocalAdapter::write_run(const core::RunSpec& spec, const fs::path& directory) {
  const auto have = local_capacity(options_, "/");
  const run_files::LocalSettings settings{options_.state_dir / "slots", have.gpus, have.cpus,
                                          have.memory_bytes,
                                          clock_.now().time_since_epoch().count()};
  const auto local = core::canonical_json(run_files::to_json(settings));
  if (auto written = run_files::write_file(directory / names::local, local); !written)
    return written;
  core::failpoint("local.settings_written");
  if (options_.post) {
    const auto& [url, ca, token] = *options_.post;
    const auto post =
        core::canonical_json(run_files::to_json(run_files::PostSettings{url, token(spec.key), ca}));
    if (auto written = run_files::write_file(directory / names::post, post); !written)
      return written;
  }
  auto written =
      run_files::write_file(directory / names::spec, core::canonical_json(core::to_json(spec)));
  core::failpoint("local.spec_written");
  return written;
}

Submitted LocalAdapter::submit(const core::RunSpec& spec, std::chrono::milliseconds deadline) {
  if (auto valid = validate(spec); !valid)
    return failed(FailureClass::permanent, valid.error().message);
  if (folders_.is_done(spec.key)) {
    const auto seen = observe_directory(folders_.done(spec.key), spec.key);
    if (!seen || !*seen)
      return failed(FailureClass::unknown_outcome, "it is done, and not readable");
    return already_there(**seen);
  }
  const auto directory = folders_.live(spec.key);
  const auto fresh = make_directory(spec);
  if (!fresh) {
    const bool taken = fresh.error().code == ErrorCode::conflict;
    return failed(taken ? FailureClass::key_conflict : FailureClass::retryable,
                  fresh.error().message);
  }
  if (*fresh) {
    if (auto written = write_run(spec, directory); !written)
      return failed(FailureClass::retryable, written.error().message);
  }
  const auto seen = observe_directory(directory, spec.key);
  if (!seen) return failed(FailureClass::retryable, seen.error().message);
  if (*seen) return already_there(**seen);
  const auto started = start_shim(options_.shim, directory, deadline, clock_);
  if (const auto* failure = std::get_if<Failure>(&started))
    return failed(failure->kind, failure->message);
  const auto& shim = std::get<ShimStarted>(started);
  Submitted submitted;
  submitted.kind = shim.already ? Submitted::Kind::already_exists : Submitted::Kind::accepted;
  // The time that every later look will read too: with the id it is the run's identity.
  const auto settings = run_files::read_local_settings(directory);
  submitted.ref = {shim.native_id, settings && *settings ? (*settings)->submitted_at_us : 0};
  submitted.held = true;
  return submitted;
}

Result<void> LocalAdapter::release(const RunKey& key, const NativeRef&) {
  const auto directory = folders_.where(key);
  if (!directory) return directory.error();
  if (::access((*directory / names::release).c_str(), F_OK) == 0) return {};
  auto written = run_files::write_file(*directory / names::release, "");
  core::failpoint("local.release_written");
  return written;
}

Listing LocalAdapter::list() {
  Listing listing;
  std::error_code error;
  const auto add_problem = [&](const std::string& problem) {
    listing.problem += (listing.problem.empty() ? "" : "; ") + problem;
  };
  fs::directory_iterator entries{folders_.live(), error};
  for (const fs::directory_iterator last; !error && entries != last; entries.increment(error)) {
    const RunKey key{entries->path().filename()};
    if (!core::is_run_key(key.text) || !is_folder(entries->path())) {
      add_problem(entries->path().string() + " is no run; remove it");
      continue;
    }
    auto seen = observe_directory(entries->path(), key);
    if (!seen) {
      // Invisible is not absent: without this one the listing proves nothing.
      add_problem(seen.error().message);
      return listing;
    }
    if (*seen) {
      listing.runs.push_back(std::move(**seen));
    } else {
      listing.leftovers.push_back(key);
    }
  }
  if (error) {
    add_problem("cannot list " + folders_.live().string() + ": " + error.message());
    return listing;
  }
  listing.complete = true;
  return listing;
}

FindResult LocalAdapter::find_one(const RunKey& key) {
  FindResult found{key, Found::not_found_authoritative, {}};
  const auto directory = folders_.where(key);
  if (!directory) {
    std::error_code error;
    // A state folder that is gone proves nothing.
    if (!fs::exists(folders_.live(), error)) found.found = Found::not_found_inconclusive;
    return found;
  }
  auto seen = observe_directory(*directory, key);
  if (!seen) {
    found.found = Found::not_found_inconclusive;
  } else if (*seen) {
    found.found = Found::found;
    found.whole = true;  // a key has one directory
    found.runs.push_back(std::move(**seen));
  }
  return found;
}

std::vector<FindResult> LocalAdapter::find(std::span<const RunKey> keys) {
  std::vector<FindResult> all;
  for (const auto& key : keys) all.push_back(find_one(key));
  return all;
}

Cancelled LocalAdapter::cancel(const RunKey& key, const NativeRef&, CancelMode mode) {
  const auto directory = folders_.where(key);
  if (!directory) return Cancelled::not_visible;
  const auto seen = observe_directory(*directory, key);
  if (!seen) return Cancelled::failed;
  if (*seen && (*seen)->state == core::RunState::ended) return Cancelled::already_ended;
  if (!*seen) {
    // Nobody has it: with the lock in hand nobody can take it while its end is written.
    const auto lock = run_files::LifeLock::try_take(*directory / names::lock);
    if (!lock) return Cancelled::failed;
    if (*lock) {
      core::RunResult result;
      result.key = key;
      result.cancelled = true;
      const auto text = core::canonical_json(core::to_json(result));
      const auto written = run_files::write_file(*directory / names::result, text);
      core::failpoint("local.end_written");
      return written ? Cancelled::requested : Cancelled::failed;
    }
  } else if (mode == CancelMode::only_if_held && !(*seen)->held_by_us) {
    return Cancelled::failed;
  }
  const auto word = mode == CancelMode::stop ? names::cancel_stop : names::cancel_if_unclaimed;
  const auto asked = run_files::read_file(
      *directory / names::cancel, names::cancel_stop.size() + names::cancel_if_unclaimed.size());
  if (asked && (*asked == word || *asked == names::cancel_stop))
    return Cancelled::already_requested;
  const auto written = run_files::write_file(*directory / names::cancel, word);
  core::failpoint("local.cancel_written");
  return written ? Cancelled::requested : Cancelled::failed;
}

void LocalAdapter::acknowledge(const RunKey& key) {
  if (!core::is_run_key(key.text)) return;
  std::error_code ignored;  // what cannot be tidied now is tidied by the next call
  if (folders_.is_live(key)) {
    const auto seen = observe_directory(folders_.live(key), key);
    if (!seen || (*seen && (*seen)->state != core::RunState::ended)) return;
    if (!*seen) {
      // A starter that outlived its service may be about to fill it.
      const auto lock = run_files::LifeLock::try_take(folders_.live(key) / names::lock);
      if (lock && *lock) fs::remove_all(folders_.live(key), ignored);
      return;
    }
    folders_.close(key);
    core::failpoint("local.run_moved");
  }
  folders_.tidy(key);
  core::failpoint("local.run_tidied");
}

}  // namespace

std::unique_ptr<Adapter> make_local_adapter(LocalOptions options, core::Clock& clock) {
  return std::make_unique<LocalAdapter>(std::move(options), clock);
}

}  // namespace amdahl::scheduler_adapters
