#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// The only door to libpqxx. Compiled as C++17 (libpqxx 7.8 built so does not link into C++20), so
// nothing here may need C++20 or name a type of pqxx.
namespace amdahl::ledger::pq {

/// A parameter in PostgreSQL's text form; empty = NULL.
using Arg = std::optional<std::string>;

/// What a lost connection means: a read may be repeated, a write is in doubt.
enum class Effect { reads, writes };

struct Settings {
  int statement_timeout_ms = 5'000;
  int lock_timeout_ms = 2'000;
  /// What a statement may take beyond its timeout: the commit and the way of the answer. After that
  /// the server counts as lost, whatever keeps it.
  int answer_margin_ms = 2'000;
};

class Transaction {
 public:
  virtual ~Transaction() = default;
  /// The first column of the first row; empty when NULL or no row.
  virtual std::optional<std::string> value(const std::string& sql,
                                           const std::vector<Arg>& args) = 0;
  /// All rows, NULL as empty text.
  virtual std::vector<std::vector<std::string>> rows(const std::string& sql) = 0;
  /// Many statements at once, without parameters.
  virtual void script(const std::string& sql) = 0;
};

/// One connection, made at the first use and again after every error: no statement relies on the
/// state of a session. Every call ends within its deadline, whether the server answers or not.
/// Throws the types of errors.hpp; messages never contain the URL.
class Session {
 public:
  Session(std::string url, Settings settings);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// One statement in autocommit: one round trip.
  std::optional<std::string> value(const std::string& sql, const std::vector<Arg>& args,
                                   Effect effect);
  /// The same of a statement that comes many times a second: parsed once a connection.
  std::optional<std::string> prepared(const std::string& sql, const std::vector<Arg>& args,
                                      Effect effect);
  /// Commits when `work` returns, rolls back when it throws.
  void in_transaction(const std::function<void(Transaction&)>& work);
  /// As PostgreSQL counts: 150018.
  int server_version();
  std::int64_t round_trips() const { return round_trips_; }

 private:
  struct Connection;
  Connection& connection();
  std::optional<std::string> ask(const std::string& sql, const std::vector<Arg>& args,
                                 Effect effect, bool parse_anew);

  std::string url_;
  Settings settings_;
  std::unique_ptr<Connection> connection_;
  std::int64_t round_trips_ = 0;
};

}  // namespace amdahl::ledger::pq
