#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <string>

#include "amdahl/core/clock.hpp"

namespace amdahl::cli {

/// Everything of the process that a command may see; tests make their own.
struct Environment {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  core::Clock& clock;
  bool out_is_terminal = false;
  bool is_root = false;
  std::filesystem::path directory;  ///< where the process was started
  std::filesystem::path program;    ///< this binary
  std::map<std::string, std::string> variables;
  /// Sleeps, but wakes early when interrupted.
  std::function<void(std::chrono::milliseconds)> sleep;
  std::function<int()> interrupts;  ///< how often SIGINT or SIGTERM arrived

  /// How often SIGHUP arrived since it was first asked; before, SIGHUP ends the process as usual.
  std::function<int()> hangups = [] { return 0; };

  /// Where there is a terminal: it is empty, and what follows stands at its top.
  std::function<void()> clear_screen = [] {};

  bool interrupted() const { return interrupts() > 0; }

  std::string variable(const std::string& name) const {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string{} : found->second;
  }
};

}  // namespace amdahl::cli
