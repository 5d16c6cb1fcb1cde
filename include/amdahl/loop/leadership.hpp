#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "amdahl/core/clock.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/ledger/ledger.hpp"

namespace amdahl::loop {

/// Who leads, without comparing clocks (ledger.md §3): a follower takes over only a head that did
/// not move for one TTL of its own clock; a leader trusts itself until its last renewal's start +
/// TTL − margin. What fences is the ledger; this only avoids pointless work.
class Leadership {
 public:
  struct Options {
    std::chrono::milliseconds ttl = core::limits::lease_ttl;
    std::string holder;  ///< host and pid, for people
    bool sole = false;   ///< an outside lock proves that nobody else uses this ledger: no wait
    /// Asked right before the lease is taken; throws when this ledger may not be led.
    std::function<void()> before_leading{};
  };

  Leadership(ledger::Ledger& ledger, core::Clock& clock, core::Random& random, Options options);

  /// One step: acquires when it may, renews when due. The lease while it leads and trusts itself.
  /// Throws ledger::Unavailable only while following.
  std::optional<ledger::Lease> poll();

  /// How long an effect that begins now may last: nobody else can lead before that. Renews first
  /// when due, so that a long row of effects goes on; zero when this one may begin none.
  std::chrono::milliseconds trusted_for_effect();

  /// Gives the lease back, so that the next one need not wait. Best effort.
  void release();

  /// Renews the lease where that is due, and nothing else: for pauses between two polls, in pieces
  /// of `renewal_interval`. Whether it leads still.
  bool keep();
  std::chrono::milliseconds renewal_interval() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(options_.ttl) / 3;
  }

  /// The holder that this one waits for; empty while it leads and before the head was read.
  const std::string& waiting_for() const { return waiting_for_; }

  struct Loss {
    bool fenced = false;  ///< another leads; else nobody could be asked in time
    std::string why;
  };
  /// Why the lease was lost without anybody having called `lose`; each loss is told once.
  std::optional<Loss> take_loss() { return std::exchange(loss_, std::nullopt); }

  /// Forgets the lease: somebody else leads, or the ledger is gone.
  void lose();

 private:
  /// A lease that was asked for; whether it was given only the head can tell.
  struct Asked {
    std::string term;
    core::BootTime at{0};
  };
  void renew_when_due();
  void lapse(const std::exception& problem);
  std::optional<ledger::Lease> acquire(const ledger::Head& seen);
  std::optional<ledger::Lease> follow();
  std::optional<ledger::Lease> recover(const ledger::Head& head);
  std::chrono::milliseconds trust_left() const;
  std::string new_term();

  ledger::Ledger& ledger_;
  core::Clock& clock_;
  core::Random& random_;
  Options options_;
  std::optional<ledger::Lease> lease_;
  core::BootTime renewed_at_{0};
  std::optional<ledger::Head> seen_;
  core::BootTime seen_at_{0};
  std::string waiting_for_;
  std::optional<Asked> asked_;
  std::optional<Loss> loss_;
};

}  // namespace amdahl::loop
