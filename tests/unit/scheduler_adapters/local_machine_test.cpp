#include "local_machine.hpp"

#include <catch2/catch.hpp>

#include "support/scratch_folder.hpp"

using namespace amdahl;
using scheduler_adapters::local_capacity;

TEST_CASE("a GPU machine is read from its files", "[scheduler_adapters][local]") {
  test::ScratchFolder root;
  root.write("proc/meminfo", "MemTotal:       2097152 kB\nMemFree:  1 kB\n");
  root.write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU\n");
  root.write("proc/driver/nvidia/gpus/0000:01:00.0/information",
             "Model: \t\t NVIDIA H100\nIRQ: 1\n");
  for (const auto* device : {"nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia"}) {
    root.write(std::filesystem::path{"dev"} / device, "");
  }
  const auto capacity = local_capacity({}, root.path());
  CHECK(capacity.gpus == 2);
  CHECK(capacity.cpus >= 1);
  CHECK(capacity.memory_bytes == std::int64_t{2} << 30);
  CHECK(capacity.hardware_class == "2 x NVIDIA H100");
}

TEST_CASE("a container's memory limit counts", "[scheduler_adapters][local]") {
  test::ScratchFolder root;
  root.write("proc/meminfo", "MemTotal: 2097152 kB\n");
  root.write("sys/fs/cgroup/memory.max", "1073741824\n");
  CHECK(local_capacity({}, root.path()).memory_bytes == 1 << 30);
  root.write("sys/fs/cgroup/memory.max", "max\n");
  CHECK(local_capacity({}, root.path()).memory_bytes == std::int64_t{2} << 30);
}

TEST_CASE("a machine without GPUs is named by its processor", "[scheduler_adapters][local]") {
  test::ScratchFolder root;
  root.write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU\n");
  CHECK(local_capacity({}, root.path()).gpus == 0);
  CHECK(local_capacity({}, root.path()).hardware_class == "Some CPU");
}

TEST_CASE("options win over what is detected", "[scheduler_adapters][local]") {
  test::ScratchFolder root;
  const auto capacity = local_capacity({"x", {}, {}, 4, 3, 1 << 20}, root.path());
  CHECK(capacity.gpus == 4);
  CHECK(capacity.cpus == 3);
  CHECK(capacity.memory_bytes == 1 << 20);
  CHECK(capacity.hardware_class == "unknown");
}
