#include "line_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "amdahl/run_files/durable.hpp"

namespace amdahl::worker {
namespace {

using core::Result;

constexpr std::size_t line_piece_bytes = 64 * 1024;

// Less than asked only at the end of the file.
Result<std::string_view> read_at(int fd, std::string& buffer, off_t offset, std::size_t bytes,
                                 const std::filesystem::path& path) {
  buffer.resize(bytes);
  std::size_t size = 0;
  while (size < bytes) {
    const auto got =
        ::pread(fd, buffer.data() + size, bytes - size, offset + static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return run_files::system_error("read", path, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return std::string_view{buffer}.substr(0, size);
}

}  // namespace

Result<void> read_lines(const std::filesystem::path& path, std::size_t bytes_max,
                        const LineTaker& take, const LineTaker& torn) {
  const auto file = run_files::open_plain_file(path);
  if (!file) return file.error();
  std::string buffer, rest;
  off_t offset = 0;
  for (std::size_t left = bytes_max; left > 0;) {
    auto piece = read_at(file->get(), buffer, offset, std::min(left, line_piece_bytes), path);
    if (!piece) return piece.error();
    if (piece->empty()) break;
    offset += static_cast<off_t>(piece->size());
    left -= piece->size();
    for (auto end = piece->find('\n'); end != std::string_view::npos; end = piece->find('\n')) {
      rest += piece->substr(0, end);
      piece->remove_prefix(end + 1);
      const bool more = take(rest);
      rest.clear();
      if (!more) return {};
    }
    rest += *piece;
    if (rest.size() > line_piece_bytes) {
      if (!take(rest)) return {};
      rest.clear();
    }
  }
  if (!rest.empty()) torn(rest);
  return {};
}

Result<void> read_lines_backwards(const std::filesystem::path& path, std::size_t bytes_max,
                                  const LineTaker& take) {
  const auto file = run_files::open_plain_file(path);
  if (!file) return file.error();
  const auto size = ::lseek(file->get(), 0, SEEK_END);
  const auto first = std::max<off_t>(0, size - static_cast<off_t>(bytes_max));
  std::string buffer, rest;  // rest: the begin of the line whose end has been seen
  bool at_the_end = true;
  for (off_t end = size; end > first;) {
    const auto begin = std::max(first, end - static_cast<off_t>(line_piece_bytes));
    auto piece = read_at(file->get(), buffer, begin, static_cast<std::size_t>(end - begin), path);
    if (!piece) return piece.error();
    if (at_the_end && piece->ends_with('\n')) piece->remove_suffix(1);
    at_the_end = false;
    for (auto cut = piece->rfind('\n'); cut != std::string_view::npos; cut = piece->rfind('\n')) {
      rest.insert(0, piece->substr(cut + 1));
      *piece = piece->substr(0, cut);
      const bool more = take(rest);
      rest.clear();
      if (!more) return {};
    }
    rest.insert(0, *piece);
    // What matters of a long line is its begin.
    if (rest.size() > line_piece_bytes) rest.resize(line_piece_bytes);
    end = begin;
  }
  if (size > 0) take(rest);
  return {};
}

}  // namespace amdahl::worker
