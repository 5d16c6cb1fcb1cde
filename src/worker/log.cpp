#include "log.hpp"

#include <unistd.h>

#include <string>

#include "amdahl/run_files/durable.hpp"

namespace amdahl::worker {

void log_line(std::string_view text) {
  run_files::write_all(STDERR_FILENO, "amdahl-run: " + std::string{text} + "\n");
}

}  // namespace amdahl::worker
