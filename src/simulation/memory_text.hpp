#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amdahl/simulation/memory_state.hpp"

// Texts as PostgreSQL writes them: digests and the hash chain are made of them.
namespace amdahl::simulation {

/// jsonb_out: keys by length, then by bytes; one space after colon and comma.
std::string jsonb_out(const nlohmann::json& value);
/// A double precision value that became jsonb.
std::string jsonb_number(double value);
std::string jsonb_string(std::string_view text);

/// amdahl._digest.
Hash digest(const nlohmann::json& value);

/// An object whose members are jsonb already, in any order.
class Payload {
 public:
  Payload& add(std::string_view key, std::string jsonb);
  Payload& text(std::string_view key, std::string_view value);
  Payload& number(std::string_view key, std::int64_t value);
  Payload& flag(std::string_view key, bool value);
  std::string str();

 private:
  std::vector<std::pair<std::string_view, std::string>> members_;
};

/// The first characters, not bytes: SQL's left().
std::string left(std::string_view text, std::size_t characters);

/// amdahl._ts: RFC 3339, UTC, microseconds.
std::string timestamp(std::int64_t us);
/// The month: 2026-08.
std::string month(std::int64_t us);

}  // namespace amdahl::simulation
