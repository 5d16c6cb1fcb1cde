#include "amdahl/core/change.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "amdahl/core/limits.hpp"
#include "amdahl/core/quantity.hpp"
#include "amdahl/core/states.hpp"
#include "json_reader.hpp"

namespace amdahl::core {

template <>
constexpr auto words<ChangeKind>() {
  using enum ChangeKind;
  return std::to_array<Named<ChangeKind>>(
      {{env, "env"}, {arg, "arg"}, {resource, "resource"}, {image, "image"}, {patch, "patch"}});
}

namespace {

std::int64_t* resource_field(Resources& resources, std::string_view name_) {
  if (name_ == "nodes") return &resources.nodes;
  if (name_ == "gpus") return &resources.gpus;
  if (name_ == "cpus") return &resources.cpus;
  if (name_ == "memory") return &resources.memory_bytes;
  return nullptr;
}

std::optional<std::int64_t> resource_value(const Change& change) {
  return change.name == "memory" ? parse_bytes(change.value) : parse_whole(change.value);
}

std::optional<Error> problem_of(const Change& change) {
  const auto kind = name(change.kind);
  const bool named = change.kind != ChangeKind::image && change.kind != ChangeKind::patch;
  if (named && change.name.empty())
    return invalid_input(fmt::format("{} change without a name", kind));
  if (!named && !change.name.empty()) {
    return invalid_input(fmt::format("{} change must not have a name", kind));
  }
  if (change.name.find('\0') != std::string::npos || change.value.find('\0') != std::string::npos) {
    return invalid_input(fmt::format("{} change has a NUL byte", kind));
  }
  if (change.kind == ChangeKind::env && change.name.find('=') != std::string::npos) {
    return invalid_input(fmt::format("env change: \"{}\" is no variable name", change.name));
  }
  if (change.kind == ChangeKind::resource) {
    Resources scratch;
    if (resource_field(scratch, change.name) == nullptr) {
      return invalid_input(fmt::format("unknown resource \"{}\"", change.name),
                           "use gpus, nodes, cpus or memory");
    }
    if (!resource_value(change)) {
      return invalid_input(
          fmt::format("resource {} = \"{}\" is not an amount", change.name, change.value),
          "write a whole number, for memory also 512MiB or 2GiB");
    }
  }
  if (change.value.size() > limits::patch_bytes) {
    return invalid_input(fmt::format("{} change is larger than {}", kind,
                                     format_bytes(static_cast<std::int64_t>(limits::patch_bytes))));
  }
  if (!named && change.value.empty()) return invalid_input(fmt::format("empty {} change", kind));
  return std::nullopt;
}

}  // namespace

Result<std::vector<Change>> canonical_changes(std::vector<Change> changes) {
  if (changes.empty())
    return invalid_input("the change is empty",
                         "name at least one env, arg, resource, image or patch");
  for (const auto& change : changes) {
    if (auto problem = problem_of(change)) return *problem;
  }
  std::sort(changes.begin(), changes.end());
  for (std::size_t i = 1; i < changes.size(); ++i) {
    const bool same =
        changes[i].kind == changes[i - 1].kind && changes[i].name == changes[i - 1].name;
    if (same && changes[i].kind != ChangeKind::patch) {
      return invalid_input(
          fmt::format("{} {} is changed twice", name(changes[i].kind), changes[i].name));
    }
  }
  return changes;
}

Result<Configuration> apply(const Configuration& baseline, const std::vector<Change>& changes) {
  auto canonical = canonical_changes(changes);
  if (canonical.has_error()) return canonical.error();
  Configuration variant = baseline;
  for (const auto& change : *canonical) {
    switch (change.kind) {
      case ChangeKind::env:
        variant.env[change.name] = change.value;
        break;
      case ChangeKind::arg: {
        const auto it = variant.args.find(change.name);
        if (it == variant.args.end()) {
          return invalid_input(fmt::format("the job has no knob \"{}\"", change.name),
                               "see the [knob.*] tables of the job file");
        }
        it->second = change.value;
        break;
      }
      case ChangeKind::resource:
        *resource_field(variant.resources, change.name) = *resource_value(change);
        break;
      case ChangeKind::image:
        variant.image = change.value;
        break;
      case ChangeKind::patch:
        variant.patches.push_back(change.value);
        break;
    }
  }
  if (variant == baseline) {
    return invalid_input("the variant equals the baseline: nothing would be tested",
                         "choose a value that differs from the champion's (amdahl champion JOB)");
  }
  if (variant.resources.nodes < 1 || variant.resources.cpus < 1) {
    return invalid_input("a run needs at least one node and one CPU");
  }
  if (variant.resources.gpus % variant.resources.nodes != 0) {
    return invalid_input(fmt::format("{} GPUs cannot be spread evenly over {} nodes",
                                     variant.resources.gpus, variant.resources.nodes),
                         "gpus counts all nodes together: set a multiple of nodes");
  }
  return variant;
}

Resources on_each_node(const Resources& all) {
  const auto nodes = std::max<std::int64_t>(all.nodes, 1);
  const auto part = [nodes](std::int64_t whole) {
    return whole / nodes + (whole % nodes > 0 ? 1 : 0);
  };
  return {1, part(all.gpus), part(all.cpus), part(all.memory_bytes)};
}

Resources enclosing(const Resources& a, const Resources& b) {
  const auto nodes = std::max(a.nodes, b.nodes);
  const auto one = on_each_node(a), other = on_each_node(b);
  // On one node nothing is rounded, so nothing is more than what was asked for.
  return {nodes, nodes * std::max(one.gpus, other.gpus), nodes * std::max(one.cpus, other.cpus),
          nodes * std::max(one.memory_bytes, other.memory_bytes)};
}

nlohmann::json to_json(const std::vector<Change>& changes) {
  auto out = nlohmann::json::array();
  for (const auto& change : changes) {
    nlohmann::json part{{"kind", name(change.kind)}, {"value", change.value}};
    if (!change.name.empty()) part["name"] = change.name;
    out.push_back(std::move(part));
  }
  return out;
}

nlohmann::json to_json(const Resources& resources) {
  return {{"nodes", resources.nodes},
          {"gpus", resources.gpus},
          {"cpus", resources.cpus},
          {"memory_bytes", resources.memory_bytes}};
}

nlohmann::json to_json(const Configuration& configuration) {
  return {{"args", configuration.args},
          {"env", configuration.env},
          {"resources", to_json(configuration.resources)},
          {"image", configuration.image},
          {"patches", configuration.patches}};
}

Result<std::vector<Change>> changes_from_json(const nlohmann::json& value) {
  if (!value.is_array()) return invalid_input("change: expected an array of changes");
  std::vector<Change> changes;
  for (std::size_t i = 0; i < value.size(); ++i) {
    JsonReader reader{value[i], fmt::format("change/{}", i)};
    reader.require("kind");
    reader.require("value");
    Change change{reader.word("kind", ChangeKind::arg), reader.text("name"), reader.text("value")};
    auto read = reader.finish(std::move(change));
    if (read.has_error()) return read.error();
    changes.push_back(std::move(*read));
  }
  return canonical_changes(std::move(changes));
}

Result<Resources> resources_from_json(const nlohmann::json& value) {
  JsonReader reader{value, "resources"};
  return reader.finish(Resources{reader.whole("nodes", 1), reader.whole("gpus"),
                                 reader.whole("cpus", 1), reader.whole("memory_bytes")});
}

Result<Configuration> configuration_from_json(const nlohmann::json& value) {
  JsonReader reader{value, "configuration"};
  Configuration configuration;
  configuration.args = reader.text_map("args");
  configuration.env = reader.text_map("env");
  reader.nested("resources", configuration.resources, resources_from_json);
  configuration.image = reader.text("image");
  configuration.patches = reader.texts("patches");
  return reader.finish(std::move(configuration));
}

std::string describe(const std::vector<Change>& changes, const Configuration& baseline) {
  std::string out;
  for (const auto& change : changes) {
    if (!out.empty()) out += ", ";
    const auto found = [&](const std::map<std::string, std::string>& map) {
      const auto it = map.find(change.name);
      return it == map.end() ? std::string{"unset"} : it->second;
    };
    switch (change.kind) {
      case ChangeKind::arg:
        out += fmt::format("{} {} → {}", change.name, found(baseline.args), change.value);
        break;
      case ChangeKind::env:
        out += fmt::format("{} {} → {}", change.name, found(baseline.env), change.value);
        break;
      case ChangeKind::resource: {
        auto resources = baseline.resources;
        const auto* field = resource_field(resources, change.name);
        const auto before = field == nullptr          ? std::string{"unknown"}
                            : change.name == "memory" ? format_bytes(*field)
                                                      : std::to_string(*field);
        out += fmt::format("{} {} → {}", change.name, before, change.value);
        break;
      }
      case ChangeKind::image:
        out += fmt::format("image {} → {}", baseline.image.empty() ? "none" : baseline.image,
                           change.value);
        break;
      case ChangeKind::patch:
        out += fmt::format("patch ({} lines)",
                           std::count(change.value.begin(), change.value.end(), '\n'));
        break;
    }
  }
  return out;
}

}  // namespace amdahl::core
