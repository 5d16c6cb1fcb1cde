#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace amdahl::core {

/// What an expected failure is about; decides the exit code and the HTTP status.
enum class ErrorCode {
  invalid_input,   ///< a file, argument or message that a person or program wrote is wrong
  invalid_config,  ///< the service's configuration is wrong
  not_found,
  conflict,     ///< state changed meanwhile, or a lock is held
  not_allowed,  ///< rights, budget or approval are missing
  unreachable,  ///< the ledger, service or scheduler does not answer
  failed,       ///< an outside program or check failed
  timed_out,
};

/// An expected failure: what was tried, on what, and what to do about it.
struct Error {
  ErrorCode code = ErrorCode::failed;
  std::string message;  ///< one sentence, naming the place (`job.toml:7:3`) where there is one
  std::string hint;     ///< what to do; empty when nothing can be said

  friend bool operator==(const Error&, const Error&) = default;
};

/// Thrown only by `Result::value()` on an error nobody looked at: a bug of ours.
struct UncheckedError : std::logic_error {
  explicit UncheckedError(const Error& error) : std::logic_error{error.message} {}
};

[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location&) {
  throw UncheckedError{error};
}

/// Either a value or an expected failure. Broken infrastructure throws instead.
template <class T>
using Result = boost::system::result<T, Error>;

inline Error invalid_input(std::string message, std::string hint = {}) {
  return {ErrorCode::invalid_input, std::move(message), std::move(hint)};
}

/// An outside program or check failed.
inline Error failed(std::string message, std::string hint = {}) {
  return {ErrorCode::failed, std::move(message), std::move(hint)};
}

}  // namespace amdahl::core
