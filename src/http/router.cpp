#include "router.hpp"

#include <algorithm>

#include "amdahl/core/invariant.hpp"

namespace amdahl::http {

Router::Router(std::vector<Route> routes) : routes_{std::move(routes)} {
  for (const auto& route : routes_) {
    Entry entry{&route, {}, 0};
    std::string_view rest = route.pattern;
    core::invariant(rest.starts_with("/"), "a pattern begins with /");
    while (rest.size() > 1) {  // `/` alone has no segment
      rest.remove_prefix(1);
      const auto text = rest.substr(0, rest.find('/'));
      rest.remove_prefix(text.size());
      Segment segment;
      if (text.starts_with("{")) {
        const auto close = text.find('}');
        segment.parameter = std::string{text.substr(1, close - 1)};
        segment.verb = std::string{text.substr(close + 1)};
        entry.verbs += segment.verb.empty() ? 0 : 1;
      } else {
        segment.literal = std::string{text};
      }
      entry.segments.push_back(std::move(segment));
    }
    const bool twice = std::any_of(entries_.begin(), entries_.end(), [&](const auto& other) {
      return other.route->pattern == route.pattern && other.route->method == route.method;
    });
    core::invariant(!twice, "a route stands in the table once");
    entries_.push_back(std::move(entry));
  }
}

bool Router::fits(const Entry& entry, const std::vector<std::string>& segments,
                  std::map<std::string, std::string>& params) {
  if (entry.segments.size() != segments.size()) return false;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto& want = entry.segments[i];
    const auto& have = segments[i];
    if (want.parameter.empty()) {
      if (have != want.literal) return false;
    } else {
      if (have.size() <= want.verb.size() || !have.ends_with(want.verb)) return false;
      params[want.parameter] = have.substr(0, have.size() - want.verb.size());
    }
  }
  return true;
}

Router::Match Router::match(const std::string& method,
                            const std::vector<std::string>& segments) const {
  Match best;
  int most = -1;
  for (const auto& entry : entries_) {
    std::map<std::string, std::string> params;
    if (!fits(entry, segments, params) || entry.verbs < most) continue;
    if (entry.verbs > most) best = {};
    most = entry.verbs;
    best.allowed.push_back(entry.route->method);
    if (entry.route->method != method && !(method == "HEAD" && entry.route->method == "GET"))
      continue;
    best.route = entry.route;
    best.params = std::move(params);
  }
  return best;
}

}  // namespace amdahl::http
