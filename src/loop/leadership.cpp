#include "amdahl/loop/leadership.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "amdahl/core/failpoint.hpp"

namespace amdahl::loop {

Leadership::Leadership(ledger::Ledger& ledger, core::Clock& clock, core::Random& random,
                       Options options)
    : ledger_{ledger}, clock_{clock}, random_{random}, options_{std::move(options)} {}

std::string Leadership::new_term() {
  const auto high = random_.next();
  const auto low = random_.next();
  return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", high >> 32U, (high >> 16U) & 0xFFFFU,
                     high & 0xFFFU, low >> 52U, low & 0xFFFFFFFFFFFFU);
}

std::optional<ledger::Lease> Leadership::acquire(const ledger::Head& seen) {
  if (options_.before_leading) options_.before_leading();
  asked_ = Asked{new_term(), clock_.since_boot()};
  seen_.reset();
  try {
    lease_ = ledger_.acquire(seen, asked_->term, options_.holder);
  } catch (const ledger::Unavailable&) {
    asked_.reset();
    throw;
  }
  const auto asked = std::exchange(asked_, std::nullopt);
  if (lease_) {
    renewed_at_ = asked->at;
    waiting_for_.clear();
    core::failpoint("leadership.acquired");
  }
  return lease_;
}

// The answer to the question was lost: the head has it. The lease is as old as the question.
std::optional<ledger::Lease> Leadership::recover(const ledger::Head& head) {
  const auto asked = std::exchange(asked_, std::nullopt);
  if (!asked || head.term != asked->term || head.released) return std::nullopt;
  lease_ = ledger::Lease{head.term, head.fence};
  renewed_at_ = asked->at;
  waiting_for_.clear();
  renew_when_due();
  return lease_;
}

void Leadership::lapse(const std::exception& problem) {
  if (trust_left() > std::chrono::milliseconds::zero()) return;
  const std::chrono::duration<double> age = clock_.since_boot() - renewed_at_;
  lose();
  loss_ = Loss{false, fmt::format("the lease was last renewed {:.1f} s ago: {}", age.count(),
                                  problem.what())};
}

void Leadership::renew_when_due() {
  const auto start = clock_.since_boot();
  if (start - renewed_at_ < options_.ttl / 3) return;
  try {
    ledger_.renew(*lease_);
    renewed_at_ = start;
    core::failpoint("leadership.renewed");
  } catch (const ledger::Fenced& fenced) {
    lose();
    loss_ = Loss{true, fenced.what()};
  } catch (const ledger::Unavailable& problem) {
    lapse(problem);
  } catch (const ledger::OutcomeUnknown& problem) {
    lapse(problem);
  }
}

std::optional<ledger::Lease> Leadership::follow() {
  const auto head = ledger_.head();
  const auto now = clock_.since_boot();
  if (auto recovered = recover(head)) return recovered;
  if (head.term.empty() || head.released || options_.sole) return acquire(head);
  const bool moved = !seen_ || seen_->term != head.term || seen_->renew_seq != head.renew_seq ||
                     seen_->head_seq != head.head_seq;
  if (moved) {
    seen_ = head;
    seen_at_ = now;
  } else if (now - seen_at_ >= options_.ttl) {
    return acquire(head);
  }
  waiting_for_ = head.holder;
  return std::nullopt;
}

std::optional<ledger::Lease> Leadership::poll() {
  if (!lease_) return follow();
  renew_when_due();
  // Only who was fenced knows that the ledger answers, so only it asks at once who leads.
  if (!lease_ && loss_ && loss_->fenced) return follow();
  return lease_;
}

bool Leadership::keep() {
  if (lease_) renew_when_due();
  return lease_.has_value();
}

std::chrono::milliseconds Leadership::trust_left() const {
  if (!lease_) return std::chrono::milliseconds::zero();
  const auto margin = options_.ttl / 3;
  const auto left = renewed_at_ + options_.ttl - margin - clock_.since_boot();
  return std::chrono::duration_cast<std::chrono::milliseconds>(left);
}

std::chrono::milliseconds Leadership::trusted_for_effect() {
  if (!lease_ || !poll()) return std::chrono::milliseconds::zero();
  return std::max(std::chrono::milliseconds::zero(), trust_left());
}

void Leadership::lose() {
  lease_.reset();
  seen_.reset();
}

void Leadership::release() {
  if (!lease_) return;
  core::failpoint("leadership.releasing");
  try {
    ledger_.release(*lease_);
  } catch (const std::exception&) {
    // Whoever comes next waits one TTL instead.
  }
  lose();
}

}  // namespace amdahl::loop
