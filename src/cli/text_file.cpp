#include "text_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace amdahl::cli {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Result;

namespace {
constexpr std::size_t secret_bytes_max = 16 << 10;
}  // namespace

Result<std::string> read_text_file(const fs::path& file, std::size_t bytes_max) {
  std::error_code problem;
  if (fs::is_directory(file, problem)) {
    return Error{ErrorCode::invalid_input, file.string() + " is a directory", {}};
  }
  std::ifstream stream{file, std::ios::binary};
  if (!stream) {
    const auto why = std::strerror(errno);
    return Error{errno == ENOENT ? ErrorCode::not_found : ErrorCode::invalid_input,
                 fmt::format("cannot read {}: {}", file.string(), why),
                 {}};
  }
  std::string text(bytes_max + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > bytes_max) {
    return core::invalid_input(fmt::format("{} is larger than {} bytes", file.string(), bytes_max));
  }
  return text;
}

Result<std::string> read_secret(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    return Error{ErrorCode::invalid_config,
                 fmt::format("cannot read {}: {}", file.string(), std::strerror(errno)),
                 {}};
  }
  if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    return Error{ErrorCode::invalid_config,
                 fmt::format("{} holds a secret and others may read or write it", file.string()),
                 "chmod o-rw " + file.string()};
  }
  const auto text = read_text_file(file, secret_bytes_max);
  if (!text) return Error{ErrorCode::invalid_config, text.error().message, text.error().hint};
  auto secret = *text;
  secret.erase(std::min(secret.find('\n'), secret.size()));
  secret.erase(secret.find_last_not_of(" \t\r") + 1);
  if (secret.empty()) return Error{ErrorCode::invalid_config, file.string() + " is empty", {}};
  return secret;
}

}  // namespace amdahl::cli
