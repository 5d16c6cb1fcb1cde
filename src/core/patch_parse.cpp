#include <fmt/format.h>

#include <charconv>
#include <set>

#include "amdahl/core/limits.hpp"
#include "amdahl/core/patch.hpp"

namespace amdahl::core {
namespace {

constexpr std::size_t path_bytes_max = 1024;

struct Refused {
  std::size_t line;
  std::string why;
  std::string hint;
};

// git quotes names with bytes beyond ASCII: "a/na\303\257ve.py".
std::string unquoted(std::string_view text, std::size_t line) {
  if (text.empty() || text.front() != '"') return std::string{text};
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return out;
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i >= text.size()) break;
    constexpr std::string_view escapes = "abtnvfr\"\\", meant = "\a\b\t\n\v\f\r\"\\";
    if (const auto at = escapes.find(text[i]); at != std::string_view::npos) {
      out += meant[at];
      continue;
    }
    unsigned byte = 0;
    const auto digits = text.substr(i, 3);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 8);
    if (read.ptr != digits.data() + 3 || byte > 255) break;
    out += static_cast<char>(byte);
    i += 2;
  }
  throw Refused{line, "a quoted file name is broken", ""};
}

void require_inside(std::string_view path, std::size_t line) {
  const auto refuse = [&](const char* why) {
    throw Refused{line, fmt::format("the path \"{}\" {}", path, why),
                  "paths are relative to the job's workdir"};
  };
  if (path.empty()) refuse("is empty");
  if (path.size() > path_bytes_max) refuse("is too long");
  if (path.front() == '/') refuse("is absolute");
  if (path.find('\0') != std::string_view::npos) refuse("holds a zero byte");
  for (std::string_view rest = path;;) {
    const auto slash = rest.find('/');
    const auto part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") refuse("has an empty part, `.` or `..`");
    if (slash == std::string_view::npos) return;
    rest.remove_prefix(slash + 1);
  }
}

class PatchReader {
 public:
  explicit PatchReader(std::string_view diff) : rest_{diff} {}

  std::vector<FilePatch> read() {
    std::vector<FilePatch> files;
    std::set<std::string> seen;
    while (!at_end()) {
      if (!starts_file()) {
        refuse_unsupported(peek());
        next();  // prose, `index` and `diff` lines
        continue;
      }
      files.push_back(read_file());
      if (!seen.insert(files.back().path).second) {
        throw Refused{number_, fmt::format("{} stands twice", files.back().path), "join its hunks"};
      }
    }
    if (files.empty())
      throw Refused{1, "no file is changed", "a unified diff is needed, as `git diff` prints it"};
    return files;
  }

 private:
  bool at_end() const { return rest_.empty(); }
  // The line without its end.
  std::string_view peek() const { return rest_.substr(0, rest_.find('\n')); }
  std::string_view next() {
    const auto end = rest_.find('\n');
    const auto line = rest_.substr(0, end == std::string_view::npos ? end : end + 1);
    rest_.remove_prefix(line.size());
    ++number_;
    return line;
  }
  static std::string_view without_end(std::string_view line) {
    if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }
  bool starts_file() const {
    return peek().starts_with("diff --git ") || peek().starts_with("--- ");
  }

  void refuse_unsupported(std::string_view line) const {
    const auto refuse = [&](const char* what) {
      throw Refused{number_ + 1, fmt::format("{} cannot be applied here", what),
                    "make it with `git diff --no-renames`, text files only"};
    };
    if (line.starts_with("GIT binary patch") || line.starts_with("Binary files "))
      refuse("a binary change");
    if (line.starts_with("rename ") || line.starts_with("copy ")) refuse("a rename or copy");
    if (line.starts_with("@@")) refuse("a hunk without a file (`---`, `+++`)");
  }

  FilePatch read_file() {
    FilePatch file;
    const bool git = peek().starts_with("diff --git ");
    if (git) read_git_header(file);
    if (!git || peek().starts_with("--- ")) {
      read_names(file);
      while (peek().starts_with("@@")) file.hunks.push_back(read_hunk());
    }
    if (file.path.empty())
      throw Refused{number_, "the file's name is missing", "a `---` and a `+++` line"};
    if (file.hunks.empty() && file.kind == FilePatch::Kind::modify && !file.executable) {
      throw Refused{number_, fmt::format("nothing changes in {}", file.path), ""};
    }
    require_inside(file.path, number_);
    return file;
  }

  void read_git_header(FilePatch& file) {
    const auto names = without_end(next()).substr(std::string_view{"diff --git "}.size());
    // Needed only where no `---` follows (empty files, modes); both names are then the same.
    if (!names.starts_with('"') && names.size() % 2 == 1) {
      const auto half = names.size() / 2;
      const auto left = names.substr(0, half), right = names.substr(half + 1);
      if (left.starts_with("a/") && right.starts_with("b/") && left.substr(2) == right.substr(2)) {
        file.path = left.substr(2);
      }
    }
    while (!at_end() && !starts_file() && !peek().starts_with("@@")) {
      refuse_unsupported(peek());
      const auto line = without_end(next());
      if (line.starts_with("new file mode ")) file.kind = FilePatch::Kind::create;
      if (line.starts_with("deleted file mode ")) file.kind = FilePatch::Kind::remove;
      const auto mode_at = line.find(" mode ");
      const bool old = line.starts_with("old mode ");
      if (line.starts_with("new mode ") || old)
        set_mode(file, line.substr(9), old);
      else if (mode_at != std::string_view::npos)
        set_mode(file, line.substr(mode_at + 6), file.kind == FilePatch::Kind::remove);
    }
  }

  void set_mode(FilePatch& file, std::string_view mode, bool before) {
    if (mode != "100644" && mode != "100755" && mode != "100664") {
      throw Refused{number_, fmt::format("mode {} is no plain file's", mode),
                    "links and submodules cannot be patched"};
    }
    if (!before) file.executable = mode == "100755";
  }

  std::string name_in(std::string_view line) const {
    auto text = without_end(line).substr(4);
    if (!text.starts_with('"')) text = text.substr(0, text.find('\t'));  // `diff -u` adds a time
    return unquoted(text, number_);
  }

  void read_names(FilePatch& file) {
    auto before = name_in(next());
    if (at_end() || !peek().starts_with("+++ "))
      throw Refused{number_, "a `+++` line must follow `---`", ""};
    auto after = name_in(next());
    const std::string none = "/dev/null";
    if (before == none && after == none) throw Refused{number_, "both names are /dev/null", ""};
    const auto stated = file.kind;
    if (before == none) file.kind = FilePatch::Kind::create;
    if (after == none) file.kind = FilePatch::Kind::remove;
    const bool git_names =
        (before == none || before.starts_with("a/")) && (after == none || after.starts_with("b/"));
    for (auto* name : {&before, &after}) {
      if (git_names && *name != none) name->erase(0, 2);
    }
    if (before != none && after != none && before != after) {
      throw Refused{
          number_,
          fmt::format("{} would become {}: a rename cannot be applied here", before, after),
          "make it with `git diff --no-renames`"};
    }
    if (stated != FilePatch::Kind::modify && stated != file.kind)
      throw Refused{number_, "the names and the stated mode contradict", ""};
    file.path = after == none ? before : after;
  }

  std::size_t number_in(std::string_view& text, std::size_t absent) {
    std::size_t value = absent;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec == std::errc{})
      text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    return value;
  }

  Hunk read_hunk() {
    auto head = without_end(next());
    const auto refuse = [&](std::string why) {
      throw Refused{number_, std::move(why), "the header is `@@ -line,count +line,count @@`"};
    };
    const auto range = [&](char sign, std::size_t& start, std::size_t& count) {
      if (!head.starts_with(sign)) refuse("a hunk's header is broken");
      head.remove_prefix(1);
      constexpr std::size_t none = static_cast<std::size_t>(-1);
      start = number_in(head, none);
      count = 1;
      if (head.starts_with(',')) {
        head.remove_prefix(1);
        count = number_in(head, none);
      }
      if (start > limits::patch_bytes * 64 || count > limits::patch_bytes)
        refuse("a hunk's numbers are broken");
    };
    Hunk hunk;
    std::size_t new_start = 0;
    if (!head.starts_with("@@ ")) refuse("a hunk's header is broken");
    head.remove_prefix(3);
    range('-', hunk.old_start, hunk.old_count);
    if (!head.starts_with(' ')) refuse("a hunk's header is broken");
    head.remove_prefix(1);
    range('+', new_start, hunk.new_count);
    if (!head.starts_with(" @@")) refuse("a hunk's header is broken");
    if (hunk.old_start == 0 && hunk.old_count > 0) refuse("a hunk's lines begin at 1");
    read_lines(hunk);
    return hunk;
  }

  void read_lines(Hunk& hunk) {
    const auto began = number_;
    std::size_t old_left = hunk.old_count, new_left = hunk.new_count;
    while (old_left > 0 || new_left > 0) {
      if (at_end())
        throw Refused{began, "the patch ends within a hunk", "check the counts in its header"};
      auto line = next();
      // Mail and editors strip the blank of an empty context line.
      const char op = line == "\n" || line == "\r\n" ? ' ' : line.front();
      if (line != "\n" && line != "\r\n") line.remove_prefix(1);
      const bool fits = op == ' '   ? old_left > 0 && new_left > 0
                        : op == '-' ? old_left > 0
                                    : op == '+' && new_left > 0;
      if (!fits)
        throw Refused{number_, "a hunk's lines do not add up to its header",
                      "check the counts in its header"};
      old_left -= op != '+';
      new_left -= op != '-';
      hunk.lines.push_back({op, std::string{line}});
      if (peek().starts_with("\\ ")) {  // "\ No newline at end of file"
        next();
        if (hunk.lines.back().text.ends_with('\n')) hunk.lines.back().text.pop_back();
      }
    }
    refuse_surplus();
  }

  // A header that counts too few must not cost the patch its last lines.
  void refuse_surplus() const {
    const auto line = peek();
    const bool signature = line == "-- " || line == "--";  // of a mail
    if (at_end() || line.empty() || starts_file() || signature) return;
    if (line[0] == '+' || line[0] == '-' || line[0] == ' ') {
      throw Refused{number_ + 1, "a hunk's lines do not add up to its header",
                    "check the counts in its header"};
    }
  }

  std::string_view rest_;
  std::size_t number_ = 0;  // of the line read last
};

}  // namespace

Result<std::vector<FilePatch>> parse_patch(std::string_view diff, std::string_view place) {
  if (diff.size() > limits::patch_bytes) {
    return invalid_input(fmt::format("{}: longer than {} bytes", place, limits::patch_bytes));
  }
  try {
    return PatchReader{diff}.read();
  } catch (const Refused& refused) {
    return invalid_input(fmt::format("{}:{}: {}", place, refused.line, refused.why), refused.hint);
  }
}

}  // namespace amdahl::core
