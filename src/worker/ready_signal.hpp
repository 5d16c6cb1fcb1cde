#pragma once

#include <string>
#include <string_view>

#include "amdahl/run_files/unique_fd.hpp"

namespace amdahl::worker {

/// How a shim tells the command that started it what became of it: one line into a pipe, then its
/// end. In the foreground nobody listens.
class ReadySignal {
 public:
  enum class Word : char { held = 'h', already = 'a', refused = 'r', failed = 'f' };

  ReadySignal() = default;
  explicit ReadySignal(run_files::UniqueFd pipe) : pipe_{std::move(pipe)} {}

  /// Tells once; later calls are ignored.
  void tell(Word word, std::string_view text);

 private:
  run_files::UniqueFd pipe_;
};

}  // namespace amdahl::worker
