#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "amdahl/core/result.hpp"
#include "amdahl/ledger/verify.hpp"

namespace amdahl::ledger {

struct ExportSummary {
  std::int64_t rows = 0;
  std::int64_t hidden_salts = 0;  ///< of undecided experiments: only their digest is in it
  std::string sha256;             ///< of all lines but the last, hex
};

/// Writes the ledger as text (docs/reference/ledger.md): one read-only snapshot, row by row. Throws
/// the types of errors.hpp, and what `write` throws.
ExportSummary export_ledger(const std::string& url,
                            const std::function<void(std::string_view)>& write);

/// The same proof as verify_ledger, without a database. A damaged, truncated or newer export is an
/// error that names `name` and the line.
core::Result<Verification> verify_export(std::istream& in, const std::string& name);

/// Fills an empty, migrated ledger from a complete export: all of it or nothing, and only when it
/// would be exported again byte for byte. Throws the types of errors.hpp.
core::Result<ExportSummary> import_ledger(const std::string& owner_url,
                                          const std::filesystem::path& file);

}  // namespace amdahl::ledger
