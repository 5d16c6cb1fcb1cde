#pragma once

#include <spdlog/sinks/base_sink.h>

#include <cstdint>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>

#include "amdahl/core/clock.hpp"

namespace amdahl::telemetry {

/// Lines to a descriptor whose reader may stand still: one wait, then they are dropped and counted
/// until it reads again. No line is torn by another.
class DescriptorSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  DescriptorSink(int descriptor, core::Clock& clock) : descriptor_{descriptor}, clock_{clock} {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

  /// False when not all was written in time.
  bool write(std::string_view text);

  int descriptor_;
  core::Clock& clock_;
  bool stuck_ = false;
  bool torn_ = false;  ///< the last line has no end
  std::uint64_t dropped_ = 0;
};

/// Lines to a stream.
class StreamSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StreamSink(std::ostream& out) : out_{out} {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    out_.write(message.payload.data(), static_cast<std::streamsize>(message.payload.size()));
    out_ << '\n' << std::flush;
  }
  void flush_() override { out_.flush(); }

  std::ostream& out_;
};

}  // namespace amdahl::telemetry
