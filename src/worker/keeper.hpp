#pragma once

#include <filesystem>

namespace amdahl::worker {

/// Runs the shim as a child and answers its exit status. Whatever the run leaves behind, in
/// whatever session, is killed when the shim has gone, also when somebody killed the shim.
int keep_shim(const std::filesystem::path& directory);

}  // namespace amdahl::worker
