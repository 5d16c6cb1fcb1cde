#include <fmt/format.h>

#include "amdahl/core/patch.hpp"

namespace amdahl::core {
namespace {

using Lines = std::vector<std::string_view>;

Lines split_lines(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end == std::string_view::npos ? end : end + 1);
    lines.push_back(line);
    text.remove_prefix(line.size());
  }
  return lines;
}

// For messages: one line, not too long.
std::string shown(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  return fmt::format("`{}`", line.substr(0, 80));
}

struct HunkProblem {
  std::size_t line;
  std::string why;
};

// Copies the file up to the hunk, then the hunk's lines; `at` is the next line of the old file.
std::optional<HunkProblem> apply_hunk(const Hunk& hunk, const Lines& old, std::size_t& at,
                                      std::string& out) {
  const auto begin = hunk.old_count == 0 ? hunk.old_start : hunk.old_start - 1;
  if (begin < at) return HunkProblem{begin + 1, "overlaps the hunk before it"};
  if (begin > old.size())
    return HunkProblem{begin + 1, fmt::format("begins after the end (line {})", old.size())};
  for (; at < begin; ++at) out += old[at];
  for (const auto& line : hunk.lines) {
    if (line.op != '+') {
      if (at >= old.size())
        return HunkProblem{at + 1, "the file ends here, the patch expects " + shown(line.text)};
      if (old[at] != line.text) {
        const bool end_only = shown(old[at]) == shown(line.text);
        return HunkProblem{at + 1, end_only
                                       ? "the line's end differs (last line without a newline?)"
                                       : fmt::format("is {}, the patch expects {}", shown(old[at]),
                                                     shown(line.text))};
      }
      ++at;
    }
    if (line.op == '-') continue;
    if (!out.empty() && out.back() != '\n')
      return HunkProblem{at + 1, "a line would follow one without an end"};
    out += line.text;
  }
  return std::nullopt;
}

Result<std::string> patched(const FilePatch& file, std::string_view content,
                            std::string_view place) {
  const auto old = split_lines(content);
  std::string out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < file.hunks.size(); ++i) {
    if (const auto problem = apply_hunk(file.hunks[i], old, at, out)) {
      return invalid_input(fmt::format("{} does not apply: {}, hunk {}, line {}: {}", place,
                                       file.path, i + 1, problem->line, problem->why),
                           "make the patch against the job's current code");
    }
  }
  if (at < old.size() && !out.empty() && out.back() != '\n') {
    return invalid_input(fmt::format(
        "{} does not apply: {}: a line in the middle would have no end", place, file.path));
  }
  for (; at < old.size(); ++at) out += old[at];
  return out;
}

}  // namespace

Result<SourceTree> apply_patch(SourceTree tree, const std::vector<FilePatch>& patch,
                               std::string_view place) {
  const auto refuse = [&](const FilePatch& file, const char* why) {
    return invalid_input(fmt::format("{} does not apply: {} {}", place, file.path, why),
                         "make the patch against the job's current code");
  };
  for (const auto& file : patch) {
    const auto found = tree.find(file.path);
    const bool exists = found != tree.end();
    if (file.kind == FilePatch::Kind::create && exists) return refuse(file, "exists already");
    if (file.kind != FilePatch::Kind::create && !exists) return refuse(file, "does not exist");
    auto content = patched(file, exists ? found->second.content : "", place);
    if (!content) return content.error();
    if (file.kind == FilePatch::Kind::remove) {
      if (!content->empty())
        return refuse(file, "would be removed, but has lines the patch does not know");
      tree.erase(found);
      continue;
    }
    const bool executable = file.executable.value_or(exists && found->second.executable);
    tree[file.path] = {std::move(*content), executable};
  }
  return tree;
}

}  // namespace amdahl::core
