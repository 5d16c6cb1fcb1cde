#pragma once

#include <string>

// What PostgreSQL's answers mean, for all who speak to it. C++17, as pq.hpp says.
namespace amdahl::ledger::pq {

/// A message of libpq for a log: one line, without `ERROR: `.
inline std::string one_line(const std::string& text) {
  auto end = text.find_last_not_of(" \n");
  auto out = text.substr(0, end == std::string::npos ? 0 : end + 1);
  for (auto& c : out) {
    if (c == '\n') c = ' ';
  }
  const std::string prefix{"ERROR:  "};
  return out.compare(0, prefix.size(), prefix) == 0 ? out.substr(prefix.size()) : out;
}

inline bool starts_with(const std::string& text, const char* prefix) {
  return text.rfind(prefix, 0) == 0;
}

/// Surely rolled back, and none of the caller's doing: timeouts, deadlocks, full disk, a standby.
inline bool is_transient(const std::string& state) {
  return state == "57014" || state == "55P03" || state == "25006" || state == "25P03" ||
         starts_with(state, "40") || starts_with(state, "53") || starts_with(state, "58");
}

/// The server is going away: what we sent may be done.
inline bool is_shutdown(const std::string& state) {
  return starts_with(state, "57P") || starts_with(state, "08");
}

}  // namespace amdahl::ledger::pq
