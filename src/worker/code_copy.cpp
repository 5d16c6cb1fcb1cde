#include "code_copy.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "amdahl/core/limits.hpp"
#include "amdahl/core/patch.hpp"
#include "amdahl/run_files/durable.hpp"
#include "amdahl/run_files/unique_fd.hpp"

namespace amdahl::worker {
namespace {

namespace fs = std::filesystem;
using core::Result;
using run_files::system_error;
using run_files::UniqueFd;

Result<void> copy_plain_file(const fs::path& from, const fs::path& to) {
  const UniqueFd source{::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!source) return system_error("open", from, errno);
  struct stat status {};
  if (::fstat(source.get(), &status) != 0) return system_error("read", from, errno);
  const auto mode = (status.st_mode & 0777) | S_IRUSR | S_IWUSR;
  const UniqueFd target{::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
  if (!target || ::fchmod(target.get(), mode) != 0) return system_error("create", to, errno);
  for (off_t left = status.st_size; left > 0;) {
    const auto copied =
        ::sendfile(target.get(), source.get(), nullptr, static_cast<std::size_t>(left));
    if (copied < 0 && errno == EINTR) continue;
    if (copied <= 0) return system_error("copy", to, copied < 0 ? errno : EIO);
    left -= copied;
  }
  return {};
}

Result<void> copy_entry(const fs::directory_entry& entry, const fs::path& to) {
  std::error_code error;
  const auto type = entry.symlink_status(error).type();
  if (type == fs::file_type::directory) {
    fs::create_directory(to, error);
    if (error) return system_error("create", to, error.value());
    return {};
  }
  if (type == fs::file_type::regular) return copy_plain_file(entry.path(), to);
  if (type == fs::file_type::symlink) {
    fs::copy_symlink(entry.path(), to, error);
    if (error) return system_error("create", to, error.value());
    return {};
  }
  return core::invalid_input(entry.path().string() + " is neither file, folder nor link");
}

// Without following a link anywhere on the way: a link in the snapshot must not lead a patch out.
bool is_reached_without_links(const fs::path& root, const fs::path& relative) {
  auto folder = root;
  for (const auto& part : relative.parent_path()) {
    folder /= part;
    struct stat status {};
    if (::lstat(folder.c_str(), &status) != 0) return errno == ENOENT;
    if (!S_ISDIR(status.st_mode)) return false;
  }
  return true;
}

// Also the other names of a file that exists as a link: O_NOFOLLOW refuses it.
Result<core::SourceTree> read_named(const fs::path& root,
                                    const std::vector<core::FilePatch>& patch) {
  core::SourceTree tree;
  for (const auto& file : patch) {
    const auto path = root / file.path;
    if (!is_reached_without_links(root, file.path)) {
      return core::invalid_input(file.path + " lies behind a link, which a patch must not follow");
    }
    auto content = run_files::read_file(path, core::limits::snapshot_bytes);
    if (!content && content.error().code == core::ErrorCode::not_found) continue;
    if (!content) return content.error();
    tree[file.path] = {std::move(*content), ::access(path.c_str(), X_OK) == 0};
  }
  return tree;
}

Result<void> write_patched(const fs::path& path, const core::SourceFile& file) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  const mode_t mode = file.executable ? 0755 : 0644;
  const UniqueFd target{
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)};
  if (!target || ::fchmod(target.get(), mode) != 0) return system_error("create", path, errno);
  if (!run_files::write_all(target.get(), file.content)) return system_error("write", path, errno);
  return {};
}

Result<void> apply_one(const fs::path& root, const std::string& diff, const std::string& place) {
  const auto patch = core::parse_patch(diff, place);
  if (!patch) return patch.error();
  auto before = read_named(root, *patch);
  if (!before) return before.error();
  const auto after = core::apply_patch(std::move(*before), *patch, place);
  if (!after) return after.error();
  for (const auto& file : *patch) {
    const auto found = after->find(file.path);
    if (found == after->end()) {
      if (::unlink((root / file.path).c_str()) != 0)
        return system_error("remove", root / file.path, errno);
    } else if (auto written = write_patched(root / file.path, found->second); !written) {
      return written.error();
    }
  }
  return {};
}

}  // namespace

Result<void> copy_code(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to, error);
  if (error) return system_error("create", to, error.value());
  fs::recursive_directory_iterator entries{from, error};
  if (error) return system_error("read the code snapshot", from, error.value());
  std::size_t count = 0;
  for (const auto end = fs::end(entries); entries != end;) {
    if (++count > 2 * core::limits::snapshot_files) {
      return core::invalid_input(from.string() + " holds more files than a code snapshot may");
    }
    const auto relative = entries->path().lexically_relative(from);
    if (auto copied = copy_entry(*entries, to / relative); !copied) return copied.error();
    entries.increment(error);
    if (error) return system_error("read", from, error.value());
  }
  return {};
}

Result<void> patch_code(const fs::path& root, const std::vector<std::string>& patches) {
  for (std::size_t i = 0; i < patches.size(); ++i) {
    const auto place = "patch " + std::to_string(i + 1);
    if (auto applied = apply_one(root, patches[i], place); !applied) return applied.error();
  }
  return {};
}

}  // namespace amdahl::worker
