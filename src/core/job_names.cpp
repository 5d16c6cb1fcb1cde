#include "job_names.hpp"

#include <algorithm>

namespace amdahl::core {

namespace {

constexpr std::size_t name_chars_max = 63;  // a DNS label

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= name_chars_max && text.front() != '-' &&
         text.back() != '-' && std::all_of(text.begin(), text.end(), [](char c) {
           return is_lower(c) || is_digit(c) || c == '-';
         });
}

bool is_placeholder(std::string_view text) {
  return !text.empty() && text.size() <= name_chars_max && !is_digit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower(c) || is_digit(c) || c == '_'; });
}

bool is_variable(std::string_view text) {
  return !text.empty() && text.size() <= name_chars_max && !is_digit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

std::string reserved_variable(std::string_view text) {
  if (text.starts_with("AMDAHL_")) return "the loop sets it";
  if (text == "CUDA_VISIBLE_DEVICES") return "the scheduler sets it from the job's GPUs";
  return {};
}

std::vector<std::string> placeholders_of(std::string_view part) {
  std::vector<std::string> found;
  for (auto open = part.find('{'); open != std::string_view::npos;) {
    const auto close = part.find('}', open);
    if (close == std::string_view::npos) break;
    const auto inside = part.substr(open + 1, close - open - 1);
    if (is_placeholder(inside)) found.emplace_back(inside);
    open = part.find('{', close + 1);
  }
  return found;
}

}  // namespace amdahl::core
