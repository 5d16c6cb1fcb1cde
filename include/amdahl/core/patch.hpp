#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/core/result.hpp"

namespace amdahl::core {

/// A place in one file where lines change. Lines keep their end; only a file's last may lack one.
struct Hunk {
  struct Line {
    char op = ' ';  ///< ' ' context, '-' removed, '+' added
    std::string text;
    friend bool operator==(const Line&, const Line&) = default;
  };
  std::size_t old_start = 0;  ///< 1-based; with old_count 0, the line after which lines are added
  std::size_t old_count = 0;
  std::size_t new_count = 0;
  std::vector<Line> lines;

  friend bool operator==(const Hunk&, const Hunk&) = default;
};

/// What a patch does to one file.
struct FilePatch {
  enum class Kind { modify, create, remove } kind = Kind::modify;
  std::string path;                ///< relative, `/` between parts, never leaving the root
  std::optional<bool> executable;  ///< set when the patch states a mode
  std::vector<Hunk> hunks;

  friend bool operator==(const FilePatch&, const FilePatch&) = default;
};

/// A unified diff as `git diff` or `diff -u` write it, at most limits::patch_bytes. Refused, naming
/// the line: what is no diff, binary parts, renames and copies, links, paths that are absolute or
/// contain `..`, counts that do not add up, a file named twice. `place` names the patch in errors.
Result<std::vector<FilePatch>> parse_patch(std::string_view diff, std::string_view place);

/// Files by path. Every file that the patch names must be here, or be known not to exist.
struct SourceFile {
  std::string content;
  bool executable = false;

  friend bool operator==(const SourceFile&, const SourceFile&) = default;
};
using SourceTree = std::map<std::string, SourceFile>;

/// The tree after the patch. Strict: every context and removed line stands exactly where the hunk
/// says, or nothing applies and the error names file, hunk and line.
Result<SourceTree> apply_patch(SourceTree tree, const std::vector<FilePatch>& patch,
                               std::string_view place);

}  // namespace amdahl::core
