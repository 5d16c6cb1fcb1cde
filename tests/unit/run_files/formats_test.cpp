#include "amdahl/run_files/formats.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "amdahl/run_files/names.hpp"
#include "support/scratch_folder.hpp"

using namespace amdahl;
using namespace amdahl::run_files;

TEST_CASE("settings and allocations survive the way through JSON", "[run_files][formats]") {
  const LocalSettings settings{"/var/slots", 4, 8, 1 << 30, 17};
  CHECK(local_settings_from_json(to_json(settings)).value() == settings);
  const Allocation allocation{{"0", "3"}, 42};
  CHECK(allocation_from_json(to_json(allocation)).value() == allocation);
}

TEST_CASE("broken settings are refused", "[run_files][formats]") {
  CHECK(local_settings_from_json(nlohmann::json::array()).has_error());
  CHECK(local_settings_from_json({{"slots_dir", "relative"}}).has_error());
  CHECK(local_settings_from_json({{"slots_dir", 5}}).has_error());
  CHECK(allocation_from_json({{"gpu_ids", {1, 2}}}).has_error());
}

TEST_CASE("a run without settings has no gate, a broken one is an error", "[run_files][formats]") {
  test::ScratchFolder folder;
  CHECK_FALSE(read_local_settings(folder.path()).value());
  folder.write(names::local, "{broken");
  CHECK(read_local_settings(folder.path()).has_error());
  CHECK_FALSE(read_allocation(folder.path()));
  folder.write(names::shim, "");  // created, then the machine died
  CHECK_FALSE(read_process(folder.path() / names::shim));
}
