#include "ready_signal.hpp"

#include "amdahl/run_files/durable.hpp"

namespace amdahl::worker {

void ReadySignal::tell(Word word, std::string_view text) {
  if (!pipe_) return;
  std::string line{static_cast<char>(word)};
  run_files::write_all(pipe_.get(), line.append(text));
  pipe_.reset();
}

}  // namespace amdahl::worker
