#include <ostream>

#include "amdahl/core/spelling.hpp"
#include "commands.hpp"
#include "embedded_schemas.hpp"
#include "report.hpp"

namespace amdahl::cli {

namespace {

ExitCode run_schema(Context& context, const Args& args) {
  std::vector<std::string> names;
  for (const auto& schema : embedded_schemas()) names.emplace_back(schema.name);
  if (!args.has("NAME")) {
    for (const auto& name : names) context.env.out << name << '\n';
    return ExitCode::ok;
  }
  const auto wanted = args.text("NAME");
  for (const auto& schema : embedded_schemas()) {
    const auto full = "amdahl." + std::string{schema.name} + "/v1";
    if (wanted != schema.name && wanted != full) continue;
    context.env.out << schema.text;
    return ExitCode::ok;
  }
  return report(context.env, {core::ErrorCode::not_found, "no schema is called " + wanted,
                              core::suggest(wanted, names)});
}

}  // namespace

Command schema_command() {
  return {"schema",
          "the JSON schema of a document",
          "  amdahl schema\n  amdahl schema judge",
          {{"NAME", "", "as in \"schema\": \"amdahl.NAME/v1\"; none lists them"}},
          {},
          run_schema,
          {}};
}

}  // namespace amdahl::cli
