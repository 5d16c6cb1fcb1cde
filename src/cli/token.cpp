#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <ostream>

#include "amdahl/core/quantity.hpp"
#include "amdahl/core/sha256.hpp"
#include "amdahl/ledger/doors.hpp"
#include "ask.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "report.hpp"
#include "services.hpp"
#include "table.hpp"

// Bearer tokens of the HTTP API: made here, shown once, kept as a digest.

namespace amdahl::cli {

namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using nlohmann::json;

constexpr std::size_t secret_bytes = 32;
constexpr std::size_t name_max = 100;
constexpr std::string_view name_alphabet =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-";

Result<std::string> new_token() {
  std::array<unsigned char, secret_bytes> secret{};
  if (::getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size()))
    return Error{ErrorCode::failed, "the system gives no random bytes", ""};
  constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::string token = "amd_";
  unsigned held = 0, bits = 0;
  for (const auto byte : secret) {
    held = (held << 8U) | byte;
    for (bits += 8; bits >= 5; bits -= 5) token += alphabet[(held >> (bits - 5)) & 31U];
  }
  return token + alphabet[(held << (5 - bits)) & 31U];
}

Result<std::string> checked_name(const std::string& name) {
  if (!name.empty() && name.size() <= name_max &&
      name.find_first_not_of(name_alphabet) == std::string::npos)
    return name;
  return core::invalid_input("\"" + name + "\" cannot name a token",
                             "at most 100 of a-z, A-Z, 0-9, ., _, @ and -");
}

Result<ledger::TokenScope> scope_of(const Args& args) {
  const auto word = args.text("scope");
  if (const auto scope = ledger::token_scope(word)) return *scope;
  return core::invalid_input("--scope " + word + " is not known",
                             "read, propose, operate or admin; each holds those before it");
}

// When it ends, in microseconds of the wall clock; none = never.
Result<std::optional<std::int64_t>> end_of(const Environment& env, const Args& args) {
  if (!args.has("expires")) return std::optional<std::int64_t>{};
  const auto life = core::parse_duration(args.text("expires"));
  constexpr std::chrono::hours longest{24 * 3660};
  if (!life || *life > longest)
    return core::invalid_input("--expires " + args.text("expires") + " is no duration",
                               "like 90d or 12h, at most ten years");
  const auto end = env.clock.now() + std::chrono::microseconds{*life};
  return std::optional{static_cast<std::int64_t>(end.time_since_epoch().count())};
}

std::string utc_text(std::int64_t microseconds) {
  const auto seconds = static_cast<std::time_t>(microseconds / 1'000'000);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(seconds));
}

Result<void> store(Context& context, const std::string& name, const std::string& token,
                   ledger::TokenScope scope, std::optional<std::int64_t> end) {
  const auto url = context.services.ledger_url();
  if (!url) return url.error();
  constexpr auto unique_violation = "23505";  // SQLSTATE
  try {
    ledger::open_doors(*url)->put_token(name, core::hex(core::sha256(token)), scope, end);
  } catch (const ledger::Refused& refused) {
    if (refused.sqlstate != unique_violation) throw;
    return Error{ErrorCode::conflict, "there is a token " + name + " already",
                 "take another name, or amdahl token revoke " + name};
  }
  return {};
}

ExitCode run_create(Context& context, const Args& args) {
  auto& env = context.env;
  const auto name = checked_name(args.text("NAME"));
  if (!name) return report(env, name.error());
  const auto scope = scope_of(args);
  if (!scope) return report(env, scope.error());
  const auto end = end_of(env, args);
  if (!end) return report(env, end.error());
  const auto token = new_token();
  if (!token) return report(env, token.error());
  if (const auto stored = store(context, *name, *token, *scope, *end); !stored)
    return report(env, stored.error());
  const json document{{"schema", "amdahl.token/v1"},
                      {"name", *name},
                      {"scope", ledger::name(*scope)},
                      {"token", *token},
                      {"expires_at", *end ? json(utc_text(**end)) : json(nullptr)}};
  if (print_document(context, document)) return ExitCode::ok;
  env.out << *token << '\n';
  if (!context.options.quiet) {
    env.err << fmt::format("{} may {}{}; it is shown this once\nundo: amdahl token revoke {}\n",
                           *name, ledger::name(*scope),
                           *end ? " until " + utc_text(**end) : std::string{}, *name);
  }
  return ExitCode::ok;
}

ExitCode run_list(Context& context, const Args&) {
  json document;
  if (const auto read = read_view(context, "tokens", json::object(), document); !read)
    return report(context.env, read.error());
  Table table{{{"name", "NAME"},
               {"scope", "SCOPE"},
               {"state", "STATE"},
               {"made", "MADE"},
               {"expires", "EXPIRES"},
               {"revoked", "REVOKED", false, true},
               {"by", "MADE BY", false, true}}};
  const auto time = [&](const json& row, const char* field) {
    const auto value = row.value(field, json{});
    return value.is_null() ? std::string{} : time_text(value, context.options);
  };
  for (const auto& row : document["tokens"]) {
    table.add({text_or(row.value("name", json{}), "unknown"),
               text_or(row.value("scope", json{}), "unknown"),
               text_or(row.value("state", json{}), "unknown"), time(row, "made_at"),
               time(row, "expires_at"), time(row, "revoked_at"),
               text_or(row.value("made_by", json{}), "")});
  }
  return print_list(context, document, "tokens", table,
                    "no tokens: amdahl token create NAME --scope read");
}

ExitCode run_revoke(Context& context, const Args& args) {
  const auto name = args.text("NAME");
  const auto url = context.services.ledger_url();
  if (!url) return report(context.env, url.error());
  if (!ledger::open_doors(*url)->revoke_token(name)) {
    return report(context.env, {ErrorCode::not_found, "no live token is called \"" + name + "\"",
                                "amdahl token list"});
  }
  if (print_document(context,
                     {{"schema", "amdahl.token_revoke/v1"}, {"name", name}, {"revoked", true}}))
    return ExitCode::ok;
  context.env.out << name << " is revoked: it opens nothing within 2 s\n";
  return ExitCode::ok;
}

}  // namespace

Command token_command() {
  return {"token",
          "who may ask the service over HTTP",
          "  amdahl token create ci --scope propose --expires 90d\n  amdahl token list",
          {},
          {},
          nullptr,
          {{"create",
            "make a token and show it, once",
            "  amdahl token create ci --scope propose --expires 90d\n"
            "  amdahl token create grafana --scope read -q > token",
            {{"NAME", "", "what it is called, for the record", true}},
            {{"--scope", "SCOPE", "read, propose, operate or admin", true},
             {"--expires", "TIME", "for how long, like 90d (for ever)"}},
            run_create,
            {}},
           {"list",
            "all tokens, never the secret",
            "  amdahl token list\n  amdahl token list -o json",
            {},
            {},
            run_list,
            {}},
           {"revoke",
            "a token opens nothing any more",
            "  amdahl token revoke ci\n  amdahl token revoke ci -o json",
            {{"NAME", "", "as amdahl token list shows it", true}},
            {},
            run_revoke,
            {}}}};
}

}  // namespace amdahl::cli
