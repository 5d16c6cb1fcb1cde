#include "slurm_laws.hpp"

using namespace amdahl;
using namespace amdahl::conformance;

AMDAHL_ADAPTER_SUITE(SlurmCliSubject)
AMDAHL_SLURM_SUITE(SlurmCliSubject)

TEST_CASE("commands that are not installed are said to be missing", "[conformance][slurm]") {
  AMDAHL_SUBJECT_OR_SKIP(SlurmCliSubject);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", "/nowhere", 1);
  const auto adapter = subject.successor();
  ::setenv("PATH", path.c_str(), 1);
  const auto listing = adapter->list();
  CHECK_FALSE(listing.complete);
  CHECK(listing.problem.find("squeue") != std::string::npos);
  const auto submitted = offer(*adapter, shell_run(subject, "true"));
  REQUIRE(submitted.kind == scheduler_adapters::Submitted::Kind::failed);
  CHECK(submitted.failure.kind == scheduler_adapters::FailureClass::retryable);
}
