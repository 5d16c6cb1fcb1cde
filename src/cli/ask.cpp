#include "ask.hpp"

#include <fmt/format.h>

#include <random>

#include "services.hpp"

namespace amdahl::cli {

namespace {

using namespace std::chrono_literals;
using core::Error;
using core::ErrorCode;
using core::Result;
using nlohmann::json;

constexpr auto answer_interval = 50ms;
constexpr std::chrono::milliseconds default_patience = 30s;

std::string command_key() {
  std::random_device random;
  return fmt::format("cli-{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::string not_found_text(std::string_view view, const json& args) {
  if (args.contains("experiment"))
    return fmt::format("there is no EXP-{}", args["experiment"].dump());
  if (args.contains("name")) return fmt::format("no job is called {}", args["name"].dump());
  return fmt::format("there is no such {}", view);
}

// Somebody leads as long as the head moves; a head that stood still for one TTL belongs to nobody.
class LeaderWatch {
 public:
  LeaderWatch(Context& context, ledger::Ledger& ledger, std::chrono::milliseconds ttl)
      : context_{context}, ledger_{ledger}, ttl_{ttl} {}

  bool nobody_leads() {
    const auto head = ledger_.head();
    if (head.term.empty() || head.released) return true;
    const auto now = context_.env.clock.since_boot();
    if (head.term != term_ || head.renew_seq != renew_seq_ || head.head_seq != head_seq_) {
      term_ = head.term;
      renew_seq_ = head.renew_seq;
      head_seq_ = head.head_seq;
      since_ = now;
    }
    holder_ = head.holder;
    return now - since_ > ttl_;
  }
  const std::string& holder() const { return holder_; }

 private:
  Context& context_;
  ledger::Ledger& ledger_;
  std::chrono::milliseconds ttl_;
  std::string term_, holder_;
  std::int64_t renew_seq_ = -1, head_seq_ = -1;
  core::BootTime since_{0};
};

}  // namespace

Result<void> read_view(Context& context, std::string_view view, const json& args, json& document) {
  const bool only_there = view == "verify" || view == "tokens";
  const auto ledger = only_there ? context.services.own_ledger() : context.services.ledger();
  if (!ledger) return ledger.error();
  document = (*ledger)->read(view, args);
  if (document.is_null()) return Error{ErrorCode::not_found, not_found_text(view, args), {}};
  return {};
}

json status_query(const Config& config) {
  return {{"lease_ttl_s", std::chrono::duration<double>{config.lease_ttl}.count()}};
}

Result<void> result_of(const json& answer) {
  if (answer.value("ok", false)) return {};
  const auto word = answer.value("code", std::string{});
  auto code = ErrorCode::invalid_input;
  if (word == "not_found") code = ErrorCode::not_found;
  if (word == "conflict") code = ErrorCode::conflict;
  if (word == "not_allowed") code = ErrorCode::not_allowed;
  return Error{code, answer.value("error", "the loop refused and gave no reason"),
               answer.value("hint", "")};
}

Result<void> ask_leader(Context& context, std::string_view verb, const json& args, json& answer,
                        MayStart may_start) {
  const auto ledger = context.services.ledger();
  if (!ledger) return ledger.error();
  const auto config = context.services.configuration();
  if (!config) return config.error();
  const auto key = command_key();
  (*ledger)->put_command(key, verb, args);
  auto& env = context.env;
  LeaderWatch watch{context, **ledger, config->lease_ttl};
  const auto until = env.clock.since_boot() + context.options.timeout.value_or(default_patience);
  const auto answered = [&] {
    const auto found = (*ledger)->command_answer(key);
    if (found) answer = *found;
    return found.has_value();
  };
  const auto late = [&] { return env.clock.since_boot() > until; };
  while (!answered()) {
    if (env.interrupted())
      return Error{ErrorCode::failed, "interrupted; the request stays in the inbox", {}};
    if (late()) {
      return Error{ErrorCode::timed_out,
                   "there is no answer yet; the request stays in the inbox" +
                       (watch.holder().empty() ? "" : " of " + watch.holder()),
                   "amdahl status"};
    }
    // A service that answers leads, or will as soon as nobody does.
    if (context.services.service() == nullptr && watch.nobody_leads()) {
      Drive drive;
      drive.observe = true;
      drive.commands_only = may_start == MayStart::nothing;
      drive.done = [&] { return answered() || late(); };
      if (const auto driven = context.services.drive(drive); !driven) return driven.error();
      continue;
    }
    env.sleep(answer_interval);
  }
  return result_of(answer);
}

}  // namespace amdahl::cli
