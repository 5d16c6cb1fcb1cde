#include "slurm_jobcomp.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "amdahl/http_client/client.hpp"
#include "slurm_commands.hpp"

namespace amdahl::scheduler_adapters::slurm {

namespace {

constexpr std::string_view hooks = "/hooks/", door = "/hooks/slurm-es/", behind = "/_doc";

// `/hooks/slurm-es/TOKEN/_doc`
bool is_door(std::string_view path) {
  if (!path.starts_with(door) || !path.ends_with(behind) ||
      path.size() <= door.size() + behind.size())
    return false;
  const auto token = path.substr(door.size(), path.size() - door.size() - behind.size());
  return token.find('/') == std::string_view::npos;
}

// What curl makes of it: without a port it is 80, not ours.
core::Result<http_client::ServiceAddress> address_of(std::string_view server) {
  const auto name = server.substr(std::min(server.find("://") + 3, server.size()));
  const auto bracket = name.rfind(']');
  const bool port = name.substr(bracket == std::string_view::npos ? 0 : bracket).find(':') !=
                    std::string_view::npos;
  return http_client::parse_service_address(fmt::format("{}{}", server, port ? "" : ":80"));
}

bool open_to_this_machine(const http_client::ServiceAddress& listens) {
  return listens.is_local() || listens.host == "0.0.0.0" || listens.host == "::";
}

}  // namespace

std::optional<Finding> jobcomp_finding(std::string_view config, const std::string& listen) {
  using Grade = Finding::Grade;
  if (config_value(config, "JobCompType") != "jobcomp/elasticsearch") return std::nullopt;
  const std::string whole = config_value(config, "JobCompLoc").value_or("");
  const std::string_view location = whole;
  const auto scheme = location.find("://");
  const auto slash = scheme == std::string_view::npos ? scheme : location.find('/', scheme + 3);
  const auto path = slash == std::string_view::npos ? std::string_view{} : location.substr(slash);
  const auto there = address_of(location.substr(0, slash));
  const auto here = http_client::parse_service_address("http://" + listen);
  if (!here) return std::nullopt;  // port 0: whichever is free
  const bool same_port = there && there->port == here->port;
  // Somebody's Elasticsearch.
  if (!there || (!path.starts_with(hooks) && !(there->is_local() && same_port)))
    return std::nullopt;
  const std::string sign = "amdahl hook slurm --print-config";
  const auto fix =
      fmt::format("JobCompLoc=http://127.0.0.1:{}{}TOKEN{} in slurm.conf, or the signed hook: {}",
                  here->port, door, behind, sign);
  if (!open_to_this_machine(*here))
    return Finding{Grade::failure,
                   fmt::format("JobCompLoc names this service, which listens on {}: what is not "
                               "signed is taken on loopback alone",
                               listen),
                   sign};
  if (!there->is_local())
    return Finding{Grade::warning,
                   fmt::format("JobCompLoc names {}; this service listens on {}, and takes what is "
                               "not signed from its own machine alone",
                               there->host, listen),
                   fix};
  if (!same_port)
    return Finding{Grade::failure,
                   fmt::format("JobCompLoc names port {}; this service listens on {}", there->port,
                               here->port),
                   fix};
  if (!is_door(path))
    return Finding{Grade::failure,
                   fmt::format("JobCompLoc names this service, but not {}TOKEN{}", door, behind),
                   fix};
  return Finding{Grade::fine, "JobCompLoc names this service", ""};
}

}  // namespace amdahl::scheduler_adapters::slurm
