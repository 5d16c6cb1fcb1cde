#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "amdahl/run_files/unique_fd.hpp"

namespace amdahl::worker {

/// What a leg wrote to one stream: the first bytes go to a file as they come, then only the last
/// ones are kept, and stand at the file's end after a line that tells how much is missing.
class BoundedOutput {
 public:
  /// Keeps nothing.
  BoundedOutput() : room_{0}, file_failed_{true} {}
  BoundedOutput(const std::filesystem::path& file, std::size_t bytes_max);

  void add(std::string_view piece);
  /// Writes the end; nothing may be added afterwards.
  void finish();

  /// The last bytes, at most limits::error_tail_bytes.
  std::string tail() const;

 private:
  run_files::UniqueFd file_;
  std::size_t room_;
  std::string last_;          ///< the last bytes, of head and rest alike
  std::uint64_t beyond_ = 0;  ///< bytes that came after the head was full
  bool file_failed_ = false;  ///< a full disk costs the output, not the leg
};

}  // namespace amdahl::worker
