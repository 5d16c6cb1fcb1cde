#include "slurm_fit.hpp"

#include <catch2/catch.hpp>

namespace amdahl::scheduler_adapters::slurm {
namespace {

const std::vector<Node> partition_nodes{
    {"n1", 8, 1000, 4, ""}, {"n2", 8, 1000, 4, ""}, {"n3", 8, 500, 2, ""}};

core::RunSpec some_spec(const core::Resources& allocation) {
  core::RunSpec spec;
  spec.key = core::make_run_key({}, 1);
  spec.allocation = allocation;
  core::LegSpec leg;
  leg.command = {"true"};
  leg.nodes = allocation.nodes;
  leg.gpus = allocation.gpus;
  spec.legs = {leg};
  return spec;
}

std::string refusal(const core::RunSpec& spec) {
  const auto fits = check_fit(spec, partition_nodes);
  return fits ? "" : fits.error().message;
}

TEST_CASE("a run fits where as many nodes as it wants have its part", "[slurm]") {
  CHECK(refusal(some_spec({1, 4, 8, std::int64_t{1000} << 20})) == "");
  CHECK(refusal(some_spec({2, 8, 16, 0})) == "");
  CHECK(refusal(some_spec({3, 6, 3, 0})) == "");
  CHECK(refusal(some_spec({3, 9, 3, 0})).find("each of 3 nodes; 2 of the partition have") !=
        std::string::npos);
  CHECK(refusal(some_spec({1, 5, 1, 0})).find("on one node") != std::string::npos);
  CHECK_FALSE(refusal(some_spec({0, 0, 1, 0})).empty());
  auto odd = some_spec({2, 4, 2, 0});
  odd.legs[0].gpus = 3;
  CHECK(refusal(odd).find("not as many on each of its 2 nodes") != std::string::npos);
  odd.legs[0].nodes = 1;
  CHECK(refusal(odd).find("3 GPUs on each node of an allocation with 2") != std::string::npos);
}

TEST_CASE("a pinned run fits on its own nodes only", "[slurm]") {
  auto spec = some_spec({2, 6, 2, 0});
  spec.pinned_nodes = {"n2", "n1"};
  CHECK(refusal(spec) == "");
  CHECK(request_of(spec, "/x").pinned_nodes == spec.pinned_nodes);
  spec.pinned_nodes = {"n2", "n3"};
  CHECK(refusal(spec).find("1 of the partition have") != std::string::npos);
  spec.pinned_nodes = {"n2"};
  CHECK(refusal(spec).find("pinned to 1 nodes and wants 2") != std::string::npos);
  spec.pinned_nodes = {"n2", "n2;reboot"};
  CHECK(refusal(spec).find("`n2;reboot`") != std::string::npos);
}

TEST_CASE("a job asks for each node's part, rounded up", "[slurm]") {
  const auto request = request_of(some_spec({2, 8, 3, 3 << 20}), "/x");
  CHECK(request.nodes == 2);
  CHECK(request.gpus_per_node == 4);
  CHECK(request.cpus_per_node == 2);
  CHECK(request.memory_mib_per_node == 2);
}

}  // namespace
}  // namespace amdahl::scheduler_adapters::slurm
