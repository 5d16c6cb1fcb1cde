#include "conninfo.hpp"

#include <libpq-fe.h>

#include <cstdlib>
#include <map>
#include <memory>

#include "amdahl/ledger/errors.hpp"

namespace amdahl::ledger::pq {

std::string quote_conninfo(const std::string& value) {
  std::string out{"'"};
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string complete_conninfo(const std::string& url, const Settings& settings) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options{
      PQconninfoParse(url.c_str(), nullptr), &PQconninfoFree};
  if (!options) {
    throw Unavailable{
        "the ledger's URL is not a libpq connection string (postgresql://user@host/database); "
        "special characters of a password must be percent-encoded"};
  }
  std::map<std::string, std::string> values;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) values[option->keyword] = option->val;
  }
  if (values["host"].find('@') != std::string::npos) {
    throw Unavailable{
        "the host in the ledger's URL contains '@': special characters of a password must be "
        "percent-encoded (@ is %40)"};
  }
  // libpq's 0 is no limit, and it has one for each host: a server that stands still would hold us.
  if (std::atoi(values["connect_timeout"].c_str()) <= 0) values["connect_timeout"] = "5";
  values.emplace("application_name", "amdahl");
  values.emplace("target_session_attrs", "read-write");
  // A peer that vanished is noticed within about ten seconds, whether we send or wait.
  values.emplace("tcp_user_timeout", "10000");
  values.emplace("keepalives_idle", "5");
  values.emplace("keepalives_interval", "2");
  values.emplace("keepalives_count", "3");
  values["client_encoding"] = "UTF8";
  values["options"] += " -c statement_timeout=" + std::to_string(settings.statement_timeout_ms) +
                       " -c lock_timeout=" + std::to_string(settings.lock_timeout_ms) +
                       " -c idle_in_transaction_session_timeout=5000 -c timezone=UTC";
  std::string out;
  for (const auto& [keyword, value] : values) {
    if (!value.empty()) out += keyword + "=" + quote_conninfo(value) + " ";
  }
  return out;
}

}  // namespace amdahl::ledger::pq
