#include <cstddef>
#include <cstdint>
#include <string_view>

#include "amdahl/core/invariant.hpp"
#include "proposal_file.hpp"

// Whatever the bytes: at least one change, or an error that names the place.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto proposal = amdahl::cli::parse_proposal(text, "idea.toml");
  if (proposal.has_error()) {
    amdahl::core::invariant(proposal.error().message.starts_with("idea.toml:"),
                            "an error names its place");
    return 0;
  }
  amdahl::core::invariant(!proposal->changes.empty(), "an idea changes something");
  return 0;
}
