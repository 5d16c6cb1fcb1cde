#include "gate.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "amdahl/core/sha256.hpp"

namespace amdahl::http {

using ledger::TokenScope;

namespace {

constexpr std::size_t remembered_max = 4096;
constexpr std::size_t token_bytes_max = 200;

std::optional<TokenScope> needed(Access access, const Request& request) {
  switch (access) {
    case Access::hook:
    case Access::run:
      return std::nullopt;
    case Access::local:
      if (request.peer.via == Peer::Via::network) return TokenScope::read;
      return std::nullopt;
    case Access::read:
      return TokenScope::read;
    case Access::propose:
      return TokenScope::propose;
    case Access::operate:
      return TokenScope::operate;
    case Access::admin:
      return TokenScope::admin;
  }
  return TokenScope::admin;
}

// Whoever may become this service's user may do what it may; others of this machine may look.
Principal of_uid(std::uint32_t uid) {
  const bool ours = uid == 0 || uid == ::geteuid();
  return {fmt::format("uid {}", uid), ours ? TokenScope::admin : TokenScope::read};
}

Problem no_token() {
  return {401, "no-token", "this needs a token, as `Authorization: Bearer amd_...`",
          "amdahl token create NAME --scope read"};
}

}  // namespace

bool Gate::needs_desk(const Route& route, const Request& request) {
  const bool by_token = request.peer.via != Peer::Via::unix_socket || !request.bearer().empty();
  return !route.immediate || (by_token && needed(route.access, request));
}

std::optional<ledger::Token> Gate::token_of(const std::string& sha256, Desk& desk, Now now) {
  {
    const std::lock_guard lock{mutex_};
    const auto it = known_.find(sha256);
    if (it != known_.end() && now < it->second.until) return it->second.token;
  }
  auto token = desk.doors().find_token(sha256);
  const std::lock_guard lock{mutex_};
  if (known_.size() >= remembered_max) known_.clear();
  known_[sha256] = {token, now + token_memory};
  return token;
}

std::variant<Principal, Problem> Gate::admit(const Route& route, const Request& request, Desk* desk,
                                             Now now) {
  const auto scope = needed(route.access, request);
  const auto text = request.bearer();
  if (!scope) return Principal{};
  if (request.count("authorization") > 1 || text.size() > token_bytes_max) return no_token();
  Principal principal;
  if (!text.empty()) {
    principal.token_sha256 = core::hex(core::sha256(text));
    const auto token = token_of(principal.token_sha256, *desk, now);
    if (!token || !token->live) {
      return Problem{401, "wrong-token",
                     token ? "this token is revoked or expired" : "this token is unknown here",
                     "amdahl token list"};
    }
    principal.name = token->name;
    principal.scope = token->scope;
  } else if (request.peer.via == Peer::Via::unix_socket && request.peer.uid) {
    principal = of_uid(*request.peer.uid);
  } else {
    return no_token();
  }
  if (*principal.scope < *scope) {
    return Problem{403, "forbidden",
                   fmt::format("{} may {}; this needs {}", principal.name, name(*principal.scope),
                               name(*scope)),
                   fmt::format("amdahl token create NAME --scope {}", name(*scope))};
  }
  return principal;
}

bool Gate::too_fast(const Route& route, const Request& request, Now now) {
  if (per_second_ <= 0 || route.access == Access::hook ||
      request.peer.via == Peer::Via::unix_socket)
    return false;
  const auto token = request.bearer();
  const auto key = token.empty() ? request.peer.address : core::hex(core::sha256(token));
  const std::lock_guard lock{mutex_};
  if (buckets_.size() >= remembered_max) buckets_.clear();
  auto [it, fresh] = buckets_.try_emplace(key, Bucket{2 * per_second_, now});
  auto& bucket = it->second;
  const double since = std::chrono::duration<double>(now - bucket.at).count();
  bucket.tokens = std::min(2 * per_second_, bucket.tokens + since * per_second_);
  bucket.at = now;
  if (bucket.tokens < 1) return true;
  bucket.tokens -= 1;
  return false;
}

}  // namespace amdahl::http
