#pragma once

#include <ostream>
#include <streambuf>
#include <string_view>

namespace amdahl::cli {

/// Stands between a stream and what it writes to, and lets nothing through that steers a terminal:
/// reasons, names and logs are other people's words. A control character becomes `?`. JSON has
/// none.
class TerminalText final : public std::streambuf {
 public:
  struct Options {
    bool returns = false;      ///< a carriage return passes, for progress on one line
    bool is_terminal = false;  ///< the control characters of ISO 6429 beyond ASCII are none either
  };

  TerminalText(std::ostream& stream, Options options);
  ~TerminalText() override;
  TerminalText(const TerminalText&) = delete;
  TerminalText& operator=(const TerminalText&) = delete;

  /// Writes `sequence` as it is: our own.
  void steer(std::string_view sequence);

 protected:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int sync() override;

 private:
  char harmless(char c);

  std::ostream& stream_;
  std::streambuf* target_;
  Options options_;
  bool lead_ = false;  ///< the last byte was 0xC2, before which 0x80 to 0x9F are control characters
};

}  // namespace amdahl::cli
