#include <fmt/format.h>

#include "config_file.hpp"
#include "http_ledger.hpp"
#include "service_doors.hpp"

namespace amdahl::cli {

using core::Error;
using core::ErrorCode;
using core::Result;

namespace {

// One that stands still must not hold a command that can ask the ledger itself.
constexpr std::chrono::milliseconds local_patience{1'000};
constexpr std::chrono::milliseconds asked_patience{5'000};

Result<std::string> token_for(const Environment& env, const Config& config,
                              const http_client::ServiceAddress& address) {
  if (address.via == http_client::ServiceAddress::Via::unix_socket) return std::string{};
  const auto variable = env.variable("AMDAHL_TOKEN_FILE");
  const auto file = variable.empty() ? config.token_file : env.directory / variable;
  if (file.empty()) return std::string{};
  if (address.via == http_client::ServiceAddress::Via::tcp && !address.is_local()) {
    return Error{ErrorCode::not_allowed,
                 fmt::format("{} would show the token to the network", address.text()),
                 "ask over https://"};
  }
  return read_secret(file);
}

Result<std::unique_ptr<HttpLedger>> service_asked_for(const Environment& env,
                                                      const GlobalOptions& options,
                                                      const Config& config) {
  const auto address = http_client::parse_service_address(options.server);
  if (!address) return address.error();
  const auto token = token_for(env, config, *address);
  if (!token) return token.error();
  http_client::ClientOptions client;
  client.address = *address;
  client.token = *token;
  client.ca_file = config.ca_file;
  auto service = std::make_unique<HttpLedger>(std::move(client), AMDAHL_VERSION);
  if (const auto there = service->probe(asked_patience); !there) return there.error();
  return service;
}

}  // namespace

Result<std::unique_ptr<HttpLedger>> find_service(
    const Environment& env, const GlobalOptions& options, const Config& config,
    const std::function<void(const std::string&)>& say) {
  if (!options.server.empty()) {
    auto service = service_asked_for(env, options, config);
    if (service) say("asking the service at " + (*service)->place());
    return service;
  }
  const auto socket = service_socket(env, config);
  std::error_code ignored;
  if (!std::filesystem::exists(socket, ignored)) {
    say(fmt::format("asking the ledger itself: no service at {}", socket.string()));
    return std::unique_ptr<HttpLedger>{};
  }
  http_client::ClientOptions client;
  client.address.host = socket.string();
  auto service = std::make_unique<HttpLedger>(std::move(client), AMDAHL_VERSION);
  if (const auto there = service->probe(local_patience); !there) {
    say("asking the ledger itself: " + there.error().message);
    return std::unique_ptr<HttpLedger>{};
  }
  say("asking the service at " + service->place());
  return service;
}

}  // namespace amdahl::cli
