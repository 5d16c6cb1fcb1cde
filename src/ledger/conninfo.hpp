#pragma once

#include <string>

#include "pq.hpp"

namespace amdahl::ledger::pq {

/// The connection string in libpq's keyword form, with our session settings added where the URL is
/// silent. Throws Unavailable when it is none; the text of the URL never appears in the message.
std::string complete_conninfo(const std::string& url, const Settings& settings);

/// Quotes a value of a keyword connection string.
std::string quote_conninfo(const std::string& value);

}  // namespace amdahl::ledger::pq
