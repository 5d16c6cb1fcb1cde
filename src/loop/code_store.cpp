#include "amdahl/loop/code_store.hpp"

#include <fmt/format.h>
#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "amdahl/core/failpoint.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/core/sha256.hpp"
#include "tracked_files.hpp"

namespace amdahl::loop {
namespace {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Result;

struct File {
  std::string path;  ///< relative, with '/'
  bool executable = false;
  std::string bytes;
};

Error unreadable(const fs::path& path, const std::string& why) {
  return {ErrorCode::invalid_input, fmt::format("code of the job: {}: {}", path.string(), why),
          "name the job's own files in `code`; data does not belong there"};
}

Result<std::vector<std::string>> matching_files(const core::JobSpec& job) {
  std::vector<std::string> paths;
  std::error_code problem;
  fs::recursive_directory_iterator it{job.workdir, problem};
  for (; !problem && it != fs::recursive_directory_iterator{}; it.increment(problem)) {
    const auto relative = it->path().lexically_relative(job.workdir).generic_string();
    if (it->is_directory(problem) && it->path().filename() == ".git")
      it.disable_recursion_pending();
    if (!it->is_regular_file(problem) || it->is_symlink(problem)) continue;
    const bool wanted = std::any_of(job.code.begin(), job.code.end(), [&](const auto& glob) {
      return ::fnmatch(glob.c_str(), relative.c_str(), FNM_PATHNAME) == 0;
    });
    if (wanted) paths.push_back(relative);
    if (paths.size() > core::limits::snapshot_files) {
      return unreadable(job.workdir,
                        fmt::format("more than {} files", core::limits::snapshot_files));
    }
  }
  if (problem) return unreadable(job.workdir, problem.message());
  return paths;
}

Result<std::vector<File>> read_files(const core::JobSpec& job, std::vector<std::string> paths) {
  std::sort(paths.begin(), paths.end());
  std::vector<File> files;
  std::size_t total = 0;
  for (auto& path : paths) {
    const auto full = fs::path{job.workdir} / path;
    std::error_code problem;
    const auto status = fs::symlink_status(full, problem);
    if (problem || !fs::is_regular_file(status)) continue;  // tracked, but deleted or a link
    std::ifstream in{full, std::ios::binary};
    std::ostringstream bytes;
    bytes << in.rdbuf();
    if (!in) return unreadable(full, "cannot be read");
    total += bytes.view().size();
    if (total > core::limits::snapshot_bytes) {
      return unreadable(job.workdir,
                        fmt::format("more than {} MiB", core::limits::snapshot_bytes >> 20U));
    }
    const auto executable = (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
    files.push_back({std::move(path), executable, std::move(bytes).str()});
  }
  if (files.empty()) return unreadable(job.workdir, "no file matches");
  return files;
}

// SHA-256 over sorted (path, mode, SHA-256), each ended by a newline (design.md §8).
std::string digest_of(const std::vector<File>& files) {
  std::string listing;
  for (const auto& file : files) {
    listing += fmt::format("{}\n{}\n{}\n", file.path, file.executable ? "755" : "644",
                           core::hex(core::sha256(file.bytes)));
  }
  return core::hex(core::sha256(listing));
}

void write_files(const fs::path& directory, const std::vector<File>& files) {
  for (const auto& file : files) {
    const auto target = directory / file.path;
    fs::create_directories(target.parent_path());
    std::ofstream out{target, std::ios::binary};
    out.write(file.bytes.data(), static_cast<std::streamsize>(file.bytes.size()));
    out.close();
    if (!out)
      throw fs::filesystem_error{"cannot write", target, std::make_error_code(std::errc::io_error)};
    if (file.executable)
      fs::permissions(target, fs::perms::owner_exec | fs::perms::group_exec, fs::perm_options::add);
  }
}

}  // namespace

FileCodeStore::FileCodeStore(fs::path root) : root_{std::move(root)} {
  fs::create_directories(root_);
}

Result<CodeSnapshot> FileCodeStore::snapshot(const core::JobSpec& job) {
  std::error_code problem;
  if (!fs::is_directory(job.workdir, problem)) {
    return Error{ErrorCode::invalid_input,
                 fmt::format("job {}: workdir {} is no directory", job.name, job.workdir),
                 "correct job.workdir and add the job again"};
  }
  auto paths = job.code.empty() ? tracked_files(job.workdir) : matching_files(job);
  if (paths.has_error()) return paths.error();
  auto files = read_files(job, std::move(*paths));
  if (files.has_error()) return files.error();
  const CodeSnapshot result{digest_of(*files), (root_ / digest_of(*files)).string(),
                            static_cast<int>(files->size())};
  if (fs::exists(result.dir)) return result;
  const auto draft = root_ / fmt::format("draft-{}-{}", ::getpid(), result.digest);
  try {
    fs::remove_all(draft);
    write_files(draft, *files);
    core::failpoint("code.copied");
    fs::rename(draft, result.dir);
    core::failpoint("code.renamed");
  } catch (const fs::filesystem_error& error) {
    fs::remove_all(draft, problem);
    if (fs::exists(result.dir, problem)) return result;  // another process was first
    return Error{ErrorCode::failed, fmt::format("cannot store the job's code: {}", error.what()),
                 "free space or correct the state directory's owner"};
  }
  return result;
}

std::optional<fs::path> FileCodeStore::find(const std::string& digest) const {
  std::error_code problem;
  auto path = root_ / digest;
  if (digest.empty() || !fs::is_directory(path, problem)) return std::nullopt;
  return path;
}

}  // namespace amdahl::loop
