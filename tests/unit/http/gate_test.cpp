#include "gate.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <stdexcept>

#include "amdahl/core/sha256.hpp"

namespace amdahl::http {
namespace {

using ledger::TokenScope;

constexpr std::uint32_t stranger = 12'345;

/// Knows one token, which may read.
class OneToken final : public ledger::Doors {
 public:
  bool replay_delivery(std::int64_t) override { throw std::logic_error{"not asked here"}; }
  ledger::Inbox inbox() override { throw std::logic_error{"not asked here"}; }
  std::int64_t put_token(std::string_view, std::string_view, TokenScope,
                         std::optional<std::int64_t>) override {
    throw std::logic_error{"not asked here"};
  }
  bool revoke_token(std::string_view) override { throw std::logic_error{"not asked here"}; }
  std::optional<ledger::Token> find_token(std::string_view sha256) override {
    if (sha256 != core::hex(core::sha256("amd_reader"))) return std::nullopt;
    return ledger::Token{1, "reader", TokenScope::read, true};
  }
  ledger::Posted post_result(std::string_view, std::string_view) override {
    throw std::logic_error{"not asked here"};
  }
};

class TokenDesk final : public Desk {
 public:
  ledger::Ledger& ledger() override { throw std::logic_error{"no ledger here"}; }
  ledger::Doors& doors() override { return doors_; }

 private:
  OneToken doors_;
};

using Admitted = std::variant<Principal, Problem>;

Admitted admit(Access access, Peer peer, const std::string& token = "") {
  Request request;
  request.peer = std::move(peer);
  if (!token.empty()) request.headers = {{"authorization", "Bearer " + token}};
  Route route{"GET", "/thing", access, "thing", "a thing"};
  route.immediate = true;
  TokenDesk desk;
  Gate gate{0};  // without a pace
  const bool asks_ledger = Gate::needs_desk(route, request);
  CHECK((asks_ledger || token.empty()));
  return gate.admit(route, request, asks_ledger ? &desk : nullptr, {});
}

Peer user(std::uint32_t uid) { return {Peer::Via::unix_socket, "", uid}; }
const Peer from_here{Peer::Via::loopback, "127.0.0.1", std::nullopt};
const Peer from_elsewhere{Peer::Via::network, "192.0.2.7", std::nullopt};

int refused(const Admitted& admitted) {
  const auto* problem = std::get_if<Problem>(&admitted);
  return problem == nullptr ? 0 : problem->status;
}

std::string who(const Admitted& admitted) {
  const auto* principal = std::get_if<Principal>(&admitted);
  if (principal == nullptr) return std::get<Problem>(admitted).kind;
  if (!principal->scope) return "anybody";
  return fmt::format("{} may {}", principal->name, name(*principal->scope));
}

}  // namespace

TEST_CASE("another user of this machine may look and no more", "[http][gate]") {
  REQUIRE(::geteuid() != stranger);
  CHECK(who(admit(Access::read, user(stranger))) == "uid 12345 may read");
  for (const auto access : {Access::propose, Access::operate, Access::admin})
    CHECK(refused(admit(access, user(stranger))) == 403);
}

TEST_CASE("root and whose service this is may do everything on its socket", "[http][gate]") {
  const auto uid = GENERATE(std::uint32_t{0}, std::uint32_t{::geteuid()});
  for (const auto access : {Access::read, Access::propose, Access::operate, Access::admin})
    CHECK(who(admit(access, user(uid))) == fmt::format("uid {} may admin", uid));
}

TEST_CASE("a peer of the socket without a known user needs a token", "[http][gate]") {
  const Peer unknown{Peer::Via::unix_socket, "", std::nullopt};
  CHECK(who(admit(Access::read, unknown)) == "no-token");
  // A token that is shown counts, not the user who shows it.
  CHECK(refused(admit(Access::operate, user(0), "amd_reader")) == 403);
}

TEST_CASE("what all of this machine may see needs a token elsewhere", "[http][gate]") {
  CHECK(who(admit(Access::local, from_here)) == "anybody");
  CHECK(who(admit(Access::local, user(stranger))) == "anybody");
  CHECK(refused(admit(Access::local, from_elsewhere)) == 401);
  CHECK(who(admit(Access::local, from_elsewhere, "amd_reader")) == "reader may read");
  CHECK(who(admit(Access::local, from_elsewhere, "amd_nobody")) == "wrong-token");
}

TEST_CASE("over TCP an address is no proof of who asks", "[http][gate]") {
  const auto peer = GENERATE(from_here, from_elsewhere);
  for (const auto access : {Access::read, Access::operate, Access::admin})
    CHECK(refused(admit(access, peer)) == 401);
  CHECK(who(admit(Access::read, peer, "amd_reader")) == "reader may read");
  CHECK(refused(admit(Access::propose, peer, "amd_reader")) == 403);
}

}  // namespace amdahl::http
