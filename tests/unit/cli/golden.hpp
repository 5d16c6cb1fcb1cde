#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace amdahl::cli {

/// What tests/golden/cli/<name> says. With AMDAHL_UPDATE_GOLDEN set, it is written anew first.
inline std::string golden(const std::string& name, const std::string& actual) {
  const std::filesystem::path path = std::filesystem::path{AMDAHL_GOLDEN_DIR} / name;
  if (std::getenv("AMDAHL_UPDATE_GOLDEN") != nullptr) std::ofstream{path} << actual;
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

}  // namespace amdahl::cli
