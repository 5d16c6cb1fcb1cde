#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "amdahl/ledger/errors.hpp"

namespace amdahl::ledger {

enum class TokenScope { read, propose, operate, admin };  // each holds those before it
std::string_view name(TokenScope scope);
std::optional<TokenScope> token_scope(std::string_view word);

/// Who a bearer token stands for.
struct Token {
  std::int64_t id = 0;
  std::string name;
  TokenScope scope = TokenScope::read;
  bool live = false;  ///< neither revoked nor expired
};

/// What waits for the leader, by the newest number of each kind; 0 = none.
struct Inbox {
  std::int64_t delivery = 0;
  std::int64_t command = 0;
};

enum class Posted { fresh, same, other, ended, unknown };

/// What the doors of the service write and ask beside the loop, deliveries apart
/// (delivery_channel.hpp); none of it changes a state. Every call is one transaction and throws
/// only the types of errors.hpp. Not thread-safe.
class Doors {
 public:
  virtual ~Doors() = default;

  /// Makes a delivery pending once more, so that the leader looks again; false: there is none.
  virtual bool replay_delivery(std::int64_t number) = 0;
  /// The newest delivery and command that wait for the leader.
  virtual Inbox inbox() = 0;

  /// `sha256`: hex digest of the token. Throws Refused (23505) when the name is taken.
  virtual std::int64_t put_token(std::string_view name, std::string_view sha256, TokenScope scope,
                                 std::optional<std::int64_t> expires_at_us) = 0;
  virtual bool revoke_token(std::string_view name) = 0;
  virtual std::optional<Token> find_token(std::string_view sha256) = 0;

  virtual Posted post_result(std::string_view run_key, std::string_view body) = 0;
};

/// Connects at its first call, as the service's role.
std::unique_ptr<Doors> open_doors(const std::string& url);

}  // namespace amdahl::ledger
