#include "machine.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "amdahl/run_files/durable.hpp"

namespace amdahl::worker {

MachineEnvironment inherited_environment() {
  const auto read = [](const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return std::string{value != nullptr ? value : otherwise};
  };
  return {read("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
          read("HOME", "/")};
}

std::vector<std::string> allocated_gpus() {
  std::vector<std::string> ids;
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  std::string_view rest = visible != nullptr ? visible : "";
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    if (const auto id = rest.substr(0, comma); !id.empty() && id != "NoDevFiles")
      ids.emplace_back(id);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  return ids;
}

std::int64_t out_of_memory_kills() {
  const auto text = run_files::read_file("/proc/vmstat", 64 * 1024);
  if (!text) return 0;
  constexpr std::string_view field = "\noom_kill ";
  const auto found = text->find(field);
  std::int64_t kills = 0;
  if (found != std::string::npos) {
    std::from_chars(text->data() + found + field.size(), text->data() + text->size(), kills);
  }
  return kills;
}

}  // namespace amdahl::worker
