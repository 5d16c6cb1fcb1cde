#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/result.hpp"
#include "environment.hpp"
#include "exit_code.hpp"
#include "options.hpp"

namespace amdahl::cli {

class Services;

/// An argument or an option of a command. An option without a `value` is a switch.
struct Parameter {
  std::string name;   ///< `FILE`, or `--follow,-f`
  std::string value;  ///< what an option takes, like `N`; empty for switches and arguments
  std::string help;
  bool required = false;
  bool many = false;
};

/// What was given, by name without dashes (`FILE`, `follow`).
class Args {
 public:
  bool has(const std::string& name) const { return values_.contains(name); }
  std::string text(const std::string& name, std::string fallback = {}) const;
  std::vector<std::string> texts(const std::string& name) const;
  core::Result<std::optional<double>> number(const std::string& name) const;
  core::Result<std::optional<std::int64_t>> whole(const std::string& name) const;
  void set(const std::string& name, std::vector<std::string> values) {
    values_[name] = std::move(values);
  }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

/// What a command works with.
struct Context {
  Environment& env;
  GlobalOptions options;
  Services& services;
};

/// One row of the command table, from which parser, help and completion are made.
struct Command {
  std::string name;
  std::string summary;
  std::string examples;  ///< two lines
  std::vector<Parameter> arguments;
  std::vector<Parameter> options;
  std::function<ExitCode(Context&, const Args&)> run;  ///< empty: one of the children is needed
  std::vector<Command> children;
};

/// Commands under one heading of the help.
struct CommandGroup {
  std::string heading;
  std::vector<Command> commands;
};

/// `experiment 12` from `EXP-12`, `exp-12` or `12`; in the same way `H-3` and others.
core::Result<std::int64_t> parse_number(const std::string& text, const std::string& prefix);

}  // namespace amdahl::cli
