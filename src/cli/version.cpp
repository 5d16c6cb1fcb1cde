#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "commands.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

ExitCode run_version(Context& context, const Args&) {
  if (print_document(context, {{"schema", "amdahl.version/v1"}, {"version", AMDAHL_VERSION}})) {
    return ExitCode::ok;
  }
  context.env.out << "amdahl " << AMDAHL_VERSION << '\n';
  return ExitCode::ok;
}

}  // namespace

Command version_command() {
  return {"version",
          "which version this is",
          "  amdahl version\n  amdahl version -o json",
          {},
          {},
          run_version,
          {}};
}

}  // namespace amdahl::cli
