#include "proposal_input.hpp"

#include "amdahl/core/limits.hpp"
#include "config_file.hpp"

namespace amdahl::cli {

core::Result<Proposal> read_proposal_file(const Environment& env, const std::string& file) {
  const auto path = (env.directory / file).lexically_normal();
  const auto text = read_text_file(path, core::limits::job_file_bytes);
  if (!text) return text.error();
  auto proposal = parse_proposal(*text, file);
  if (!proposal) return proposal;
  for (auto& change : proposal->changes) {
    if (change.kind != core::ChangeKind::patch) continue;
    const auto patch = read_text_file(path.parent_path() / change.value, core::limits::patch_bytes);
    if (!patch) return patch.error();
    change.value = *patch;
  }
  return proposal;
}

}  // namespace amdahl::cli
