#include "local_validate.hpp"

#include <catch2/catch.hpp>

using namespace amdahl;

namespace {

core::RunSpec valid_spec() {
  core::RunSpec spec;
  spec.key = core::make_run_key({}, 1);
  spec.allocation = {1, 2, 1, 1 << 20};
  core::LegSpec leg;
  leg.command = {"true"};
  leg.gpus = 2;
  spec.legs = {leg};
  return spec;
}

void check_refused(const core::RunSpec& spec, const std::string& why) {
  const auto valid = scheduler_adapters::validate_local(spec, {4, 2, 1 << 30, ""});
  REQUIRE(valid.has_error());
  CAPTURE(valid.error().message);
  CHECK(valid.error().message.find(why) != std::string::npos);
}

}  // namespace

TEST_CASE("a run that fits is accepted", "[scheduler_adapters][local]") {
  CHECK(scheduler_adapters::validate_local(valid_spec(), {4, 2, 1 << 30, ""}).has_value());
}

TEST_CASE("what this machine could never run is refused with its reason",
          "[scheduler_adapters][local]") {
  auto spec = valid_spec();
  SECTION("key") {
    spec.key.text = "../x";
    check_refused(spec, "no run key");
  }
  SECTION("legs") {
    spec.legs.clear();
    check_refused(spec, "one or two legs");
  }
  SECTION("command") {
    spec.legs[0].command.clear();
    check_refused(spec, "no command");
  }
  SECTION("leg GPUs") {
    spec.legs[0].gpus = 3;
    check_refused(spec, "3 GPUs of an allocation of 2");
  }
  SECTION("GPUs") {
    spec.allocation.gpus = 5;
    check_refused(spec, "wants 5 GPUs, this machine has 4");
  }
  SECTION("CPUs") {
    spec.allocation.cpus = 3;
    check_refused(spec, "CPUs");
  }
  SECTION("negative") {
    spec.allocation.cpus = -1;
    check_refused(spec, "CPUs");
  }
  SECTION("memory") {
    spec.allocation.memory_bytes = std::int64_t{2} << 30;
    check_refused(spec, "memory");
  }
  SECTION("nodes") {
    spec.allocation.nodes = 2;
    check_refused(spec, "one node");
  }
  SECTION("a leg's nodes") {
    spec.legs[0].nodes = 2;
    check_refused(spec, "2 nodes of an allocation of 1");
  }
  SECTION("another machine") {
    spec.pinned_nodes = {"elsewhere.invalid"};
    check_refused(spec, "pinned to another machine");
  }
  SECTION("variable") {
    spec.legs[0].env["A=B"] = "x";
    check_refused(spec, "variable `A=B`");
  }
  SECTION("zero byte") {
    spec.legs[0].env["A"] = std::string("x\0y", 3);
    check_refused(spec, "variable `A`");
  }
  SECTION("zero byte in the command") {
    spec.legs[0].command = {std::string("a\0b", 3)};
    check_refused(spec, "zero byte");
  }
}
