#include "amdahl/core/change.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace amdahl::core;

namespace {
Configuration some_configuration() {
  Configuration configuration;
  configuration.args = {{"workers", "0"}, {"batch_size", "1"}};
  configuration.env = {{"OMP_NUM_THREADS", "1"}};
  configuration.resources = {1, 4, 2, 1 << 30};
  return configuration;
}
}  // namespace

TEST_CASE("the parts of a change stand in one order however they are given", "[core][change]") {
  const Change a{ChangeKind::arg, "workers", "2"};
  const Change b{ChangeKind::env, "X", "1"};
  CHECK(canonical_changes({a, b}).value() == canonical_changes({b, a}).value());
}

TEST_CASE("a change names each thing once and says what is wrong", "[core][change]") {
  CHECK(canonical_changes({}).has_error());
  CHECK(canonical_changes({{ChangeKind::arg, "w", "1"}, {ChangeKind::arg, "w", "2"}})
            .error()
            .message == "arg w is changed twice");
  CHECK(canonical_changes({{ChangeKind::resource, "gpu", "1"}}).error().message ==
        "unknown resource \"gpu\"");
  CHECK(canonical_changes({{ChangeKind::resource, "gpus", "-1"}}).has_error());
  CHECK(canonical_changes({{ChangeKind::resource, "memory", "2GiB"}}).has_value());
  CHECK(canonical_changes({{ChangeKind::env, "A=B", "1"}}).has_error());
  CHECK(canonical_changes({{ChangeKind::patch, "", ""}}).has_error());
}

TEST_CASE("a variant differs from its baseline in the named parts only", "[core][change]") {
  const auto baseline = some_configuration();
  const auto variant = apply(baseline, {{ChangeKind::arg, "workers", "2"},
                                        {ChangeKind::resource, "gpus", "2"},
                                        {ChangeKind::env, "NEW", "x"}});
  REQUIRE(variant.has_value());
  auto expected = baseline;
  expected.args["workers"] = "2";
  expected.resources.gpus = 2;
  expected.env["NEW"] = "x";
  CHECK(*variant == expected);
}

TEST_CASE("a variant has as many GPUs on each of its nodes", "[core][change]") {
  auto baseline = some_configuration();
  baseline.resources.nodes = 2;
  baseline.resources.gpus = 4;
  CHECK(apply(baseline, {{ChangeKind::resource, "gpus", "2"}}).has_value());
  const auto odd = apply(baseline, {{ChangeKind::resource, "gpus", "3"}});
  REQUIRE(odd.has_error());
  CHECK(odd.error().message == "3 GPUs cannot be spread evenly over 2 nodes");
}

TEST_CASE("a variant equal to the baseline is refused with the fix", "[core][change]") {
  const auto same = apply(some_configuration(), {{ChangeKind::arg, "workers", "0"}});
  REQUIRE(same.has_error());
  CHECK(same.error().message == "the variant equals the baseline: nothing would be tested");
  CHECK(apply(some_configuration(), {{ChangeKind::arg, "absent", "1"}}).error().message ==
        "the job has no knob \"absent\"");
}

TEST_CASE("changes and configurations survive their JSON form", "[core][change]") {
  const auto changes =
      canonical_changes({{ChangeKind::arg, "workers", "2"}, {ChangeKind::image, "", "a:b"}})
          .value();
  CHECK(changes_from_json(to_json(changes)).value() == changes);
  CHECK(configuration_from_json(to_json(some_configuration())).value() == some_configuration());
  CHECK(changes_from_json(nlohmann::json::parse(R"([{"kind":"args","value":"1"}])"))
            .error()
            .message == "change/0/kind: expected a known word");
}
