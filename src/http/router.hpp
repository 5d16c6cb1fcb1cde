#pragma once

#include <map>
#include <string>
#include <vector>

#include "amdahl/http/route.hpp"

namespace amdahl::http {

/// Finds the route of a path. Where a plain `{id}` and one with a verb, `{id}:abort`, both fit, the
/// verb wins.
class Router {
 public:
  /// Two routes of one method and pattern are a bug of ours.
  explicit Router(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;               ///< none: see `allowed`
    std::map<std::string, std::string> params{};
    std::vector<std::string> allowed{};         ///< methods of this path; empty = no such path
  };
  Match match(const std::string& method, const std::vector<std::string>& segments) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Segment {
    std::string literal;   ///< where there is no parameter
    std::string parameter;
    std::string verb;      ///< with its colon, behind the parameter
  };
  struct Entry {
    const Route* route;
    std::vector<Segment> segments;
    int verbs = 0;
  };
  static bool fits(const Entry& entry, const std::vector<std::string>& segments,
                   std::map<std::string, std::string>& params);

  std::vector<Route> routes_;
  std::vector<Entry> entries_;
};

}  // namespace amdahl::http
