#include "amdahl/run_files/durable.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "amdahl/run_files/unique_fd.hpp"

namespace amdahl::run_files {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Result;

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Error system_error(std::string_view verb, const fs::path& path, int error) {
  const auto code = error == ENOENT                     ? ErrorCode::not_found
                    : error == EACCES || error == EPERM ? ErrorCode::not_allowed
                                                        : ErrorCode::failed;
  std::string hint;
  if (error == ENOSPC || error == EDQUOT) hint = "free some space on that file system";
  return {code, "cannot " + std::string{verb} + " " + path.string() + ": " + std::strerror(error),
          hint};
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const auto written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Result<UniqueFd> open_plain_file(const fs::path& path) {
  UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (!file) return system_error("open", path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return system_error("read", path, errno);
  if (!S_ISREG(status.st_mode)) return core::invalid_input(path.string() + " is not a plain file");
  return file;
}

namespace {

// Up to `bytes_max` and one more, so that the caller sees when there is more.
Result<std::string> read_rest(const UniqueFd& file, const fs::path& path, std::size_t bytes_max) {
  std::string content;
  std::size_t size = 0;
  while (size <= bytes_max) {
    content.resize(std::min(bytes_max + 1, std::max<std::size_t>(4096, 2 * size)));
    const auto got = ::read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read", path, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  content.resize(size);
  return content;
}

}  // namespace

Result<std::string> read_file(const fs::path& path, std::size_t bytes_max) {
  const auto file = open_plain_file(path);
  if (!file) return file.error();
  auto content = read_rest(*file, path, bytes_max);
  if (content && content->size() > bytes_max) {
    return core::invalid_input(path.string() + " is longer than " + std::to_string(bytes_max) +
                               " bytes");
  }
  return content;
}

Result<std::string> read_file_end(const fs::path& path, std::size_t bytes_max) {
  const auto file = open_plain_file(path);
  if (!file) return file.error();
  const auto size = ::lseek(file->get(), 0, SEEK_END);
  const auto begin = std::max<off_t>(0, size - static_cast<off_t>(bytes_max));
  if (size < 0 || ::lseek(file->get(), begin, SEEK_SET) < 0)
    return system_error("read", path, errno);
  auto content = read_rest(*file, path, bytes_max);
  if (content && content->size() > bytes_max) content->resize(bytes_max);  // it has grown meanwhile
  return content;
}

Result<void> sync_directory(const fs::path& directory) {
  const UniqueFd opened{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened || ::fsync(opened.get()) != 0) return system_error("sync", directory, errno);
  return {};
}

namespace {

Result<void> replace_file(const fs::path& path, std::string_view content, bool durable) {
  // A name of its own: several processes may replace the same file.
  static std::atomic<unsigned> count{0};
  auto temporary = path;
  temporary += ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
  {
    const UniqueFd file{
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file) return system_error("create", temporary, errno);
    if (!write_all(file.get(), content) || (durable && ::fsync(file.get()) != 0)) {
      const int error = errno;
      ::unlink(temporary.c_str());
      return system_error("write", temporary, error);
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return system_error("replace", path, errno);
  if (!durable) return {};
  return sync_directory(path.parent_path());
}

}  // namespace

Result<void> write_file(const fs::path& path, std::string_view content) {
  return replace_file(path, content, true);
}

Result<void> write_file_volatile(const fs::path& path, std::string_view content) {
  return replace_file(path, content, false);
}

Result<bool> create_exclusively(const fs::path& path, std::string_view content) {
  {
    const UniqueFd file{
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file) {
      if (errno == EEXIST) return false;
      return system_error("create", path, errno);
    }
    if (!write_all(file.get(), content) || ::fsync(file.get()) != 0) {
      const int error = errno;
      ::unlink(path.c_str());
      return system_error("write", path, error);
    }
  }
  if (auto synced = sync_directory(path.parent_path()); !synced) return synced.error();
  return true;
}

}  // namespace amdahl::run_files
