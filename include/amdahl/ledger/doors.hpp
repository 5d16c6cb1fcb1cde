#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/ledger/errors.hpp"

namespace amdahl::ledger {

/// One webhook as it is stored before it is acknowledged. It wakes reconciliation and nothing else.
struct Delivery {
  std::string source;     ///< the door and its cluster, `slurm/alpha`; ids are unique within it
  std::string id;         ///< `webhook-id`, or what the door makes of a body without one
  std::string cluster;    ///< empty = unknown
  std::string kind;       ///< `slurm.job.ended`; empty = unknown content
  std::string native_id;  ///< empty = unknown
  std::string run_key;    ///< empty = not one of ours
  nlohmann::json body;    ///< without what is not to be kept
};

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

enum class Posted { fresh, same, other, ended, unknown };

/// What the doors of the service write and ask beside the loop; none of it changes a state. Every
/// call is one transaction and throws only the types of errors.hpp. Not thread-safe.
class Doors {
 public:
  virtual ~Doors() = default;

  /// All in one commit. Answers in order whether each was new. Throws Refused (AM012) when too many
  /// wait already.
  virtual std::vector<bool> put_deliveries(std::span<const Delivery> deliveries) = 0;
  /// Makes a delivery pending once more, so that the leader looks again; false: there is none.
  virtual bool replay_delivery(std::int64_t number) = 0;
  /// Whether a delivery or a command waits for the leader.
  virtual bool inbox_waits() = 0;

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
