#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "amdahl/core/result.hpp"
#include "amdahl/run_files/unique_fd.hpp"

/// Files that survive a crash: what these functions report as done is on the disk.
namespace amdahl::run_files {

/// Opens a regular file for reading; follows no link and waits for no pipe.
core::Result<UniqueFd> open_plain_file(const std::filesystem::path& path);

/// The whole of a regular file; `not_found` when there is none, `invalid_input` when it is longer
/// than `bytes_max` or no regular file.
core::Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max);

/// The last bytes of a regular file, at most `bytes_max`.
core::Result<std::string> read_file_end(const std::filesystem::path& path, std::size_t bytes_max);

/// Replaces a file at once: temporary file, fsync, rename, fsync of the directory.
core::Result<void> write_file(const std::filesystem::path& path, std::string_view content);

/// Replaces a file at once, but only in memory: for what means nothing after the machine's end.
core::Result<void> write_file_volatile(const std::filesystem::path& path, std::string_view content);

/// Creates a file that must not exist yet; false when it does.
core::Result<bool> create_exclusively(const std::filesystem::path& path, std::string_view content);

core::Result<void> sync_directory(const std::filesystem::path& directory);

/// Writes everything to `fd`, whatever the pieces; false with errno set when it cannot.
bool write_all(int fd, std::string_view content);

/// What went wrong with `path`, from errno: "cannot open /x: No such file or directory".
core::Error system_error(std::string_view verb, const std::filesystem::path& path, int error);

}  // namespace amdahl::run_files
