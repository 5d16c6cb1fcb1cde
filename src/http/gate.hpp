#pragma once

#include <chrono>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "amdahl/http/route.hpp"

namespace amdahl::http {

/// How long a token that was revoked, or has expired, may still open, and a stream outlive it.
constexpr std::chrono::seconds token_memory{2};

/// Who asks, and whether they may: bearer tokens, the Unix socket's credentials, the pace of each.
class Gate {
 public:
  using Now = std::chrono::steady_clock::time_point;

  explicit Gate(double requests_per_second) : per_second_{requests_per_second} {}

  /// Whether this route can be answered without asking the ledger who this is.
  static bool needs_desk(const Route& route, const Request& request);
  /// Who asks, or why not. `desk` may be null where needs_desk is false.
  std::variant<Principal, Problem> admit(const Route& route, const Request& request, Desk* desk,
                                         Now now);
  /// Whether this peer asks too often; hooks and the Unix socket have no pace.
  bool too_fast(const Route& route, const Request& request, Now now);

 private:
  struct Known {
    std::optional<ledger::Token> token;
    Now until;
  };
  struct Bucket {
    double tokens = 0;
    Now at;
  };
  std::optional<ledger::Token> token_of(const std::string& sha256, Desk& desk, Now now);

  double per_second_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace amdahl::http
