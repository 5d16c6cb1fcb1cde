#pragma once

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <string>

namespace amdahl::scheduler_adapters {

/// What a real Slurm printed.
inline std::string fixture(const std::string& name, const std::string& slurm = "22.05") {
  std::ifstream in{AMDAHL_FIXTURES "/slurm/" + slurm + "/" + name};
  REQUIRE(in);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace amdahl::scheduler_adapters
