#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <regex>

#include "amdahl/core/job.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/core/quantity.hpp"
#include "amdahl/core/toml_table.hpp"
#include "job_knobs.hpp"
#include "job_names.hpp"

namespace amdahl::core {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t regex_chars_max = 512;  // std::regex compiles recursively
constexpr std::size_t regex_digits_max = 4;   // std::regex adds up {12345…} unchecked: undefined
constexpr std::int64_t count_max = 1'000'000;
constexpr auto time_limit_min = 100ms;
constexpr auto time_limit_max = 24h * 30;

// A path that stays below where it starts.
bool is_below(const std::string& text) {
  const std::filesystem::path path{text};
  if (text.empty() || path.is_absolute()) return false;
  for (const auto& part : path) {
    if (part == "..") return false;
  }
  return true;
}

bool has_long_number(std::string_view pattern) {
  std::size_t digits = 0;
  return std::any_of(pattern.begin(), pattern.end(), [&](char c) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    return digits > regex_digits_max;
  });
}

void read_regex(TomlTable& table, Source& source) {
  const auto pattern = table.text("regex");
  if (!pattern) return;
  source = {Source::Kind::regex, *pattern, {}, {}};
  if (pattern->size() > regex_chars_max) {
    table.problem("regex", fmt::format("{} is longer than {} characters", table.path("regex"),
                                       regex_chars_max));
    return;
  }
  if (has_long_number(*pattern)) {
    table.problem("regex",
                  fmt::format("{} holds a number of more than {} digits", table.path("regex"),
                              regex_digits_max),
                  "no repetition needs to be counted that far");
    return;
  }
  try {
    const std::regex compiled{*pattern, std::regex::ECMAScript};
    if (compiled.mark_count() != 1) {
      table.problem(
          "regex",
          fmt::format("{} has {} capture groups", table.path("regex"), compiled.mark_count()),
          "put the number, and nothing else, in (…); group with (?:…)");
    }
  } catch (const std::regex_error& error) {
    table.problem("regex",
                  fmt::format("{} does not compile: {}", table.path("regex"), error.what()),
                  "ECMAScript syntax; in TOML, '…' needs no doubled backslashes");
  }
}

void read_file_source(TomlTable& table, Source& source) {
  const auto file = table.text("file");
  const auto pointer = table.text("pointer");
  source = {Source::Kind::file, {}, file.value_or(""), pointer.value_or("")};
  if (file && !is_below(*file)) {
    table.problem("file",
                  fmt::format("{} = \"{}\" leaves the job's directory", table.path("file"), *file),
                  "name a file that the job writes in its working directory");
  }
  if (!table.require("pointer", "say where the number stands, like \"/n\"") || !pointer) return;
  try {
    const nlohmann::json::json_pointer compiled{*pointer};
  } catch (const nlohmann::json::exception&) {
    table.problem("pointer",
                  fmt::format("{} = \"{}\" is no JSON pointer", table.path("pointer"), *pointer),
                  "start with /, like \"/result/n\"");
  }
}

// `event`, { regex = … } or { file = …, pointer = … }.
Source read_source(TomlTable& measure, const std::string& key) {
  Source source;
  auto table = measure.table_or_text(key, "event");
  if (!table) return source;
  const bool regex = table->has("regex"), file = table->has("file");
  if (regex == file) {
    measure.problem(
        key, measure.path(key) + " must be \"event\", { regex = … } or { file = …, pointer = … }");
    return source;
  }
  if (regex) {
    read_regex(*table, source);
  } else {
    read_file_source(*table, source);
  }
  table->finish();
  return source;
}

void read_env(TomlTable& table, JobSpec& job) {
  for (const auto& variable : table.keys()) {
    const auto value = table.scalar(variable);
    if (!is_variable(variable)) {
      table.problem(variable, fmt::format("\"{}\" is no name of a variable", variable));
    } else if (const auto owner = reserved_variable(variable); !owner.empty()) {
      table.problem(variable, fmt::format("{} cannot be set: {}", table.path(variable), owner));
    }
    if (value) job.env[variable] = *value;
  }
}

void read_resources(TomlTable& table, JobSpec& job) {
  job.resources.nodes = table.integer("nodes", {1, count_max}).value_or(1);
  job.resources.gpus = table.integer("gpus", {0, count_max}).value_or(0);
  if (job.resources.gpus % job.resources.nodes != 0) {
    table.problem("gpus",
                  fmt::format("{} = {} cannot be spread evenly over {} nodes", table.path("gpus"),
                              job.resources.gpus, job.resources.nodes),
                  "it counts all nodes together: set a multiple of nodes");
  }
  job.resources.cpus = table.integer("cpus", {1, count_max}).value_or(1);
  if (table.require("memory", "say what one leg may use, like memory = \"2GiB\"")) {
    job.resources.memory_bytes = table.bytes("memory").value_or(0);
    if (table.text("memory") && parse_bytes(*table.text("memory")) == 0) {
      table.problem("memory", table.path("memory") + " must be more than nothing");
    }
  }
  if (table.require("time_limit", "say how long one leg may take, like time_limit = \"2m\"")) {
    const auto limit = table.duration("time_limit");
    job.time_limit = limit.value_or(0ms);
    if (limit && (*limit < time_limit_min || *limit > time_limit_max)) {
      table.problem("time_limit", table.path("time_limit") + " is out of range",
                    "allowed: \"100ms\" to \"30d\"");
    }
  }
  table.finish();
}

void read_measure(TomlTable& table, JobSpec& job) {
  job.unit = table.text("unit").value_or("unit");
  if (job.unit.empty())
    table.problem("unit", table.path("unit") + " is empty", "name what is counted");
  job.units = read_source(table, "units");
  job.has_quality = table.has("quality");
  job.quality = read_source(table, "quality");
  job.window = table.one_of("window", {"leg", "steady"}).value_or("leg");
  job.digest_required = table.boolean("digest_required").value_or(false);
  table.finish();
}

void read_quality(TomlTable& table, JobSpec& job, bool present) {
  job.has_quality = job.has_quality || present;
  if (!job.has_quality) return;
  if (table.require("metric", "name what job.measure.quality measures, like \"accuracy\"")) {
    job.quality_metric = table.text("metric").value_or("");
  }
  job.higher_is_better = table.boolean("higher_is_better").value_or(true);
  if (table.require("margin", "say how much worse is still as good, like margin = 0.005")) {
    const auto margin = table.number("margin", {});
    job.quality_margin = margin.value_or(0);
    if (margin && !(*margin > 0)) {
      table.problem("margin", fmt::format("{} = {} must be above 0", table.path("margin"), *margin),
                    "no difference can be proved smaller than nothing");
    }
  }
  table.finish();
}

// `+25%` → 0.25
void read_limits(TomlTable& table, JobSpec& job) {
  const auto text = table.text("memory");
  if (text) {
    double percent = -1;
    const bool shaped = text->size() > 2 && text->front() == '+' && text->back() == '%';
    const auto digits = shaped ? text->substr(1, text->size() - 2) : std::string{};
    if (const auto whole = parse_whole(digits.empty() ? "x" : digits)) {
      percent = static_cast<double>(*whole);
    }
    if (percent < 0 || percent > 10'000) {
      table.problem("memory", fmt::format("{} = \"{}\" is no limit", table.path("memory"), *text),
                    "write how much more a change may take, like \"+25%\"");
    } else {
      job.limits["memory"] = percent / 100;
    }
  }
  table.finish();
}

void read_command(TomlTable& table, JobSpec& job) {
  if (!table.require("command", "write command = [\"python3\", \"job.py\"]")) return;
  const auto command = table.texts("command");
  if (!command) return;
  job.command = *command;
  if (job.command.empty() || job.command.front().empty()) {
    table.problem("command", table.path("command") + " names no program");
  }
}

void read_code(TomlTable& table, JobSpec& job, std::string_view directory) {
  const auto workdir = table.text("workdir").value_or(".");
  if (workdir.empty()) table.problem("workdir", table.path("workdir") + " is empty", "write \".\"");
  const std::filesystem::path base{std::string{directory}};
  job.workdir = (base / workdir).lexically_normal().string();
  if (job.workdir.size() > 1 && job.workdir.back() == '/') job.workdir.pop_back();
  job.code = table.texts("code").value_or(std::vector<std::string>{});
  for (std::size_t i = 0; i < job.code.size(); ++i) {
    if (is_below(job.code[i])) continue;
    table.problem_at("code", i, fmt::format("\"{}\" leaves the workdir", job.code[i]),
                     "name files below workdir");
  }
}

void read_label(TomlTable& table, const std::string& key, std::string& label) {
  const auto text = table.text(key);
  if (!text) return;
  label = *text;
  if (is_label(label)) return;
  table.problem(key, fmt::format("{} = \"{}\" is no name", table.path(key), label),
                "use a-z, 0-9 and -, at most 63 characters, no - at the ends");
}

void read_job(TomlTable& root, JobSpec& job, std::string_view directory) {
  root.require("job", "start the file with [job]");
  auto table = root.table("job");
  table.require("name", "write name = \"my-job\"");
  read_label(table, "name", job.name);
  job.cluster = "local";
  read_label(table, "cluster", job.cluster);
  read_command(table, job);
  read_code(table, job, directory);
  job.dataset = table.text("dataset").value_or("");
  auto env = table.table("env"), resources = table.table("resources");
  auto measure = table.table("measure"), quality = table.table("quality");
  auto limits = table.table("limits"), production = table.table("production");
  read_env(env, job);
  read_resources(resources, job);
  read_measure(measure, job);
  read_quality(quality, job, table.has("quality"));
  read_limits(limits, job);
  job.runs_per_month = production.number("runs_per_month", {0, 1e9});
  production.finish();
  read_knobs(root, job);
  check_placeholders(table, root, job);
  table.finish();
}

}  // namespace

Result<JobSpec> parse_job_file(std::string_view text, std::string_view place,
                               std::string_view directory) {
  if (text.size() > limits::job_file_bytes) {
    return invalid_input(fmt::format("{}:1:1  the file has {} bytes", place, text.size()),
                         fmt::format("a job file has at most {}", limits::job_file_bytes));
  }
  const auto document = parse_toml(text, place);
  if (!document) return document.error();
  Problems problems{std::string{place}};
  TomlTable root{*document, "", problems};
  JobSpec job;
  read_job(root, job, directory);
  root.finish();
  if (!problems.empty()) return problems.error(ErrorCode::invalid_input);
  return job;
}

}  // namespace amdahl::core
