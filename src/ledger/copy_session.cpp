#include "copy_session.hpp"

#include <libpq-fe.h>

#include "amdahl/ledger/errors.hpp"
#include "conninfo.hpp"

namespace amdahl::ledger::pq {
namespace {

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

std::string in_one_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  for (auto& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

[[noreturn]] void throw_failed(PGconn* connection, const PGresult* result) {
  const char* state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const auto message = in_one_line(PQerrorMessage(connection));
  if (state == nullptr || PQstatus(connection) != CONNECTION_OK) {
    throw Unavailable{"the connection to PostgreSQL broke: " + message};
  }
  const std::string code{state};
  if (code == "57014" || code == "55P03" || code.rfind("53", 0) == 0 || code.rfind("57P", 0) == 0) {
    throw Unavailable{"PostgreSQL gave up (" + code + "): " + message};
  }
  throw Refused{message, code};
}

Result run(PGconn* connection, const std::string& sql, ExecStatusType wanted) {
  Result result{PQexec(connection, sql.c_str()), &PQclear};
  if (PQresultStatus(result.get()) != wanted) throw_failed(connection, result.get());
  return result;
}

void finish_copy(PGconn* connection) {
  while (true) {
    const Result result{PQgetResult(connection), &PQclear};
    if (!result) return;
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) throw_failed(connection, result.get());
  }
}

}  // namespace

void CopySession::Close::operator()(pg_conn* connection) const { PQfinish(connection); }

CopySession::CopySession(const std::string& url, Settings settings)
    : connection_{PQconnectdb(complete_conninfo(url, settings).c_str())} {
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    throw Unavailable{"PostgreSQL cannot be reached: " +
                      in_one_line(PQerrorMessage(connection_.get()))};
  }
}

void CopySession::execute(const std::string& sql) { run(connection_.get(), sql, PGRES_COMMAND_OK); }

std::string CopySession::value(const std::string& sql) {
  const auto result = run(connection_.get(), sql, PGRES_TUPLES_OK);
  if (PQntuples(result.get()) == 0) return {};
  return PQgetvalue(result.get(), 0, 0);
}

void CopySession::copy_out(const std::string& sql,
                           const std::function<bool(std::string_view)>& line) {
  run(connection_.get(), sql, PGRES_COPY_OUT);
  char* buffer = nullptr;
  int size = 0;
  while ((size = PQgetCopyData(connection_.get(), &buffer, 0)) > 0) {
    const std::unique_ptr<char, decltype(&PQfreemem)> owned{buffer, &PQfreemem};
    std::string_view text{buffer, static_cast<std::size_t>(size)};
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (!line(text)) {
      connection_.reset();  // nobody wants the rest
      return;
    }
  }
  if (size == -2) throw_failed(connection_.get(), nullptr);
  finish_copy(connection_.get());
}

void CopySession::copy_in(const std::string& sql, const std::function<bool(std::string&)>& next) {
  run(connection_.get(), sql, PGRES_COPY_IN);
  std::string row;
  while (next(row)) {
    row += '\n';
    if (PQputCopyData(connection_.get(), row.data(), static_cast<int>(row.size())) != 1) {
      throw_failed(connection_.get(), nullptr);
    }
    row.clear();
  }
  if (PQputCopyEnd(connection_.get(), nullptr) != 1) throw_failed(connection_.get(), nullptr);
  finish_copy(connection_.get());
}

void append_unescaped(std::string& out, std::string_view field) {
  constexpr std::string_view letters{"bfnrtv"};
  constexpr std::string_view values{"\b\f\n\r\t\v"};
  for (std::size_t at = 0; at < field.size(); ++at) {
    const auto stop = std::min(field.find('\\', at), field.size());
    out.append(field.substr(at, stop - at));
    if (stop + 1 >= field.size()) return;
    at = stop + 1;
    const auto letter = letters.find(field[at]);
    out += letter == std::string_view::npos ? field[at] : values[letter];
  }
}

void append_escaped(std::string& out, std::string_view field) {
  for (const char c : field) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += c;
    }
  }
}

}  // namespace amdahl::ledger::pq
