#include "seam_adapter.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "invariants.hpp"

namespace amdahl::simulation {

using namespace std::chrono_literals;
using core::Error;
using core::ErrorCode;
using scheduler_adapters::Cancelled;
using scheduler_adapters::FailureClass;
using scheduler_adapters::FindResult;
using scheduler_adapters::Found;
using scheduler_adapters::Listing;
using scheduler_adapters::Submitted;
using enum FaultKind;

namespace {

bool is(const std::optional<Fault>& fault, FaultKind kind) { return fault && fault->kind == kind; }

Submitted failed(FailureClass kind, std::string message) {
  Submitted submitted;
  submitted.failure = {kind, std::move(message)};
  return submitted;
}

constexpr auto patience = std::chrono::microseconds{400ms};

}  // namespace

scheduler_adapters::Caps SeamAdapter::caps() const {
  scheduler_adapters::Caps caps;
  caps.quiet_period = std::chrono::duration_cast<std::chrono::milliseconds>(quiet_period);
  return caps;
}

core::Result<scheduler_adapters::Capacity> SeamAdapter::capacity() {
  return scheduler_adapters::Capacity{16, 64, std::int64_t{64} << 30, "simulated"};
}

Submitted SeamAdapter::submit(const core::RunSpec& spec, std::chrono::milliseconds) {
  const auto fault = program_.enter(Seam::submit, "submit");
  auto& world = program_.world;
  check_submit(program_, spec, told_[spec.key] == Told::there, told_[spec.key] == Told::nothing);
  told_[spec.key] = Told::nothing;
  if (is(fault, queue_full)) return failed(FailureClass::retryable, "simulated: the queue is full");
  // What a leader sends that was replaced in its sleep nobody can wait for: the hold makes it
  // harmless.
  if (program_.leads()) world.sent[spec.key.text] = world.executor.now();
  if (is(fault, request_lost) || is(fault, request_late)) {
    if (is(fault, request_late)) {
      Dice dice{fault->dice};
      world.scheduler.submit_later(spec, Executor::Time{dice.between(1'000, late_by.count())});
    }
    world.executor.pass(patience);
    return failed(FailureClass::unknown_outcome, "simulated: no answer in time");
  }
  auto& job = world.scheduler.submit_held(spec);
  Submitted submitted;
  submitted.kind = Submitted::Kind::accepted;
  submitted.ref = {job.native_id, job.submitted_at_us};
  submitted.held = true;
  if (is(fault, answered_error) || is(fault, answer_lost))
    submitted = failed(FailureClass::unknown_outcome, "simulated: an error beside the job's id");
  if (is(fault, loses_accepted)) world.scheduler.lose_last_accepted();
  program_.leave(fault);
  return submitted;
}

core::Result<void> SeamAdapter::release(const core::RunKey& key,
                                        const scheduler_adapters::NativeRef& ref) {
  const auto fault = program_.enter(Seam::release, "release");
  const Error error{ErrorCode::unreachable, "simulated: no answer", ""};
  if (is(fault, request_lost) || is(fault, blind)) return error;
  check_leads(program_, "release");
  const bool there = program_.world.scheduler.release(ref.native_id, key);
  program_.leave(fault);
  if (is(fault, answer_lost)) return error;
  if (!there) return Error{ErrorCode::not_found, "simulated: invalid job id", ""};
  return {};
}

Listing SeamAdapter::list() {
  const auto fault = program_.enter(Seam::list, "list");
  Listing listing;
  if (is(fault, blind)) {
    listing.problem = "simulated: the controller does not answer";
  } else if (is(fault, listing_stale) && last_listing_.complete) {
    listing = last_listing_;
  } else {
    listing.runs = program_.world.scheduler.live_records();
    listing.complete = true;
    if (is(fault, listing_partial) || program_.world.unreadable()) {
      listing.complete = false;
      listing.problem = "simulated: part of the queue could not be read";
      std::erase_if(listing.runs, [&](const auto& seen) { return program_.world.hides(seen.key); });
    } else {
      last_listing_ = listing;
      program_.listed_at = program_.world.executor.now();
    }
  }
  for (auto& [key, told] : told_) told = Told::nothing;
  for (const auto& seen : listing.runs) told_[seen.key] = Told::there;
  program_.leave(fault);
  return listing;
}

std::vector<FindResult> SeamAdapter::find(std::span<const core::RunKey> keys) {
  const auto fault = program_.enter(Seam::find, "find");
  std::vector<FindResult> all;
  for (const auto& key : keys) {
    auto& found = all.emplace_back(FindResult{key, Found::not_found_inconclusive, {}});
    if (is(fault, blind)) continue;
    // What could not be read a moment ago cannot be found either.
    const auto& world = program_.world;
    if (world.unreadable() && world.hides(key)) continue;
    const bool history =
        !is(fault, history_down) && world.executor.now() >= world.history_down_until;
    found.runs = program_.world.scheduler.records_of(key, history);
    const auto* directory = program_.world.scheduler.directory(key);
    const bool claimed = directory != nullptr && !directory->claim.empty();
    if (!found.runs.empty()) {
      found.found = Found::found;
      found.whole = history;
      told_[key] = Told::there;
    } else if (history && !claimed) {
      found.found = Found::not_found_authoritative;
      told_[key] = Told::absent;
    }
  }
  program_.leave(fault);
  return all;
}

Cancelled SeamAdapter::cancel(const core::RunKey& key, const scheduler_adapters::NativeRef& ref,
                              scheduler_adapters::CancelMode mode) {
  const auto fault = program_.enter(Seam::cancel, "cancel");
  if (is(fault, request_lost)) return Cancelled::failed;
  check_leads(program_, "cancel");
  const auto done = program_.world.scheduler.cancel(ref.native_id, key, mode);
  program_.leave(fault);
  return is(fault, answer_lost) ? Cancelled::failed : done;
}

core::Result<std::string> SeamAdapter::fetch_result(const core::RunKey& key) {
  const auto fault = program_.enter(Seam::fetch, "fetch_result");
  const auto* directory = program_.world.scheduler.directory(key);
  program_.leave(fault);
  if (directory == nullptr || directory->result.empty())
    return Error{ErrorCode::not_found, "simulated: there is no result", ""};
  return directory->result;
}

core::Result<std::string> SeamAdapter::fetch_log(const core::RunKey&, core::Arm, bool,
                                                 std::size_t) {
  return Error{ErrorCode::not_found, "simulated: there is no log", ""};
}

void SeamAdapter::acknowledge(const core::RunKey& key) {
  program_.world.scheduler.acknowledge(key);
}

}  // namespace amdahl::simulation
