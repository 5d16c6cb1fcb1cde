#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "pq.hpp"

struct pg_conn;

namespace amdahl::ledger::pq {

/// One connection that streams rows: memory is bounded by one row, whatever the table. libpq, since
/// the versions of libpqxx differ most here. Throws the types of errors.hpp.
class CopySession {
 public:
  CopySession(const std::string& url, Settings settings);

  void execute(const std::string& sql);
  /// The first column of the first row; empty when NULL or no row.
  std::string value(const std::string& sql);
  /// COPY … TO STDOUT in text format; `line` gets each row without its line feed, still escaped,
  /// and answers whether it wants more.
  void copy_out(const std::string& sql, const std::function<bool(std::string_view)>& line);
  /// COPY … FROM STDIN in text format; `next` fills one escaped row and answers false at the end.
  void copy_in(const std::string& sql, const std::function<bool(std::string&)>& next);

 private:
  struct Close {
    void operator()(pg_conn* connection) const;
  };
  std::unique_ptr<pg_conn, Close> connection_;
};

/// A field of COPY's text format without its escapes.
void append_unescaped(std::string& out, std::string_view field);
/// A field with them.
void append_escaped(std::string& out, std::string_view field);

}  // namespace amdahl::ledger::pq
