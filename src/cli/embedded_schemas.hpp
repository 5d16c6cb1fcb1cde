#pragma once

#include <span>
#include <string_view>

namespace amdahl::cli {

/// A file of schemas/, embedded byte for byte.
struct EmbeddedSchema {
  std::string_view name;
  std::string_view text;
};

std::span<const EmbeddedSchema> embedded_schemas();

}  // namespace amdahl::cli
