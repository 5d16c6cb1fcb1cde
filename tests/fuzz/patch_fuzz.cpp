#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "amdahl/core/invariant.hpp"
#include "amdahl/core/patch.hpp"

// Whatever the bytes: an error that names the place, or a patch whose paths stay inside and which
// either applies wholly or says why not.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amdahl::core;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto patch = parse_patch(text, "patch");
  if (patch.has_error()) {
    invariant(patch.error().message.starts_with("patch:"), "an error names its place");
    return 0;
  }
  SourceTree tree{{"f", {"one\ntwo\nthree\n", false}}, {"g", {"x", true}}};
  for (const auto& file : *patch) {
    const std::filesystem::path path{file.path};
    invariant(path.is_relative() && path.lexically_normal() == path, "a path stays inside");
    for (const auto& part : path) invariant(part != ".." && part != ".", "a path stays inside");
  }
  const auto after = apply_patch(tree, *patch, "patch");
  if (after.has_error()) return 0;
  for (const auto& file : *patch) {
    const bool removed = file.kind == FilePatch::Kind::remove;
    invariant(after->contains(file.path) != removed, "what is patched is there, or gone");
  }
  return 0;
}
