#include "patch_check.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "amdahl/core/patch.hpp"

namespace amdahl::loop {
namespace {

namespace fs = std::filesystem;

// The files the patch names, as the snapshot has them.
void load(core::SourceTree& tree, const CodeSnapshot& code,
          const std::vector<core::FilePatch>& patch) {
  for (const auto& file : patch) {
    std::error_code problem;
    const auto path = fs::path{code.dir} / file.path;
    if (tree.contains(file.path) || !fs::is_regular_file(path, problem)) continue;
    std::ifstream in{path, std::ios::binary};
    const auto mode = fs::status(path, problem).permissions();
    tree[file.path] = {{std::istreambuf_iterator<char>{in}, {}},
                       (mode & fs::perms::owner_exec) != fs::perms::none};
  }
}

std::optional<core::Error> apply_one(core::SourceTree& tree, const CodeSnapshot& code,
                                     const std::string& diff, std::string_view place) {
  const auto patch = core::parse_patch(diff, place);
  if (patch.has_error()) return patch.error();
  load(tree, code, *patch);
  auto after = core::apply_patch(tree, *patch, place);
  if (after.has_error()) return after.error();
  tree = std::move(*after);
  return std::nullopt;
}

}  // namespace

std::optional<core::Error> patch_problem(const CodeSnapshot& code,
                                         const core::Configuration& champion,
                                         const std::vector<core::Change>& changes) {
  core::SourceTree tree;
  for (const auto& diff : champion.patches) {
    if (auto problem = apply_one(tree, code, diff, "the champion's patch")) return problem;
  }
  for (const auto& change : changes) {
    if (change.kind != core::ChangeKind::patch) continue;
    if (auto problem = apply_one(tree, code, change.value, "patch")) return problem;
  }
  return std::nullopt;
}

}  // namespace amdahl::loop
