#include "local_machine.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <thread>

#include "amdahl/run_files/durable.hpp"

namespace amdahl::scheduler_adapters {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t machine_file_bytes = 1 << 20;  // cpuinfo of hundreds of cores

std::int64_t cpus_allowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return std::max(1U, std::thread::hardware_concurrency());
}

// The text after `key` and its colon, up to the line's end; empty when there is none.
std::string field(const fs::path& file, const std::string& key) {
  const auto text = run_files::read_file(file, machine_file_bytes);
  if (!text) return {};
  for (std::size_t at = 0; at < text->size();) {
    const auto end = std::min(text->find('\n', at), text->size());
    const auto line = std::string_view{*text}.substr(at, end - at);
    const auto colon = line.find(':');
    if (line.starts_with(key) && colon != std::string_view::npos) {
      const auto value = line.find_first_not_of(" \t", colon + 1);
      return value == std::string_view::npos ? "" : std::string{line.substr(value)};
    }
    at = end + 1;
  }
  return {};
}

std::int64_t number_before(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Not more than a container may use.
std::int64_t memory_bytes(const fs::path& root) {
  const auto total = number_before(field(root / "proc/meminfo", "MemTotal")) * 1024;
  const auto limit = run_files::read_file(root / "sys/fs/cgroup/memory.max", 64);
  const auto limited = limit ? number_before(*limit) : 0;  // "max" reads as 0
  return limited > 0 ? std::min(total, limited) : total;
}

bool is_gpu_device(const std::string& name) {
  constexpr std::string_view prefix = "nvidia";
  return name.size() > prefix.size() && name.starts_with(prefix) &&
         name.find_first_not_of("0123456789", prefix.size()) == std::string::npos;
}

std::int64_t gpu_devices(const fs::path& root) {
  std::error_code error;
  std::int64_t count = 0;
  for (fs::directory_iterator entry{root / "dev", error}, end; !error && entry != end;
       entry.increment(error)) {
    count += is_gpu_device(entry->path().filename());
  }
  return count;
}

// `8 x NVIDIA H100 80GB HBM3`, or the processor where there is no GPU.
std::string hardware_class(const fs::path& root, std::int64_t gpus) {
  std::error_code error;
  for (fs::directory_iterator entry{root / "proc/driver/nvidia/gpus", error}, end;
       !error && entry != end; entry.increment(error)) {
    const auto model = field(entry->path() / "information", "Model");
    if (!model.empty()) return std::to_string(gpus) + " x " + model;
  }
  const auto processor = field(root / "proc/cpuinfo", "model name");
  return processor.empty() ? "unknown" : processor;
}

}  // namespace

Capacity local_capacity(const LocalOptions& options, const fs::path& root) {
  Capacity capacity;
  capacity.gpus = options.gpus > 0 ? options.gpus : gpu_devices(root);
  capacity.cpus = options.cpus > 0 ? options.cpus : cpus_allowed();
  capacity.memory_bytes = options.memory_bytes > 0 ? options.memory_bytes : memory_bytes(root);
  capacity.hardware_class = hardware_class(root, capacity.gpus);
  return capacity;
}

}  // namespace amdahl::scheduler_adapters
