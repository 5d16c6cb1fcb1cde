#include "accounting_text.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <vector>

namespace amdahl::cli {

namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using scheduler_adapters::AccountingListener;
using scheduler_adapters::SlurmAccounting;
using Counts = SlurmAccounting::Counts;

constexpr std::size_t json_bytes_max = 256 << 20;
constexpr std::size_t block_bytes = 1 << 20;

Result<Counts> read_json_text(std::istream& in, std::string text,
                              const AccountingListener& listener) {
  std::vector<char> block(block_bytes);
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > json_bytes_max)
      return core::invalid_input(
          fmt::format("JSON of over {} MiB", json_bytes_max >> 20),
          "text is read in any size: " + std::string{scheduler_adapters::sacct_command});
  }
  Counts counts;
  const auto unreadable =
      scheduler_adapters::read_slurm_accounting_json(text, [&](core::Attempt&& attempt) {
        ++counts.lines;
        listener.attempt(std::move(attempt));
      });
  if (!unreadable) return unreadable.error();
  counts.unreadable = *unreadable;
  return counts;
}

Result<Counts> read_stream(std::istream& in, const AccountingListener& listener) {
  SlurmAccounting reader{listener.attempt, listener.unreadable};
  std::vector<char> block(block_bytes);
  bool first = true;
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
    const std::string_view piece{block.data(), static_cast<std::size_t>(in.gcount())};
    const auto begins = piece.find_first_not_of(" \t\r\n");
    if (first && begins != std::string_view::npos && piece[begins] == '{')
      return read_json_text(in, std::string{piece}, listener);
    first = false;
    if (const auto read = reader.feed(piece); !read) return read.error();
    if (!listener.go_on()) return reader.counts();
  }
  if (const auto read = reader.finish(); !read) return read.error();
  return reader.counts();
}

}  // namespace

Result<Counts> read_accounting_file(Environment& env, const std::string& file,
                                    const AccountingListener& listener) {
  const auto named = [&](Error error) {
    error.message = (file == "-" ? "standard input" : file) + ": " + error.message;
    return error;
  };
  auto read = Result<Counts>{Counts{}};
  if (file == "-") {
    read = read_stream(env.in, listener);
  } else {
    std::error_code ignored;
    const auto path = env.directory / file;
    if (std::filesystem::is_directory(path, ignored))
      return named({ErrorCode::invalid_input, "is a directory", ""});
    std::ifstream in{path, std::ios::binary};
    if (!in) return named({ErrorCode::not_found, std::strerror(errno), ""});
    read = read_stream(in, listener);
  }
  if (!read) return named(read.error());
  return read;
}

}  // namespace amdahl::cli
