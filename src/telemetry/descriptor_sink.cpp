#include "descriptor_sink.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "amdahl/telemetry/log.hpp"
#include "timestamp.hpp"

namespace amdahl::telemetry {

namespace {

// A pipe that is ready takes this much at once, so write() does not wait.
constexpr std::size_t piece_bytes = 4096;

}  // namespace

bool DescriptorSink::write(std::string_view text) {
  const auto until = clock_.since_boot() + (stuck_ ? Log::patience * 0 : Log::patience);
  while (!text.empty()) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - clock_.since_boot());
    pollfd ready{descriptor_, POLLOUT, 0};
    const auto polled =
        ::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (polled < 0 && errno == EINTR && left.count() > 0) continue;
    if (polled <= 0) return false;
    const auto wrote = ::write(descriptor_, text.data(), std::min(text.size(), piece_bytes));
    if (wrote < 0 && (errno == EINTR || errno == EAGAIN) && left.count() > 0) continue;
    if (wrote < 0) return false;
    torn_ = true;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  torn_ = false;
  return true;
}

void DescriptorSink::sink_it_(const spdlog::details::log_msg& message) {
  std::string text = torn_ ? "\n" : "";
  text.append(message.payload.data(), message.payload.size());
  text += '\n';
  if (dropped_ > 0) {
    // Said before the line that follows the gap, by the same write.
    text.insert(torn_ ? 1 : 0, fmt::format(R"({{"at":"{}","count":{},"event":"log_lines_dropped",)"
                                           R"("level":"warning"}})"
                                           "\n",
                                           timestamp(clock_.now()), dropped_));
  }
  if (write(text)) {
    stuck_ = false;
    dropped_ = 0;
  } else {
    stuck_ = true;
    ++dropped_;
  }
}

}  // namespace amdahl::telemetry
