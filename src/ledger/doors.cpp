#include "amdahl/ledger/doors.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "door_settings.hpp"
#include "pq.hpp"
#include "statements.hpp"

namespace amdahl::ledger {

using pq::Arg;
using pq::Effect;

namespace {

constexpr std::array<std::string_view, 4> scope_names{"read", "propose", "operate", "admin"};

Arg or_null(const std::string& text) { return text.empty() ? Arg{} : Arg{text}; }

class PostgresDoors final : public Doors {
 public:
  explicit PostgresDoors(const std::string& url) : session_{url, door_settings()} {}

  bool replay_delivery(std::int64_t number) override {
    return truth(statements::replay_delivery, {std::to_string(number)}, Effect::writes);
  }

  Inbox inbox() override {
    const auto marks = nlohmann::json::parse(
        session_.value(statements::inbox, {}, Effect::reads).value_or("[0,0]"));
    return {marks.at(0), marks.at(1)};
  }

  std::int64_t put_token(std::string_view token, std::string_view sha256, TokenScope scope,
                         std::optional<std::int64_t> expires_at_us) override {
    const auto id =
        session_.value(statements::put_token,
                       {std::string{token}, std::string{sha256}, std::string{name(scope)},
                        or_null(expires_at_us ? std::to_string(*expires_at_us) : "")},
                       Effect::writes);
    return std::stoll(id.value_or("0"));
  }

  bool revoke_token(std::string_view token) override {
    return truth(statements::revoke_token, {std::string{token}}, Effect::writes);
  }

  std::optional<Token> find_token(std::string_view sha256) override {
    const auto text = session_.value(statements::find_token, {std::string{sha256}}, Effect::reads);
    if (!text) return std::nullopt;
    const auto row = nlohmann::json::parse(*text);
    return Token{row.at("token"), row.at("name"),
                 token_scope(row.at("scope").get<std::string>()).value_or(TokenScope::read),
                 row.at("state") == "live"};
  }

  Posted post_result(std::string_view run_key, std::string_view body) override {
    const auto word = session_.value(statements::post_result,
                                     {std::string{run_key}, std::string{body}}, Effect::writes);
    if (word == "new") return Posted::fresh;
    if (word == "same") return Posted::same;
    if (word == "other") return Posted::other;
    return word == "ended" ? Posted::ended : Posted::unknown;
  }

 private:
  bool truth(const char* sql, const std::vector<Arg>& args, Effect effect) {
    return session_.value(sql, args, effect) == "t";
  }

  pq::Session session_;
};

}  // namespace

std::string_view name(TokenScope scope) { return scope_names.at(static_cast<std::size_t>(scope)); }

std::optional<TokenScope> token_scope(std::string_view word) {
  for (std::size_t i = 0; i < scope_names.size(); ++i) {
    if (scope_names.at(i) == word) return static_cast<TokenScope>(i);
  }
  return std::nullopt;
}

std::unique_ptr<Doors> open_doors(const std::string& url) {
  return std::make_unique<PostgresDoors>(url);
}

}  // namespace amdahl::ledger
