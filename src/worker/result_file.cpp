#include "result_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "amdahl/core/failpoint.hpp"
#include "amdahl/run_files/durable.hpp"

namespace amdahl::worker {

using run_files::system_error;

namespace {

constexpr off_t reserved_bytes = 128 * 1024;  // two legs' results with their error tails, and room
constexpr const char* temporary_name = "result.json.tmp";

}  // namespace

core::Result<ResultFile> ResultFile::reserve(const std::filesystem::path& path) {
  ResultFile file;
  file.path_ = path;
  const auto folder = path.parent_path();
  file.directory_ = run_files::UniqueFd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!file.directory_) return system_error("open", folder, errno);
  file.file_ = run_files::UniqueFd{::openat(file.directory_.get(), temporary_name,
                                            O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!file.file_) return system_error("create", folder / temporary_name, errno);
  // File systems that cannot reserve (EOPNOTSUPP) are written to without.
  if (::fallocate(file.file_.get(), 0, 0, reserved_bytes) != 0 &&
      (errno == ENOSPC || errno == EDQUOT)) {
    return system_error("reserve space for", path, errno);
  }
  return file;
}

core::Result<void> ResultFile::commit(std::string_view content) {
  // Over the reserved blocks: cutting the file first would give them back.
  if (::lseek(file_.get(), 0, SEEK_SET) != 0 || !run_files::write_all(file_.get(), content) ||
      ::ftruncate(file_.get(), static_cast<off_t>(content.size())) != 0 ||
      ::fsync(file_.get()) != 0) {
    return system_error("write", path_, errno);
  }
  core::failpoint("shim.result_drafted");
  // By descriptor: once the result is seen, the run may be acknowledged and its folder moved.
  const auto folder = directory_.get();
  if (::renameat(folder, temporary_name, folder, path_.filename().c_str()) != 0)
    return system_error("replace", path_, errno);
  core::failpoint("shim.result_renamed");
  if (::fsync(folder) != 0) return system_error("replace", path_, errno);
  return {};
}

}  // namespace amdahl::worker
