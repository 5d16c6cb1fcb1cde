#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "amdahl/core/result.hpp"

namespace amdahl::core {

enum class ChangeKind { env, arg, resource, image, patch };

/// One typed part of a change. `name` is the variable, knob placeholder or resource; empty for
/// `image` and `patch`. `value` is text; a patch's is its unified diff.
struct Change {
  ChangeKind kind = ChangeKind::arg;
  std::string name;
  std::string value;

  friend auto operator<=>(const Change&, const Change&) = default;
};

/// What a job is given on one node set, in all, over all nodes; memory in bytes.
struct Resources {
  std::int64_t nodes = 1;
  std::int64_t gpus = 0;  ///< as many on each node
  std::int64_t cpus = 1;
  std::int64_t memory_bytes = 0;

  friend bool operator==(const Resources&, const Resources&) = default;
};

/// What each of its nodes must have: rounded up, `nodes` is 1.
Resources on_each_node(const Resources& all);

/// The least that either fits in, node by node: as many nodes as the wider one has, each with what
/// a node of the hungrier one needs.
Resources enclosing(const Resources& a, const Resources& b);

/// Everything a change may touch: what one arm runs with.
struct Configuration {
  std::map<std::string, std::string> args;  ///< placeholder → value
  std::map<std::string, std::string> env;
  Resources resources;
  std::string image;
  std::vector<std::string> patches;  ///< unified diffs, in order

  friend bool operator==(const Configuration&, const Configuration&) = default;
};

/// Sorts and validates: at least one part, no part twice, known resources, numbers that parse.
Result<std::vector<Change>> canonical_changes(std::vector<Change> changes);

/// The variant. Refuses a change that changes nothing and placeholders the job does not have.
Result<Configuration> apply(const Configuration& baseline, const std::vector<Change>& changes);

/// Canonical JSON forms; `*_from_json` reports what is wrong and where (a JSON pointer).
nlohmann::json to_json(const std::vector<Change>& changes);
nlohmann::json to_json(const Configuration& configuration);
nlohmann::json to_json(const Resources& resources);
Result<std::vector<Change>> changes_from_json(const nlohmann::json& value);
Result<Resources> resources_from_json(const nlohmann::json& value);
Result<Configuration> configuration_from_json(const nlohmann::json& value);

/// One line for people: `workers 0 → 4`, `gpus 4 → 2`, `patch (12 lines)`.
std::string describe(const std::vector<Change>& changes, const Configuration& baseline);

}  // namespace amdahl::core
