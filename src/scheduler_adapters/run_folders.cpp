#include "run_folders.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "amdahl/core/limits.hpp"
#include "amdahl/run_files/durable.hpp"
#include "amdahl/run_files/formats.hpp"
#include "amdahl/run_files/names.hpp"

namespace amdahl::scheduler_adapters {

namespace fs = std::filesystem;
namespace names = run_files::names;
using core::Error;
using core::ErrorCode;
using core::Result;
using core::RunKey;

namespace {

bool is_a_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

}  // namespace

RunFolders::RunFolders(const fs::path& root) : live_{root / "live"}, done_{root / "done"} {
  std::error_code ignored;
  for (const auto& folder : {live_, done_}) fs::create_directories(folder, ignored);
  fs::permissions(root, fs::perms::owner_all, ignored);
}

bool RunFolders::is_live(const RunKey& key) const { return is_a_folder(live(key)); }
bool RunFolders::is_done(const RunKey& key) const { return is_a_folder(done(key)); }

Result<fs::path> RunFolders::where(const RunKey& key) const {
  if (!core::is_run_key(key.text)) return core::invalid_input("`" + key.text + "` is no run key");
  for (const auto& folder : {live(key), done(key)}) {
    if (is_a_folder(folder)) return folder;
  }
  return Error{ErrorCode::not_found,
               "no run " + key.text + " below " + live_.parent_path().string(), ""};
}

Result<bool> RunFolders::make(const core::RunSpec& spec) const {
  const auto directory = live(spec.key);
  if (::mkdir(directory.c_str(), 0700) == 0) {
    if (auto synced = run_files::sync_directory(live_); !synced) return synced.error();
    return true;
  }
  if (errno != EEXIST) return run_files::system_error("create", directory, errno);
  const auto there = run_files::read_spec(directory);
  if (!there && there.error().code == ErrorCode::not_found)
    return true;  // died before it was written
  if (there && core::spec_sha(*there) == core::spec_sha(spec)) return false;
  return Error{ErrorCode::conflict, directory.string() + " belongs to another spec", ""};
}

Result<std::string> RunFolders::result(const RunKey& key) const {
  const auto directory = where(key);
  if (!directory) return directory.error();
  return run_files::read_file(*directory / names::result, core::limits::result_bytes);
}

Result<std::string> RunFolders::log_end(const RunKey& key, core::Arm arm, bool error_stream,
                                        std::size_t bytes_max) const {
  const auto directory = where(key);
  if (!directory) return directory.error();
  const auto spec = run_files::read_spec(*directory);
  if (!spec) return spec.error();
  for (std::size_t i = 0; i < spec->legs.size(); ++i) {
    if (spec->legs[i].arm != arm) continue;
    const auto name = error_stream ? names::leg_stderr : names::leg_stdout;
    return run_files::read_file_end(*directory / names::leg_folder(i) / name, bytes_max);
  }
  return Error{ErrorCode::not_found, key.text + " has no leg " + std::string{core::name(arm)}, ""};
}

void RunFolders::close(const RunKey& key) const {
  std::error_code ignored;  // what cannot be moved now is moved by the next call
  fs::rename(live(key), done(key), ignored);
}

void RunFolders::tidy(const RunKey& key) const {
  std::error_code ignored;
  for (std::size_t leg = 0; leg < 2; ++leg) {
    const auto folder = done(key) / names::leg_folder(leg);
    fs::remove_all(folder / names::leg_code, ignored);
    fs::remove_all(folder / names::leg_temporary, ignored);
  }
}

}  // namespace amdahl::scheduler_adapters
