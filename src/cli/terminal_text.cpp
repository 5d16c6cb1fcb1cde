#include "terminal_text.hpp"

#include <string>
#include <utility>

namespace amdahl::cli {

TerminalText::TerminalText(std::ostream& stream, Options options)
    : stream_{stream}, target_{stream.rdbuf(this)}, options_{options} {}

TerminalText::~TerminalText() { stream_.rdbuf(target_); }

void TerminalText::steer(std::string_view sequence) {
  target_->sputn(sequence.data(), static_cast<std::streamsize>(sequence.size()));
}

TerminalText::int_type TerminalText::overflow(int_type c) {
  if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
  return target_->sputc(harmless(traits_type::to_char_type(c)));
}

std::streamsize TerminalText::xsputn(const char* text, std::streamsize size) {
  std::string shown{text, static_cast<std::size_t>(size)};
  for (char& c : shown) c = harmless(c);
  return target_->sputn(shown.data(), size);
}

int TerminalText::sync() { return target_->pubsync(); }

char TerminalText::harmless(char c) {
  const auto byte = static_cast<unsigned char>(c);
  const bool after_lead = std::exchange(lead_, byte == 0xC2);
  if (c == '\n' || c == '\t' || (c == '\r' && options_.returns)) return c;
  if (byte < 0x20 || byte == 0x7F) return '?';
  // With the byte before it, `¿`: text stays UTF-8.
  if (options_.is_terminal && after_lead && byte >= 0x80 && byte < 0xA0)
    return static_cast<char>(0xBF);
  return c;
}

}  // namespace amdahl::cli
