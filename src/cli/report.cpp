#include "report.hpp"

#include <fmt/format.h>

#include <ostream>

#include "amdahl/core/sha256.hpp"
#include "amdahl/ledger/errors.hpp"
#include "http_ledger.hpp"

namespace amdahl::cli {

using core::Error;
using core::ErrorCode;

ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_input:
      return ExitCode::usage;
    case ErrorCode::invalid_config:
      return ExitCode::bad_config;
    case ErrorCode::not_found:
      return ExitCode::not_found;
    case ErrorCode::conflict:
      return ExitCode::conflict;
    case ErrorCode::not_allowed:
      return ExitCode::not_allowed;
    case ErrorCode::unreachable:
      return ExitCode::unreachable;
    case ErrorCode::failed:
      return ExitCode::check_failed;
    case ErrorCode::timed_out:
      return ExitCode::timed_out;
  }
  return ExitCode::bug;
}

ExitCode report(Environment& env, const Error& error, ExitCode code) {
  env.err << "amdahl: " << error.message << '\n';
  if (!error.hint.empty()) env.err << "  " << error.hint << '\n';
  return code;
}

ExitCode report(Environment& env, const Error& error) {
  return report(env, error, exit_code_of(error.code));
}

namespace {

ExitCode report_bug(Environment& env, const std::string& what) {
  const auto id = core::hex(core::sha256(what)).substr(0, 12);
  return report(env,
                {ErrorCode::failed, "bug: " + what,
                 "report " + id + "; the ledger is safe, the command may be repeated"},
                ExitCode::bug);
}

}  // namespace

ExitCode run_guarded(Context& context, const Command& command, const Args& args) {
  auto& env = context.env;
  try {
    const auto code = command.run(context, args);
    const bool cut_short = code == ExitCode::check_failed || code == ExitCode::timed_out;
    return cut_short && env.interrupted() ? ExitCode::interrupted : code;
  } catch (const ServiceUnavailable& error) {
    return report(env, error.error);
  } catch (const ServiceRefused& error) {
    return report(env, error.error);
  } catch (const ledger::Unavailable& error) {
    return report(
        env, {ErrorCode::unreachable, std::string{"the ledger does not answer: "} + error.what(),
              "is PostgreSQL up? amdahl doctor"});
  } catch (const ledger::OutcomeUnknown& error) {
    return report(env, {ErrorCode::unreachable,
                        std::string{"the connection broke at a commit: "} + error.what(),
                        "it is done or not done; repeating the command is safe"});
  } catch (const ledger::SchemaMismatch& error) {
    return report(env, {ErrorCode::unreachable, error.what(), "amdahl db migrate --plan"});
  } catch (const ledger::Altered& error) {
    return report(env, {ErrorCode::failed, error.what(),
                        "nothing is repaired by itself: bring back a copy; amdahl ledger verify"});
  } catch (const ledger::Fenced& error) {
    return report(env,
                  {ErrorCode::conflict, std::string{"another loop leads: "} + error.what(), {}});
  } catch (const ledger::Refused& error) {
    constexpr auto invalid_parameter = "22023";  // SQLSTATE: what was asked for does not exist
    if (error.sqlstate == invalid_parameter) return report(env, core::invalid_input(error.what()));
    return report(env, {ErrorCode::conflict, std::string{"the ledger refused: "} + error.what(),
                        "see amdahl status; nothing was changed"});
  } catch (const std::exception& error) {
    return report_bug(env, error.what());
  }
}

}  // namespace amdahl::cli
