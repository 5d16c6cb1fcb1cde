#include "slurm_jobcomp.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

namespace amdahl::scheduler_adapters::slurm {
namespace {

using Catch::Matchers::Contains;
using Grade = Finding::Grade;

std::string printed(const std::string& location,
                    const std::string& type = "jobcomp/elasticsearch") {
  return fmt::format(
      "JobCompHost             = localhost\nJobCompLoc              = {}\n"
      "JobCompType             = {}\n",
      location, type);
}

std::optional<Finding> found(const std::string& location,
                             const std::string& listen = "127.0.0.1:7717") {
  return jobcomp_finding(printed(location), listen);
}

TEST_CASE("records that are posted to another port are found, with both numbers and the fix",
          "[slurm]") {
  for (const auto* server : {"http://127.0.0.1:7171", "http://localhost:7171", "http://[::1]:7171",
                             "https://127.0.0.1:7171"}) {
    const auto finding = found(server + std::string{"/hooks/slurm-es/s3cret/_doc"});
    REQUIRE(finding);
    CHECK(finding->grade == Grade::failure);
    CHECK(finding->text == "JobCompLoc names port 7171; this service listens on 7717");
    CHECK_THAT(finding->fix,
               Contains("JobCompLoc=http://127.0.0.1:7717/hooks/slurm-es/TOKEN/_doc"));
    CHECK_THAT(finding->fix, Contains("amdahl hook slurm --print-config"));
    CHECK_THAT(finding->fix, !Contains("s3cret"));
  }
  for (const auto* portless : {"http://127.0.0.1", "http://[::1]"}) {
    const auto finding = found(portless + std::string{"/hooks/slurm-es/s3cret/_doc"});
    REQUIRE(finding);
    CHECK(finding->text == "JobCompLoc names port 80; this service listens on 7717");
  }
}

TEST_CASE("records that are posted to this service by another path are found", "[slurm]") {
  for (const auto* path :
       {"", "/", "/slurm/_doc", "/hooks/slurm", "/hooks/slurm-es/_doc", "/hooks/slurm-es//_doc",
        "/hooks/slurm-es/s3cret", "/hooks/slurm-es/s3cret/more/_doc"}) {
    INFO(path);
    const auto finding = found(std::string{"http://127.0.0.1:7717"} + path);
    REQUIRE(finding);
    CHECK(finding->grade == Grade::failure);
    CHECK(finding->text == "JobCompLoc names this service, but not /hooks/slurm-es/TOKEN/_doc");
    CHECK_FALSE(finding->fix.empty());
  }
  const auto fine = found("http://127.0.0.1:7717/hooks/slurm-es/s3cret/_doc");
  REQUIRE(fine);
  CHECK(fine->grade == Grade::fine);
}

TEST_CASE("records that cannot come over loopback are found", "[slurm]") {
  const auto elsewhere = found("http://ctl-02:7717/hooks/slurm-es/s3cret/_doc", "0.0.0.0:7717");
  REQUIRE(elsewhere);
  CHECK(elsewhere->grade == Grade::warning);
  CHECK_THAT(elsewhere->text, Contains("names ctl-02") && !Contains("s3cret"));
  CHECK_FALSE(elsewhere->fix.empty());
  const auto closed = found("http://127.0.0.1:7717/hooks/slurm-es/s3cret/_doc", "10.0.0.5:7717");
  REQUIRE(closed);
  CHECK(closed->grade == Grade::failure);
  CHECK_THAT(closed->text, Contains("10.0.0.5:7717"));
  CHECK(closed->fix == "amdahl hook slurm --print-config");
}

TEST_CASE("records that are not for this service are nobody's fault", "[slurm]") {
  CHECK_FALSE(found("http://127.0.0.1:9200/slurm/_doc"));
  CHECK_FALSE(found("http://elastic.example:7717/slurm/_doc"));
  CHECK_FALSE(found("/var/log/slurm/jobcomp"));
  CHECK_FALSE(found("http://127.0.0.1:7171/hooks/slurm-es/s3cret/_doc", "127.0.0.1:0"));
  CHECK_FALSE(
      jobcomp_finding(printed("http://127.0.0.1:7171/hooks/slurm-es/s3cret/_doc", "jobcomp/script"),
                      "127.0.0.1:7717"));
  CHECK_FALSE(jobcomp_finding("", "127.0.0.1:7717"));
}

}  // namespace
}  // namespace amdahl::scheduler_adapters::slurm
