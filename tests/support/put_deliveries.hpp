#pragma once

#include <poll.h>

#include <stdexcept>

#include "amdahl/ledger/delivery_channel.hpp"

namespace amdahl::test {

/// One commit, waited for.
inline std::vector<bool> put_deliveries(ledger::DeliveryChannel& channel,
                                        std::span<const ledger::Delivery> deliveries) {
  constexpr int patience_ms = 60'000;
  channel.begin(deliveries);
  for (;;) {
    pollfd ready{channel.socket(), POLLIN, 0};
    if (channel.is_sending()) ready.events |= POLLOUT;
    if (::poll(&ready, 1, patience_ms) <= 0) throw std::runtime_error{"no answer in time"};
    if (const auto fresh = channel.step()) return *fresh;
  }
}

}  // namespace amdahl::test
