#include <fmt/format.h>

#include <ostream>

#include "amdahl/ledger/migrator.hpp"
#include "commands.hpp"
#include "config_file.hpp"
#include "connection_role.hpp"
#include "report.hpp"
#include "services.hpp"
#include "table.hpp"

namespace amdahl::cli {

namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using nlohmann::json;

/// Who migrates, and for whom.
struct Roles {
  std::string owner_url;
  std::string service_role;
};

Result<Roles> read_roles(const Config& config) {
  if (config.owner_url_file.empty() || config.url_file.empty()) {
    return Error{ErrorCode::invalid_config,
                 "a migration needs the owner's and the service's connection",
                 "set ledger.owner_url_file and ledger.url_file"};
  }
  const auto owner = read_secret(config.owner_url_file);
  if (!owner) return owner.error();
  const auto service = read_secret(config.url_file);
  if (!service) return service.error();
  const auto role = role_of_url(*service);
  if (role.empty()) {
    return Error{ErrorCode::invalid_config, config.url_file.string() + " names no user",
                 "write the service's role into it, like user=amdahl_service"};
  }
  return Roles{*owner, role};
}

ExitCode print_migrations(Context& context, const std::vector<ledger::Migration>& migrations,
                          bool planned) {
  json document{
      {"schema", "amdahl.migrations/v1"}, {"planned", planned}, {"migrations", json::array()}};
  Table table{{{"version", "VERSION", true}, {"name", "NAME"}, {"state", "STATE"}}};
  for (const auto& migration : migrations) {
    document["migrations"].push_back(
        {{"version", migration.version}, {"name", migration.name}, {"applied", migration.applied}});
    table.add({migration.version == 0 ? "" : std::to_string(migration.version), migration.name,
               migration.applied ? "applied" : "to apply"});
  }
  return print_list(context, document, "migrations", table, "nothing to migrate");
}

ExitCode run_migrate(Context& context, const Args& args) {
  const auto config = context.services.configuration();
  if (!config) return report(context.env, config.error());
  const auto roles = read_roles(*config);
  if (!roles) return report(context.env, roles.error());
  if (args.has("plan"))
    return print_migrations(context, ledger::plan_migrations(roles->owner_url), true);
  const auto migrations = ledger::migrate(roles->owner_url, roles->service_role);
  if (!migrations) return report(context.env, migrations.error());
  return print_migrations(context, *migrations, false);
}

}  // namespace

Command db_command() {
  return {"db",
          "the ledger's database",
          "  amdahl db migrate --plan\n  amdahl --config ./amdahl.toml db migrate",
          {},
          {},
          nullptr,
          {{"migrate",
            "bring the schema up to this version, as the owner",
            "  amdahl db migrate --plan\n  amdahl db migrate",
            {},
            {{"--plan", "", "say what would be applied"}},
            run_migrate,
            {}}}};
}

}  // namespace amdahl::cli
