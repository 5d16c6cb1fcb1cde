#include "slurm_token.hpp"

#include <fmt/format.h>

#include <limits>

#include "amdahl/run_files/durable.hpp"
#include "program.hpp"
#include "slurm_environment.hpp"
#include "slurm_rest_texts.hpp"

namespace amdahl::scheduler_adapters::slurm {

using core::Error;
using core::ErrorCode;
using core::Result;

namespace {

constexpr std::size_t token_bytes_max = 16 * 1024;
constexpr std::int64_t spare_s = 60;  // before its end, for a request that is on its way

bool is_token(const std::string& text) {
  return !text.empty() && text.find_first_of(" \t\r\n") == std::string::npos;
}

}  // namespace

std::int64_t TokenSource::now_s() const {
  return std::chrono::floor<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
}

Result<std::string> TokenSource::token(std::chrono::milliseconds within) {
  return renews_itself() ? of_command(within) : of_file();
}

bool TokenSource::refused() {
  held_.clear();
  return renews_itself();
}

std::string TokenSource::fix() const {
  if (renews_itself()) return "what does token_command print? run it as the service's user";
  return "scontrol token username=… lifespan=… > " + options_.token_file.string() +
         ", or set token_command, which renews it";
}

Result<std::string> TokenSource::of_file() const {
  const auto text = run_files::read_file(options_.token_file, token_bytes_max);
  if (!text) {
    return Error{ErrorCode::not_allowed, "token_file: " + text.error().message,
                 "scontrol token username=… lifespan=… > FILE; chmod 600 FILE"};
  }
  auto token = token_of(*text);
  if (is_token(token)) return token;
  return Error{ErrorCode::not_allowed,
               "token_file: " + options_.token_file.string() + " holds no token",
               "scontrol token username=… lifespan=… > FILE"};
}

Result<std::string> TokenSource::of_command(std::chrono::milliseconds within) {
  if (!held_.empty() && now_s() < renew_at_) return held_;
  const auto ran = run_program({options_.token_command, environment_of_commands()}, within, clock_);
  const auto failed = [&](const std::string& why) {
    return Error{ErrorCode::not_allowed,
                 fmt::format("token_command: {} {}", options_.token_command.front(), why), fix()};
  };
  if (ran.end == Ran::End::not_started) return failed("could not be run: " + ran.error);
  if (ran.end != Ran::End::exited) return failed("did not end in time");
  if (ran.status != 0)
    return failed(
        fmt::format("ended with {}: {}", ran.status, ran.error.substr(0, ran.error.find('\n'))));
  auto token = token_of(ran.output);
  if (!is_token(token)) return failed("printed no token");
  held_ = std::move(token);
  // Half of a short life is left to it, and all but a minute of a long one used.
  const auto now = now_s();
  const auto expiry = token_expiry(held_).value_or(std::numeric_limits<std::int64_t>::max());
  renew_at_ = std::max(expiry - spare_s, now + (expiry - now) / 2);
  return held_;
}

}  // namespace amdahl::scheduler_adapters::slurm
