#include "live_view.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace amdahl;
using namespace amdahl::cli;
using nlohmann::json;

namespace {

std::string seen(std::string_view event, const json& fields) {
  std::ostringstream out;
  make_live_view(out)(event, fields);
  return out.str();
}

}  // namespace

TEST_CASE("a watcher reads what is tried, how it stands and what is decided", "[cli][live]") {
  const json baseline{{"args", {{"workers", "0"}}}};
  const json change{{{"kind", "arg"}, {"name", "workers"}, {"value", "2"}}};
  CHECK(seen("experiment_registered", {{"experiment", 2},
                                       {"job", "eval"},
                                       {"kind", "trial"},
                                       {"change", change},
                                       {"baseline", baseline}}) ==
        "EXP-2   eval: tries workers 0 → 2\n");
  CHECK(seen("experiment_registered", {{"experiment", 1}, {"job", "eval"}, {"kind", "canary"}}) ==
        "EXP-1   eval: its own noise, the same against the same\n");
  json stands{{"experiment", 2},
              {"pairs_complete", 4},
              {"mean", 0.6931471805599453},
              {"interval", {{"level", 0.95}, {"lower", 0.1}, {"upper", nullptr}}},
              {"e_value", 12.5},
              {"e_needed", 360.0},
              {"checks", json::array()},
              {"upholds", 0},
              {"refutes", 0}};
  CHECK(seen("experiment_stands", stands) ==
        "EXP-2     4 pairs  saving 50.0 % [9.5 … …]   evidence 12.5 of 360.0\n");
  stands["checks"] = json::array({{{"planned", 2}}});
  stands["upholds"] = 2;
  CHECK(seen("experiment_stands", stands).ends_with("   checks 2 : 0\n"));
  CHECK(seen("experiment_decided",
             {{"experiment", 2}, {"verdict", "win"}, {"reason", "3 of 5 checks uphold"}}) ==
        "EXP-2   ✔ win: 3 of 5 checks uphold\n");
}

TEST_CASE("an unknown saving is said to be unknown", "[cli][live]") {
  CHECK(seen("experiment_stands", {{"experiment", 3}, {"pairs_complete", 1}, {"mean", nullptr}}) ==
        "EXP-3     1 pairs  saving unknown\n");
  CHECK(seen("experiment_stands",
             {{"experiment", 1}, {"kind", "canary"}, {"pairs_complete", 2}, {"mean", nullptr}}) ==
        "EXP-1     2 pairs  difference unknown\n");
}

TEST_CASE("a run that went well is not worth a line, one that did not is", "[cli][live]") {
  CHECK(seen("run_ended", {{"run", 4}, {"outcome", "succeeded"}, {"reason", ""}}).empty());
  CHECK(seen("run_submitted", {{"run_key", "al-x-1"}}).empty());
  CHECK(
      seen("run_ended",
           {{"run", 4}, {"outcome", "lost"}, {"cause", "infra"}, {"reason", "its shim is gone"}}) ==
      "run 4 lost (infra): its shim is gone\n");
  CHECK(seen("ledger_unavailable", {{"why", "no server"}}) ==
        "ledger_unavailable  why=no server\n");
}
