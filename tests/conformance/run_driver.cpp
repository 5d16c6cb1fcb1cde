#include "run_driver.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <thread>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/limits.hpp"

namespace amdahl::conformance {

using scheduler_adapters::Submitted;

bool eventually(const std::function<bool()>& holds, std::chrono::seconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    // tidy: allow(sleep-in-test): polls for a condition, up to a deadline
    // tidy: allow(sleep-in-test): processes of others are waited for; nothing wakes us
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream{path, std::ios::binary} << text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream{text};
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

core::RunSpec shell_run(AdapterSubject& subject, const std::string& script) {
  static std::random_device device;
  std::array<std::uint8_t, 16> uuid{};
  for (auto& byte : uuid) byte = static_cast<std::uint8_t>(device());
  core::RunSpec spec;
  spec.key = core::make_run_key(uuid, 1);
  spec.name = "conformance";
  spec.code_digest = "snapshot";
  spec.code_dir = subject.scratch() / ("code-" + spec.key.text);
  spec.workdir = subject.scratch();
  std::filesystem::create_directories(spec.code_dir);
  spec.allocation = {1, 1, 1, 1 << 20};
  spec.leg_time_limit = std::chrono::minutes{2};
  spec.units.kind = core::Source::Kind::event;
  spec.witness = {"term", 3, 14, "0123456789abcdef"};
  core::LegSpec leg;
  leg.command = {"sh", "-c", script};
  leg.gpus = 1;
  spec.legs = {leg};
  return spec;
}

void add_variant(core::RunSpec& spec, const std::string& script) {
  auto leg = spec.legs.front();
  leg.arm = core::Arm::variant;
  leg.command = {"sh", "-c", script};
  spec.legs.push_back(leg);
}

std::string count_in(const std::filesystem::path& file) {
  return "echo x >> '" + file.string() + "'\n";
}

Submitted offer(scheduler_adapters::Adapter& adapter, const core::RunSpec& spec) {
  return adapter.submit(spec, core::limits::submit_timeout);
}

Submitted submit(AdapterSubject& subject, const core::RunSpec& spec) {
  auto submitted = offer(subject.adapter(), spec);
  INFO(submitted.failure.message);
  REQUIRE(submitted.kind == Submitted::Kind::accepted);
  return submitted;
}

std::optional<scheduler_adapters::Observation> observed(scheduler_adapters::Adapter& adapter,
                                                        const core::RunKey& key) {
  const auto listing = adapter.list();
  INFO(listing.problem);
  REQUIRE(listing.complete);
  for (const auto& run : listing.runs) {
    if (run.key == key) return run;
  }
  return std::nullopt;
}

bool wait_for_end(scheduler_adapters::Adapter& adapter, const core::RunKey& key) {
  return eventually([&] {
    const auto seen = observed(adapter, key);
    return seen && seen->state == core::RunState::ended;
  });
}

core::RunResult result_of(scheduler_adapters::Adapter& adapter, const core::RunKey& key) {
  const auto text = adapter.fetch_result(key);
  REQUIRE(text.has_value());
  const auto value = core::parse_json(*text, "result.json");
  REQUIRE(value.has_value());
  auto result = core::run_result_from_json(*value);
  REQUIRE(result.has_value());
  CHECK(result->key == key);
  return std::move(*result);
}

core::RunResult execute(AdapterSubject& subject, const core::RunSpec& spec) {
  const auto submitted = submit(subject, spec);
  REQUIRE(subject.adapter().release(spec.key, submitted.ref).has_value());
  REQUIRE(wait_for_end(subject.adapter(), spec.key));
  return result_of(subject.adapter(), spec.key);
}

}  // namespace amdahl::conformance
