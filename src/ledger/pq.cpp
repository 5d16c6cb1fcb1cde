#include "pq.hpp"

#include <chrono>
#include <mutex>
#include <optional>
#include <pqxx/pqxx>
#include <set>
#include <utility>

#include "amdahl/ledger/errors.hpp"
#include "conninfo.hpp"
#include "sqlstate.hpp"
#include "watchdog.hpp"

namespace amdahl::ledger::pq {
namespace {

// The shim over the versions: 6.4 (Debian 12), 7.8 (Ubuntu 24.04), 7.10 (Debian 13).
#if PQXX_VERSION_MAJOR >= 7
pqxx::params params_of(const std::vector<Arg>& args) {
  pqxx::params params;
  for (const auto& arg : args) {
    if (arg) {
      params.append(*arg);
    } else {
      params.append();
    }
  }
  return params;
}

pqxx::result execute(pqxx::transaction_base& tx, const std::string& sql,
                     const std::vector<Arg>& args) {
#if PQXX_VERSION_MAJOR > 7 || PQXX_VERSION_MINOR >= 10
  return tx.exec(sql, params_of(args));
#else
  return tx.exec_params(sql, params_of(args));
#endif
}

pqxx::result execute_prepared(pqxx::transaction_base& tx, const std::string& name,
                              const std::vector<Arg>& args) {
#if PQXX_VERSION_MAJOR > 7 || PQXX_VERSION_MINOR >= 10
  return tx.exec(pqxx::prepped{name}, params_of(args));
#else
  return tx.exec_prepared(name, params_of(args));
#endif
}
#else
std::vector<const char*> texts_of(const std::vector<Arg>& args) {
  std::vector<const char*> texts;
  texts.reserve(args.size());
  for (const auto& arg : args) texts.push_back(arg ? arg->c_str() : nullptr);
  return texts;
}

pqxx::result execute(pqxx::transaction_base& tx, const std::string& sql,
                     const std::vector<Arg>& args) {
  return tx.exec_params(sql, pqxx::prepare::make_dynamic_params(texts_of(args)));
}

pqxx::result execute_prepared(pqxx::transaction_base& tx, const std::string& name,
                              const std::vector<Arg>& args) {
  return tx.exec_prepared(name, pqxx::prepare::make_dynamic_params(texts_of(args)));
}
#endif

#if PQXX_VERSION_MAJOR < 7
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
// What 6.4 reconnects behind our back nobody watches. 7 never does.
void inhibit_reconnecting(pqxx::connection& connection) { connection.inhibit_reactivation(true); }
#pragma GCC diagnostic pop

// The first result of a process fills a table of encodings. Two threads that do so at once are kept
// apart by a guard inside the library, which tsan does not see: asking for it here needs no round
// trip.
void fill_encodings(const pqxx::connection& connection) {
  static std::once_flag once;
  std::call_once(once, [&] { connection.esc_like(""); });
}
#endif

std::optional<std::string> first_value(const pqxx::result& result) {
  if (result.empty() || result[0].empty() || result[0][0].is_null()) return std::nullopt;
  return std::string{result[0][0].c_str(), result[0][0].size()};
}

// 6.4 drops the code of the classes that it has a type for.
std::string sqlstate_of(const pqxx::sql_error& error) {
  if (!error.sqlstate().empty()) return error.sqlstate();
  const auto is = [&](auto* type) { return dynamic_cast<decltype(type)>(&error) != nullptr; };
  if (is(static_cast<const pqxx::insufficient_privilege*>(nullptr))) return "42501";
  if (is(static_cast<const pqxx::undefined_table*>(nullptr))) return "42P01";
  if (is(static_cast<const pqxx::undefined_column*>(nullptr))) return "42703";
  if (is(static_cast<const pqxx::undefined_function*>(nullptr))) return "42883";
  if (is(static_cast<const pqxx::syntax_error*>(nullptr))) return "42601";
  if (is(static_cast<const pqxx::unique_violation*>(nullptr))) return "23505";
  if (is(static_cast<const pqxx::foreign_key_violation*>(nullptr))) return "23503";
  if (is(static_cast<const pqxx::not_null_violation*>(nullptr))) return "23502";
  if (is(static_cast<const pqxx::check_violation*>(nullptr))) return "23514";
  if (is(static_cast<const pqxx::integrity_constraint_violation*>(nullptr))) return "23000";
  if (is(static_cast<const pqxx::disk_full*>(nullptr))) return "53100";
  if (is(static_cast<const pqxx::out_of_memory*>(nullptr))) return "53200";
  if (is(static_cast<const pqxx::insufficient_resources*>(nullptr))) return "53000";
  if (is(static_cast<const pqxx::data_exception*>(nullptr))) return "22000";
  if (is(static_cast<const pqxx::feature_not_supported*>(nullptr))) return "0A000";
  return "";
}

[[noreturn]] void throw_lost(const std::string& what, Effect effect) {
  const auto message = "the connection to PostgreSQL broke: " + one_line(what);
  if (effect == Effect::writes) throw OutcomeUnknown{message};
  throw Unavailable{message};
}

// Deadlocks and serialization failures, no sql_error in 6.4; caught first, since in 7 they are one.
[[noreturn]] void throw_rolled_back(const pqxx::transaction_rollback& error, Effect effect) {
  if (dynamic_cast<const pqxx::statement_completion_unknown*>(&error) != nullptr) {
    throw_lost(error.what(), effect);
  }
  throw Unavailable{"PostgreSQL gave up: " + one_line(error.what())};
}

[[noreturn]] void throw_sql(const pqxx::sql_error& error, bool open, Effect effect) {
  const auto state = sqlstate_of(error);
  const auto message = one_line(error.what());
  if (state == "AM001") throw Fenced{message};
  if (!open || is_shutdown(state)) throw_lost(message, effect);
  if (is_transient(state)) {
    throw Unavailable{"PostgreSQL gave up (" + state + "): " + message};
  }
  throw Refused{message, state};
}

class OpenTransaction final : public Transaction {
 public:
  OpenTransaction(pqxx::work& tx, std::int64_t& round_trips, std::function<void()> arm)
      : tx_{tx}, round_trips_{round_trips}, arm_{std::move(arm)} {}

  std::optional<std::string> value(const std::string& sql, const std::vector<Arg>& args) override {
    begin();
    return first_value(execute(tx_, sql, args));
  }
  std::vector<std::vector<std::string>> rows(const std::string& sql) override {
    begin();
    std::vector<std::vector<std::string>> out;
    for (const auto& row : tx_.exec(sql)) {
      auto& cells = out.emplace_back();
      for (const auto& field : row) cells.emplace_back(field.c_str(), field.size());
    }
    return out;
  }
  void script(const std::string& sql) override {
    begin();
    tx_.exec(sql);
  }

 private:
  // Each statement has the whole deadline.
  void begin() {
    ++round_trips_;
    arm_();
  }

  pqxx::work& tx_;
  std::int64_t& round_trips_;
  std::function<void()> arm_;
};

}  // namespace

struct Session::Connection {
  Connection(const std::string& conninfo, const Settings& settings)
      : deadline{settings.statement_timeout_ms + settings.answer_margin_ms}, pq{conninfo} {
    dog.emplace(pq.sock());
#if PQXX_VERSION_MAJOR < 7
    inhibit_reconnecting(pq);
    fill_encodings(pq);
#endif
  }
  ~Connection() { dog->arm(deadline); }

  /// The name of the statement, which the server knows from now on.
  std::string prepare(const std::string& sql) {
    auto name = "s" + std::to_string(std::hash<std::string>{}(sql));
    if (prepared.insert(name).second) pq.prepare(name, sql);
    return name;
  }

  std::set<std::string> prepared;
  std::chrono::milliseconds deadline;
  std::optional<Watchdog> dog;  // outlives the connection, whose goodbye it watches
  pqxx::connection pq;
};

Session::Session(std::string url, Settings settings) : url_{std::move(url)}, settings_{settings} {}
Session::~Session() = default;

Session::Connection& Session::connection() {
  if (connection_ && !connection_->dog->bit()) return *connection_;
  connection_.reset();  // the answer came in the moment of its deadline
  const auto conninfo = complete_conninfo(url_, settings_);
  try {
    connection_ = std::make_unique<Connection>(conninfo, settings_);
  } catch (const std::exception& error) {
    throw Unavailable{"PostgreSQL cannot be reached: " + one_line(error.what())};
  }
  return *connection_;
}

std::optional<std::string> Session::value(const std::string& sql, const std::vector<Arg>& args,
                                          Effect effect) {
  return ask(sql, args, effect, true);
}

std::optional<std::string> Session::prepared(const std::string& sql, const std::vector<Arg>& args,
                                             Effect effect) {
  return ask(sql, args, effect, false);
}

std::optional<std::string> Session::ask(const std::string& sql, const std::vector<Arg>& args,
                                        Effect effect, bool parse_anew) {
  auto& open = connection();
  ++round_trips_;
  // A connection that saw an error is not used again: 6.4 would reconnect it behind our back.
  const auto drop = [this] { return std::exchange(connection_, nullptr); };
  try {
    const Watched watched{*open.dog, open.deadline};
    const auto name = parse_anew ? std::string{} : open.prepare(sql);
    pqxx::nontransaction tx{open.pq};
    return first_value(parse_anew ? execute(tx, sql, args) : execute_prepared(tx, name, args));
  } catch (const pqxx::transaction_rollback& error) {
    drop();
    throw_rolled_back(error, effect);
  } catch (const pqxx::sql_error& error) {
    const auto old = drop();
    throw_sql(error, old->pq.is_open(), effect);
  } catch (const std::exception& error) {
    drop();
    throw_lost(error.what(), effect);
  }
}

void Session::in_transaction(const std::function<void(Transaction&)>& work) {
  auto& open = connection();
  auto effect = Effect::reads;  // before the commit nothing is in doubt
  try {
    const Watched watched{*open.dog, open.deadline};
    pqxx::work tx{open.pq};
    OpenTransaction transaction{tx, round_trips_, [&] { open.dog->arm(open.deadline); }};
    work(transaction);
    effect = Effect::writes;
    ++round_trips_;
    open.dog->arm(open.deadline);
    tx.commit();
  } catch (const pqxx::transaction_rollback& error) {
    connection_.reset();
    throw_rolled_back(error, effect);
  } catch (const pqxx::sql_error& error) {
    const auto old = std::exchange(connection_, nullptr);
    throw_sql(error, old->pq.is_open(), effect);
  } catch (const pqxx::in_doubt_error& error) {
    connection_.reset();
    throw_lost(error.what(), Effect::writes);
  } catch (const pqxx::broken_connection& error) {
    connection_.reset();
    throw_lost(error.what(), effect);
  } catch (...) {
    connection_.reset();
    throw;
  }
}

int Session::server_version() { return connection().pq.server_version(); }

}  // namespace amdahl::ledger::pq
