#include "amdahl/run_files/life_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "amdahl/run_files/durable.hpp"

namespace amdahl::run_files {
namespace {

struct flock whole_file() {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  return range;
}

}  // namespace

core::Result<std::optional<LifeLock>> LifeLock::try_take(const std::filesystem::path& file) {
  UniqueFd fd{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!fd) return system_error("open", file, errno);
  auto range = whole_file();
  if (::fcntl(fd.get(), F_OFD_SETLK, &range) == 0) return std::optional{LifeLock{std::move(fd)}};
  if (errno == EAGAIN || errno == EACCES) return std::optional<LifeLock>{};
  return system_error("lock", file, errno);
}

core::Result<bool> is_locked(const std::filesystem::path& file) {
  const UniqueFd fd{::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
  if (!fd) {
    if (errno == ENOENT) return false;
    return system_error("open", file, errno);
  }
  auto range = whole_file();
  if (::fcntl(fd.get(), F_OFD_GETLK, &range) != 0) return system_error("look at", file, errno);
  return range.l_type != F_UNLCK;
}

}  // namespace amdahl::run_files
