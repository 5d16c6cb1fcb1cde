#include <cstdlib>

#include "slurm_laws.hpp"

using namespace amdahl;
using namespace amdahl::conformance;
using Grade = scheduler_adapters::Finding::Grade;

AMDAHL_ADAPTER_SUITE(SlurmRestSubject)
AMDAHL_SLURM_SUITE(SlurmRestSubject)

namespace {

std::unique_ptr<Adapter> with_token(SlurmRestSubject& subject, const fs::path& file) {
  auto options = subject.options();
  options.token_file = file;
  return scheduler_adapters::make_slurm_adapter(options, subject.clock());
}

}  // namespace

TEST_CASE("a token that is renewed is used without a restart", "[conformance][slurm]") {
  AMDAHL_SUBJECT_OR_SKIP(SlurmRestSubject);
  const auto file = subject.scratch() / "token";
  write_text(file, "abc.def.ghi");
  const auto adapter = with_token(subject, file);
  CHECK_FALSE(adapter->list().complete);
  const auto spec = shell_run(subject, "true");
  const auto refused = offer(*adapter, spec);
  REQUIRE(refused.kind == scheduler_adapters::Submitted::Kind::failed);
  CHECK(refused.failure.kind != scheduler_adapters::FailureClass::permanent);
  fs::remove(file);
  CHECK(adapter->list().problem.find("token_file") != std::string::npos);
  fs::copy(SlurmSubject::lab() / "token", file);
  CHECK(adapter->list().complete);
  CHECK(offer(*adapter, spec).kind == scheduler_adapters::Submitted::Kind::accepted);
}

TEST_CASE("a token that goes bad between two calls refuses no run", "[conformance][slurm]") {
  AMDAHL_SUBJECT_OR_SKIP(SlurmRestSubject);
  const auto file = subject.scratch() / "token";
  fs::copy(SlurmSubject::lab() / "token", file);
  const auto adapter = with_token(subject, file);
  const auto spec = shell_run(subject, "true");
  REQUIRE(adapter->validate(spec).has_value());  // its nodes are known, and the version
  write_text(file, "abc.def.ghi");
  const auto refused = offer(*adapter, spec);
  REQUIRE(refused.kind == scheduler_adapters::Submitted::Kind::failed);
  INFO(refused.failure.message);
  // The older daemon says only that it got no answer.
  const bool auth = refused.failure.kind == scheduler_adapters::FailureClass::auth;
  CHECK((auth || refused.failure.kind == scheduler_adapters::FailureClass::unknown_outcome));
  fs::remove(file);
  fs::copy(SlurmSubject::lab() / "token", file);
  CHECK(offer(*adapter, spec).kind == scheduler_adapters::Submitted::Kind::accepted);
}

TEST_CASE("the newest interface that slurmrestd has is spoken", "[conformance][slurm]") {
  AMDAHL_SUBJECT_OR_SKIP(SlurmRestSubject);
  const char* version = std::getenv("AMDAHL_SLURM_REST_VERSION");  // 38 without: Debian 12's daemon
  const auto findings = subject.adapter().examine();
  REQUIRE_FALSE(findings.empty());
  CHECK(findings[0].text ==
        std::string{"slurmrestd answers, v0.0."} + (version != nullptr ? version : "38"));
}

TEST_CASE("the doctor finds what is wrong with the way to slurmrestd", "[conformance][slurm]") {
  AMDAHL_SUBJECT_OR_SKIP(SlurmRestSubject);
  for (const auto& finding : subject.adapter().examine()) {
    INFO(finding.text);
    CHECK(finding.grade == Grade::fine);
  }
  const auto file = subject.scratch() / "token";
  const auto worst = [&](const std::unique_ptr<Adapter>& adapter) {
    const auto findings = adapter->examine();
    REQUIRE_FALSE(findings.empty());
    CHECK(findings.back().grade == Grade::failure);
    CHECK_FALSE(findings.back().fix.empty());
    return findings.back().text;
  };
  CHECK(worst(with_token(subject, file)).find("token_file") != std::string::npos);
  // {"exp":1}
  write_text(file, "SLURM_JWT=e30.eyJleHAiOjF9.e30\n");
  CHECK(worst(with_token(subject, file)).find("expired") != std::string::npos);
  auto options = subject.options();
  options.url = "http://127.0.0.1:1";
  CHECK(
      worst(scheduler_adapters::make_slurm_adapter(options, subject.clock())).find("127.0.0.1:1") !=
      std::string::npos);
}

TEST_CASE("a submit that slurmrestd never got may be sent again", "[conformance][slurm]") {
  AMDAHL_SUBJECT_OR_SKIP(SlurmRestSubject);
  const auto spec = shell_run(subject, "true");
  auto options = subject.options();
  options.url = "http://127.0.0.1:1";
  const auto adapter = scheduler_adapters::make_slurm_adapter(options, subject.clock());
  const auto submitted = offer(*adapter, spec);
  REQUIRE(submitted.kind == scheduler_adapters::Submitted::Kind::failed);
  CHECK(submitted.failure.kind == scheduler_adapters::FailureClass::retryable);
  CHECK(offer(subject.adapter(), spec).kind == scheduler_adapters::Submitted::Kind::accepted);
}
