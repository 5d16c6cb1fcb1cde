#include <cstddef>
#include <cstdint>
#include <string_view>

#include "amdahl/core/invariant.hpp"
#include "amdahl/diagnosis/fleet.hpp"
#include "amdahl/scheduler_adapters/slurm_accounting.hpp"

namespace {

using namespace amdahl;

void check(const diagnosis::Fleet& fleet) {
  for (const auto& family : fleet.ranked(100)) {
    const auto& hours = family.hours;
    core::invariant(hours.paid >= 0 && hours.waste() >= -1e-6 * hours.paid - 1e-9,
                    "nobody wastes less than nothing");
    core::invariant(family.runs > 0, "a family has runs");
  }
}

}  // namespace

// The first byte: text in pieces of that size, or (0) JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  diagnosis::Fleet fleet;
  const auto add = [&](core::Attempt&& attempt) { fleet.add(attempt); };
  if (data[0] == 0) {
    (void)scheduler_adapters::read_slurm_accounting_json(text, add);
    check(fleet);
    return 0;
  }
  scheduler_adapters::SlurmAccounting reader{add};
  core::Result<void> read{};
  for (std::size_t at = 0; at < text.size() && read; at += data[0])
    read = reader.feed(text.substr(at, data[0]));
  if (read) read = reader.finish();
  core::invariant(read || !read.error().message.empty(), "an error says something");
  core::invariant(reader.counts().unreadable <= reader.counts().lines, "lines are counted once");
  check(fleet);
  return 0;
}
