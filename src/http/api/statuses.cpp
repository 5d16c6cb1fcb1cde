#include "statuses.hpp"

namespace amdahl::http {

nlohmann::json Statuses::ask(ledger::Ledger& ledger, const Kept& kept) const {
  nlohmann::json args{{"lease_ttl_s", lease_s_}};
  if (kept) args["unless_head"] = kept->at("loop").at("head_hash");
  auto status = ledger.read("status", args);
  if (status.contains("jobs")) return status;
  auto merged = *kept;
  merged.update(status);
  return merged;
}

std::size_t Statuses::waiting() const {
  const std::lock_guard lock{mutex_};
  return waiting_;
}

nlohmann::json Statuses::read(ledger::Ledger& ledger) {
  std::unique_lock lock{mutex_};
  const auto mine = ++asked_;
  ++waiting_;
  answered_.wait(lock, [&] { return upto_ >= mine || !asking_; });
  --waiting_;
  if (upto_ >= mine) {
    const auto shared = kept_;
    lock.unlock();
    return *shared;
  }
  asking_ = true;
  const auto upto = asked_;
  const auto kept = kept_;
  lock.unlock();
  Kept fresh;
  try {
    // Shared, as the header says.
    fresh = std::make_shared<const nlohmann::json>(ask(ledger, kept));
  } catch (...) {
    lock.lock();
    asking_ = false;
    answered_.notify_all();  // the next one asks for itself
    throw;
  }
  lock.lock();
  kept_ = fresh;
  upto_ = upto;
  asking_ = false;
  lock.unlock();
  answered_.notify_all();
  return *fresh;
}

}  // namespace amdahl::http
