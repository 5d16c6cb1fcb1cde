#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>

#include "amdahl/core/invariant.hpp"
#include "amdahl/ledger/export.hpp"

// Whatever the bytes: a proof, a first bad row, or an error that names the line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream in{std::string{reinterpret_cast<const char*>(data), size}};
  const auto proof = amdahl::ledger::verify_export(in, "copy.ledger");
  if (proof.has_error()) {
    amdahl::core::invariant(proof.error().message.starts_with("copy.ledger:"),
                            "an error names its place");
    amdahl::core::invariant(!proof.error().hint.empty(), "an error says what to do");
  } else if (const auto& bad = proof->first_bad) {
    amdahl::core::invariant(!bad->problem.empty(), "a bad row says why");
  }
  return 0;
}
