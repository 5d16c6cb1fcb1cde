#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <string>

#include "slurm_records.hpp"

namespace amdahl::scheduler_adapters {

/// What a real Slurm printed.
inline std::string fixture(const std::string& name, const std::string& slurm = "22.05") {
  std::ifstream in{AMDAHL_FIXTURES "/slurm/" + slurm + "/" + name};
  REQUIRE(in);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline slurm::Job named(const slurm::Records& records, const std::string& name) {
  const auto it = std::find_if(records.jobs.begin(), records.jobs.end(),
                               [&](const slurm::Job& job) { return job.name == name; });
  REQUIRE(it != records.jobs.end());
  return *it;
}

}  // namespace amdahl::scheduler_adapters
