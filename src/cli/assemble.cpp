#include "assemble.hpp"

#include "config_file.hpp"

namespace amdahl::cli {

namespace {

class SystemServices : public Services {
 public:
  SystemServices(Environment& env, GlobalOptions options) : env_{env}, options_{std::move(options)} {}

  core::Result<Config> configuration() override { return read_config(env_, options_, {}); }
  core::Result<ledger::Ledger*> ledger() override { return core::Error{}; }
  core::Result<scheduler_adapters::Adapter*> adapter(const std::string&) override { return core::Error{}; }
  core::Result<bool> run_commands_once() override { return core::Error{}; }

 private:
  Environment& env_;
  GlobalOptions options_;
};

}  // namespace

std::unique_ptr<Services> assemble(Environment& env, const GlobalOptions& options) {
  return std::make_unique<SystemServices>(env, options);
}

}  // namespace amdahl::cli
