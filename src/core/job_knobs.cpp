#include "job_knobs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "amdahl/core/limits.hpp"
#include "amdahl/core/quantity.hpp"
#include "amdahl/core/spelling.hpp"
#include "amdahl/core/states.hpp"
#include "job_names.hpp"

namespace amdahl::core {

namespace {

struct ClassPhase {
  std::string_view word;
  Phase phase;
};

// What a person calls a bottleneck, beside the phases' own names (waste classes).
constexpr ClassPhase class_phases[] = {
    {"startup", Phase::init},
    {"evaluation", Phase::eval},
    {"checkpoint", Phase::ckpt},
    {"communication", Phase::comm},
    {"straggler", Phase::straggle},
    {"host-bound", Phase::host},
    {"memory-bound", Phase::compute},
    {"precision", Phase::compute},
    {"compute-bound", Phase::compute},
    {"over-scaled", Phase::over},
    {"idle", Phase::over},
    {"failing", Phase::redo},
};

std::vector<std::string> class_words() {
  std::vector<std::string> all;
  for (const auto& entry : words<Phase>()) all.emplace_back(entry.word);
  for (const auto& entry : class_phases) all.emplace_back(entry.word);
  return all;
}

std::string phase_of(const std::string& word) {
  for (const auto& entry : class_phases) {
    if (entry.word == word) return std::string{name(entry.phase)};
  }
  return word;
}

std::optional<std::int64_t> resource_number(const std::string& resource, const std::string& text) {
  return resource == "memory" ? parse_bytes(text) : parse_whole(text);
}

std::int64_t resource_of(const Resources& resources, const std::string& resource) {
  if (resource == "gpus") return resources.gpus;
  if (resource == "nodes") return resources.nodes;
  if (resource == "cpus") return resources.cpus;
  return resources.memory_bytes;
}

// Two spellings of one value: `2GiB` and `2048MiB`.
bool same_value(const Knob& knob, const std::string& a, const std::string& b) {
  if (knob.resource.empty()) return a == b;
  return resource_number(knob.resource, a) == resource_number(knob.resource, b);
}

void check_resource(TomlTable& table, const JobSpec& job, Knob& knob) {
  const auto now = resource_of(job.resources, knob.resource);
  const auto lowest = knob.resource == "gpus" ? 0 : 1;
  if (knob.baseline.empty()) {
    knob.baseline = knob.resource == "memory" ? std::to_string(now) + "B" : std::to_string(now);
  } else if (resource_number(knob.resource, knob.baseline) != now) {
    table.problem("baseline",
                  fmt::format("{} = {} is not what job.resources.{} says", table.path("baseline"),
                              knob.baseline, knob.resource),
                  "leave baseline out, or make both equal");
  }
  for (std::size_t i = 0; i < knob.values.size(); ++i) {
    const auto number = resource_number(knob.resource, knob.values[i]);
    if (number && *number >= lowest) continue;
    table.problem_at("values", i,
                     fmt::format("{} = \"{}\" is no amount of {}", table.path("values"),
                                 knob.values[i], knob.resource),
                     knob.resource == "memory" ? "write \"512MiB\" or \"2GiB\""
                                               : fmt::format("a whole number from {} on", lowest));
  }
}

void check_env(TomlTable& table, const JobSpec& job, Knob& knob) {
  if (!is_variable(knob.env)) {
    table.problem("env", fmt::format("\"{}\" is no name of a variable", knob.env));
    return;
  }
  if (const auto owner = reserved_variable(knob.env); !owner.empty()) {
    table.problem("env", fmt::format("{} cannot be a knob: {}", knob.env, owner));
  }
  const auto set = job.env.find(knob.env);
  if (set == job.env.end()) return;
  if (!table.has("baseline")) {
    knob.baseline = set->second;
  } else if (set->second != knob.baseline) {
    table.problem("baseline",
                  fmt::format("{} = \"{}\" is not what job.env.{} says", table.path("baseline"),
                              knob.baseline, knob.env),
                  "leave one of them out, or make both equal");
  }
}

void check_values(TomlTable& table, const Knob& knob) {
  if (knob.values.empty()) {
    table.problem("values", table.path("values") + " is empty", "name at least one value to try");
  }
  if (knob.values.size() > static_cast<std::size_t>(limits::knob_values_max)) {
    table.problem("values",
                  fmt::format("{} has {} values", table.path("values"), knob.values.size()),
                  fmt::format("at most {}", limits::knob_values_max));
    return;
  }
  for (std::size_t i = 0; i < knob.values.size(); ++i) {
    const auto& value = knob.values[i];
    if (same_value(knob, value, knob.baseline)) {
      table.problem_at("values", i,
                       fmt::format("{}: {} is the baseline; nothing would be tested",
                                   table.path("values"), value),
                       "leave it out");
      continue;
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (!same_value(knob, value, knob.values[j])) continue;
      table.problem_at("values", i,
                       fmt::format("{}: {} stands there twice", table.path("values"), value),
                       "leave one out");
      break;
    }
  }
}

Knob read_knob(TomlTable& table, const std::string& name, const JobSpec& job) {
  Knob knob;
  knob.name = name;
  if (const auto word = table.one_of("class", class_words())) knob.phase = phase_of(*word);
  knob.resource = table.one_of("resource", {"gpus", "nodes", "cpus", "memory"}).value_or("");
  const bool names_env = table.has("env");
  knob.env = table.text("env").value_or("");
  const bool bound = table.has("resource") || names_env;
  const bool has_baseline = table.has("baseline");
  knob.baseline = table.scalar("baseline").value_or("");
  const bool has_values = table.require("values", "list what to try, like values = [2, 4]");
  const auto values = table.scalars("values");
  if (values) knob.values = *values;
  if (!knob.resource.empty() && names_env) {
    table.problem("env", table.name() + " binds to a resource and to a variable",
                  "keep one of them");
  }
  if (!bound && !has_baseline) {
    table.problem("baseline", table.path("baseline") + " is missing",
                  "say what the job runs with today");
  }
  if (!knob.resource.empty()) {
    check_resource(table, job, knob);
  } else if (names_env) {
    check_env(table, job, knob);
    if (!has_baseline && !job.env.contains(knob.env)) {
      table.problem("baseline", table.path("baseline") + " is missing",
                    "say what the variable is today, here or in job.env");
    }
  }
  if (has_values && values) check_values(table, knob);
  table.finish();
  return knob;
}

}  // namespace

void read_knobs(TomlTable& root, JobSpec& job) {
  auto knobs = root.table("knob");
  const auto names = knobs.keys();
  if (names.size() > static_cast<std::size_t>(limits::knobs_max)) {
    root.problem("knob", fmt::format("{} knobs", names.size()),
                 fmt::format("at most {}", limits::knobs_max));
    return;
  }
  std::set<std::string> bound;
  for (const auto& name : names) {
    auto table = knobs.table(name);
    if (!is_placeholder(name)) {
      knobs.problem(name, fmt::format("\"{}\" cannot name a knob", name),
                    "use a-z, 0-9 and _, not starting with a digit");
    }
    if (std::find(std::begin(protocol_placeholders), std::end(protocol_placeholders), name) !=
        std::end(protocol_placeholders)) {
      knobs.problem(name,
                    fmt::format("{{{}}} is filled by the protocol; it cannot be a knob", name),
                    "choose another name");
    }
    auto knob = read_knob(table, name, job);
    const auto target = knob.resource.empty() ? knob.env : knob.resource;
    if (!target.empty() && !bound.insert(target).second) {
      knobs.problem(name, fmt::format("knob.{}: another knob binds to {} already", name, target));
    }
    job.knobs.push_back(std::move(knob));
  }
}

void check_placeholders(TomlTable& job_table, TomlTable& root, const JobSpec& job) {
  std::vector<std::string> arguments;
  std::set<std::string> elsewhere, used;
  for (const auto& knob : job.knobs) {
    if (knob.resource.empty() && knob.env.empty()) {
      arguments.push_back(knob.name);
    } else {
      elsewhere.insert(knob.name);
    }
  }
  auto known = arguments;
  known.insert(known.end(), std::begin(protocol_placeholders), std::end(protocol_placeholders));
  for (std::size_t i = 0; i < job.command.size(); ++i) {
    for (const auto& placeholder : placeholders_of(job.command[i])) {
      used.insert(placeholder);
      if (std::find(known.begin(), known.end(), placeholder) != known.end()) continue;
      if (elsewhere.contains(placeholder)) {
        job_table.problem_at("command", i,
                             fmt::format("{{{0}}}: knob.{0} binds to a resource or a variable, not "
                                         "to the command",
                                         placeholder),
                             "leave it out of the command");
        continue;
      }
      const auto near = closest_word(placeholder, known);
      job_table.problem_at("command", i, fmt::format("{{{}}} has no knob", placeholder),
                           near.empty() ? fmt::format("add [knob.{}]", placeholder)
                                        : fmt::format("did you mean {{{}}}?", near));
    }
  }
  auto knobs = root.table("knob");
  for (const auto& argument : arguments) {
    if (used.contains(argument)) continue;
    knobs.problem(
        argument, fmt::format("knob.{} is never used", argument),
        fmt::format("write {{{}}} in the command, or bind it with resource or env", argument));
  }
}

}  // namespace amdahl::core
