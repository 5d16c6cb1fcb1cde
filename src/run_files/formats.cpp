#include "amdahl/run_files/formats.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/run_files/durable.hpp"
#include "amdahl/run_files/names.hpp"

namespace amdahl::run_files {
namespace {

namespace fs = std::filesystem;
using core::Result;
using nlohmann::json;

constexpr std::size_t small_file_bytes = 64 * 1024;  // identities, allocations, settings

Result<json> read_json(const fs::path& path, std::size_t bytes_max) {
  const auto text = read_file(path, bytes_max);
  if (!text) return text.error();
  return core::parse_json(*text, path.string());
}

// Nothing where there is no such file.
template <class T>
Result<std::optional<T>> read_if_there(const fs::path& path, Result<T> (*parse)(const json&)) {
  const auto value = read_json(path, small_file_bytes);
  if (!value) {
    if (value.error().code == core::ErrorCode::not_found) return std::optional<T>{};
    return value.error();
  }
  auto parsed = parse(*value);
  if (!parsed) return parsed.error();
  return std::optional{std::move(*parsed)};
}

std::int64_t whole(const json& value, const char* key) {
  const auto found = value.find(key);
  return found != value.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

}  // namespace

json to_json(const LocalSettings& settings) {
  return {{"schema", "amdahl.run_local/v1"},
          {"slots_dir", settings.slots_dir.string()},
          {"gpus", settings.gpus},
          {"cpus", settings.cpus},
          {"memory_bytes", settings.memory_bytes},
          {"submitted_at_us", settings.submitted_at_us}};
}

Result<LocalSettings> local_settings_from_json(const json& value) {
  const auto dir = value.is_object() ? value.find("slots_dir") : value.end();
  if (dir == value.end() || !dir->is_string() || !fs::path{dir->get<std::string>()}.is_absolute()) {
    return core::invalid_input("local.json: slots_dir must be an absolute path");
  }
  return LocalSettings{dir->get<std::string>(), whole(value, "gpus"), whole(value, "cpus"),
                       whole(value, "memory_bytes"), whole(value, "submitted_at_us")};
}

json to_json(const PostSettings& settings) {
  return {{"schema", "amdahl.run_post/v1"},
          {"url", settings.url},
          {"token", settings.token},
          {"ca", settings.ca}};
}

Result<PostSettings> post_settings_from_json(const json& value) {
  PostSettings settings;
  for (const auto& [key, text] :
       {std::pair{"url", &settings.url}, {"token", &settings.token}, {"ca", &settings.ca}}) {
    const auto found = value.is_object() ? value.find(key) : value.end();
    if (found == value.end() || !found->is_string())
      return core::invalid_input(std::string{"post.json: "} + key + " must be a text");
    *text = found->get<std::string>();
  }
  return settings;
}

json to_json(const Allocation& allocation) {
  return {{"gpu_ids", allocation.gpu_ids}, {"start_us", allocation.start_us}};
}

Result<Allocation> allocation_from_json(const json& value) {
  const auto wrong = core::invalid_input("allocation.json: gpu_ids must be a list of texts");
  const auto ids = value.is_object() ? value.find("gpu_ids") : value.end();
  if (ids == value.end() || !ids->is_array()) return wrong;
  Allocation allocation{{}, whole(value, "start_us")};
  for (const auto& id : *ids) {
    if (!id.is_string()) return wrong;
    allocation.gpu_ids.push_back(id.get<std::string>());
  }
  return allocation;
}

Result<core::RunSpec> read_spec(const fs::path& directory) {
  const auto value = read_json(directory / names::spec, core::limits::run_spec_bytes);
  if (!value) return value.error();
  return core::run_spec_from_json(*value);
}

Result<core::RunResult> read_result(const fs::path& directory) {
  const auto value = read_json(directory / names::result, core::limits::result_bytes);
  if (!value) return value.error();
  return core::run_result_from_json(*value);
}

Result<std::optional<LocalSettings>> read_local_settings(const fs::path& directory) {
  return read_if_there(directory / names::local, local_settings_from_json);
}

Result<std::optional<PostSettings>> read_post_settings(const fs::path& directory) {
  return read_if_there(directory / names::post, post_settings_from_json);
}

std::optional<ProcessIdentity> read_process(const fs::path& file) {
  const auto value = read_json(file, small_file_bytes);
  if (!value) return std::nullopt;
  const auto process = process_identity_from_json(*value);
  return process ? std::optional{*process} : std::nullopt;
}

std::optional<Allocation> read_allocation(const fs::path& directory) {
  const auto value = read_json(directory / names::allocation, small_file_bytes);
  if (!value) return std::nullopt;
  const auto parsed = allocation_from_json(*value);
  return parsed ? std::optional{*parsed} : std::nullopt;
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "localhost";
}

}  // namespace amdahl::run_files
