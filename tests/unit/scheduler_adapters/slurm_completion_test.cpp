#include "slurm_completion.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

using namespace amdahl::scheduler_adapters::slurm;
using nlohmann::json;

namespace {

const json of_script{{"job_id", "17"},
                     {"job_name", "al-x-1"},
                     {"state", "NODE_FAIL"},
                     {"submit", "2026-11-27T15:57:13Z"},
                     {"end", "2026-11-27T15:58:13Z"},
                     {"nodes", "n[1-2]"}};
const json of_elasticsearch{{"jobid", 17},
                            {"job_name", "al-x-1"},
                            {"state", "NODE_FAIL"},
                            {"@submit", "2026-11-27T16:57:13"},
                            {"@end", "2026-11-27T16:58:13"},
                            {"nodes", "n[1-2]"}};

// Slurm prints local time.
class LocalZone {
 public:
  explicit LocalZone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  ~LocalZone() {
    ::unsetenv("TZ");
    ::tzset();
  }
};

}  // namespace

TEST_CASE("a completion record is a job, in either of its forms", "[slurm]") {
  const LocalZone zone{"CET-1CEST"};
  for (const auto& told : {of_script, of_elasticsearch}) {
    CAPTURE(told.dump());
    const auto job = read_completion(told);
    REQUIRE(job);
    CHECK(job->id == "17");
    CHECK(job->name == "al-x-1");
    CHECK(job->submit_s == 1'795'795'033);
    CHECK(job->end_s == 1'795'795'093);
    CHECK(job->nodes == std::vector<std::string>{"n1", "n2"});
    CHECK(meaning_of(*job).outcome == amdahl::core::RunOutcome::node_failed);
  }
}

TEST_CASE("a record that lacks id, name, state or time of submission is none", "[slurm]") {
  for (const auto* name : {"job_id", "job_name", "state", "submit"}) {
    CAPTURE(name);
    auto told = of_script;
    told.erase(name);
    CHECK_FALSE(read_completion(told));
    told[name] = json::array();
    CHECK_FALSE(read_completion(told));
    told[name] = "";
    CHECK_FALSE(read_completion(told));
  }
  CHECK_FALSE(read_completion(json::array()));
  CHECK_FALSE(read_completion(json{}));
}
