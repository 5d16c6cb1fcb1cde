#pragma once

#include <span>
#include <string_view>

namespace amdahl::ledger {

/// A file below migrations/, embedded byte for byte.
struct SchemaFile {
  int version = 0;  ///< of a migration; 0 for a file of functions
  std::string_view name;
  std::string_view text;
};

/// Forward-only tables, by version.
std::span<const SchemaFile> migration_files();
/// Replaceable functions, in the order they are created.
std::span<const SchemaFile> function_files();

}  // namespace amdahl::ledger
