#include "service_check.hpp"

#include "amdahl/http/server.hpp"
#include "hook_sources.hpp"

namespace amdahl::cli {

using core::Error;
using core::ErrorCode;

bool has_tls(const Config& config) {
  return !config.tls_certificate.empty() && !config.tls_key.empty();
}

std::vector<Error> service_problems(const Config& config) {
  std::vector<Error> problems;
  if (config.tls_certificate.empty() != config.tls_key.empty()) {
    problems.push_back(
        {ErrorCode::invalid_config,
         "service.tls_certificate and service.tls_key belong together, one is not set",
         "set both or none"});
  } else if (has_tls(config)) {
    const auto checked = http::check_tls({config.tls_certificate, config.tls_key});
    if (!checked) problems.push_back(checked.error());
  }
  if (const auto may = http::check_listen(config.listen, has_tls(config)); !may)
    problems.push_back(may.error());
  if (const auto sources = read_hook_sources(config); !sources) problems.push_back(sources.error());
  return problems;
}

}  // namespace amdahl::cli
