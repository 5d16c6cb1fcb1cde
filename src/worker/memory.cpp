#include "memory.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>

#include "amdahl/run_files/durable.hpp"
#include "time_source.hpp"

namespace amdahl::worker {
namespace {

constexpr std::size_t memory_file_bytes = 64 * 1024;
constexpr std::size_t processes_max = 4096;  // of one leg; more are not looked at
constexpr std::int64_t sample_every_ns = 100'000'000;
constexpr std::int64_t cost_divisor = 200;  // looking takes at most 0.5 % of a processor

std::int64_t proportional_bytes(pid_t process) {
  const auto text =
      run_files::read_file("/proc/" + std::to_string(process) + "/smaps_rollup", memory_file_bytes);
  if (!text) return 0;
  const auto found = text->find("\nPss:");
  if (found == std::string::npos) return 0;
  const auto digits = text->find_first_of("0123456789", found);
  std::int64_t kib = 0;
  if (digits != std::string::npos) {
    std::from_chars(text->data() + digits, text->data() + text->size(), kib);
  }
  return kib * 1024;
}

}  // namespace

std::vector<pid_t> children_of(pid_t process) {
  std::vector<pid_t> children;
  const auto tasks = "/proc/" + std::to_string(process) + "/task";
  std::error_code error;
  // Each thread has its own children.
  for (std::filesystem::directory_iterator task{tasks, error}, end; !error && task != end;
       task.increment(error)) {
    const auto text = run_files::read_file(task->path() / "children", memory_file_bytes);
    if (!text) continue;
    const char* at = text->data();
    const char* text_end = at + text->size();
    for (pid_t child = 0; at < text_end;) {
      const auto read = std::from_chars(at, text_end, child);
      if (read.ec == std::errc{}) children.push_back(child);
      at = read.ptr == at ? at + 1 : read.ptr;
    }
  }
  return children;
}

void MemoryWatch::sample(std::int64_t now_ns) {
  if (now_ns < next_ns_) return;
  const auto begun = thread_cpu_ns();
  std::vector<pid_t> all{root_};
  for (std::size_t i = 0; i < all.size() && all.size() < processes_max; ++i) {
    for (const auto child : children_of(all[i])) all.push_back(child);
  }
  if (all.size() > 1) {
    std::int64_t bytes = 0;
    for (const auto process : all) bytes += proportional_bytes(process);
    peak_bytes_ = std::max(peak_bytes_, bytes);
  }
  next_ns_ = monotonic_ns() + std::max(sample_every_ns, (thread_cpu_ns() - begun) * cost_divisor);
}

}  // namespace amdahl::worker
