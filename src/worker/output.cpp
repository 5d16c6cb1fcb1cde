#include "output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "amdahl/core/limits.hpp"
#include "amdahl/run_files/durable.hpp"
#include "log.hpp"

namespace amdahl::worker {
namespace {

// A result printed last must survive whatever stood before it.
constexpr std::size_t kept_end_bytes = 64 * 1024;
constexpr std::size_t note_bytes = 128;

}  // namespace

BoundedOutput::BoundedOutput(const std::filesystem::path& file, std::size_t bytes_max)
    : file_{::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)},
      room_{bytes_max - kept_end_bytes - note_bytes} {
  if (!file_) log_line(run_files::system_error("create", file, errno).message);
}

void BoundedOutput::add(std::string_view piece) {
  const auto head = piece.substr(0, room_);
  room_ -= head.size();
  beyond_ += piece.size() - head.size();
  if (!head.empty() && !file_failed_ && !run_files::write_all(file_.get(), head)) {
    log_line(std::string{"output is lost from here on: "} + std::strerror(errno));
    file_failed_ = true;
  }
  last_ += piece;
  if (last_.size() > 2 * kept_end_bytes) last_.erase(0, last_.size() - kept_end_bytes);
}

void BoundedOutput::finish() {
  if (last_.size() > kept_end_bytes) last_.erase(0, last_.size() - kept_end_bytes);
  if (beyond_ == 0 || file_failed_) return;
  const auto kept = std::min<std::uint64_t>(beyond_, last_.size());
  std::string end;
  if (beyond_ > kept) {
    end = "\n[amdahl-run left out " + std::to_string(beyond_ - kept) + " bytes here]\n";
  }
  end += last_.substr(last_.size() - kept);
  run_files::write_all(file_.get(), end);
}

std::string BoundedOutput::tail() const {
  const auto bytes = std::min(last_.size(), core::limits::error_tail_bytes);
  return last_.substr(last_.size() - bytes);
}

}  // namespace amdahl::worker
