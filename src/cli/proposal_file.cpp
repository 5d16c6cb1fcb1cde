#include "proposal_file.hpp"

#include <fmt/format.h>

#include "amdahl/core/states.hpp"
#include "amdahl/core/toml_table.hpp"

namespace amdahl::cli {

namespace {

using core::Change;
using core::ChangeKind;
using core::Result;

void read_changes(core::TomlTable& table, ChangeKind kind, std::vector<Change>& changes) {
  for (const auto& name : table.keys()) {
    if (const auto value = table.scalar(name)) changes.push_back({kind, name, *value});
  }
}

std::vector<std::string> phase_words() {
  std::vector<std::string> all;
  for (const auto& entry : core::words<core::Phase>()) all.emplace_back(entry.word);
  return all;
}

}  // namespace

Result<Proposal> parse_proposal(std::string_view text, std::string_view place) {
  const auto document = core::parse_toml(text, place);
  if (!document) return document.error();
  core::Problems problems{std::string{place}};
  core::TomlTable root{*document, "", problems};
  Proposal proposal;
  if (root.require("job", "name the job: job = \"eval-qa\""))
    proposal.job = root.text("job").value_or("");
  proposal.phase = root.one_of("phase", phase_words()).value_or("");
  proposal.rationale = root.text("rationale").value_or("");
  auto args = root.table("arg"), env = root.table("env"), resources = root.table("resource");
  read_changes(args, ChangeKind::arg, proposal.changes);
  read_changes(env, ChangeKind::env, proposal.changes);
  read_changes(resources, ChangeKind::resource, proposal.changes);
  if (const auto image = root.text("image"))
    proposal.changes.push_back({ChangeKind::image, "", *image});
  if (const auto patch = root.text("patch"))
    proposal.changes.push_back({ChangeKind::patch, "", *patch});
  root.finish();
  if (!problems.empty()) return problems.error(core::ErrorCode::invalid_input);
  auto canonical = core::canonical_changes(proposal.changes);
  if (!canonical) {
    auto error = canonical.error();
    error.message = fmt::format("{}:1:1  {}", place, error.message);
    return error;
  }
  proposal.changes = std::move(*canonical);
  return proposal;
}

}  // namespace amdahl::cli
