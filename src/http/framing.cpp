#include "framing.hpp"

#include <algorithm>

namespace amdahl::http {
namespace {

constexpr unsigned chunks_since = 11;  // HTTP/1.1

bool is_word(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

}  // namespace

std::string_view without_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

std::string_view framing_problem(const Fields& headers, unsigned version) {
  int codings = 0, lengths = 0;
  for (const auto& [name, value] : headers) {
    if (name == "content-length") ++lengths;
    if (name != "transfer-encoding") continue;
    ++codings;
    if (!is_word(without_blanks(value), "chunked"))
      return "of the transfer codings only chunked is known here";
  }
  if (codings == 0) return {};
  if (codings > 1) return "Transfer-Encoding was sent twice";
  if (lengths > 0) return "there are both Transfer-Encoding and Content-Length";
  if (version < chunks_since) return "HTTP/1.0 has no Transfer-Encoding";
  return {};
}

bool is_plain(const Fields& headers) {
  return std::all_of(headers.begin(), headers.end(), [](const auto& header) {
    return header.first != "content-encoding" || is_word(without_blanks(header.second), "identity");
  });
}

}  // namespace amdahl::http
