#include "slurm_cluster.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "amdahl/http_client/client.hpp"

namespace amdahl::cli {

namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using scheduler_adapters::SlurmOptions;

Error wrong_cluster(std::string message, std::string hint) {
  return {ErrorCode::invalid_config, std::move(message), std::move(hint)};
}

std::string own_user() {
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return found == nullptr ? std::string{} : std::string{entry.pw_name};
}

Result<void> check_rest(const SlurmConfig& slurm, const std::string& base) {
  if (slurm.url.empty())
    return wrong_cluster(base + "url is needed with via = \"rest\"",
                         "http://HOST:6820 of slurmrestd");
  const auto address = http_client::parse_service_address(slurm.url);
  if (!address)
    return wrong_cluster(base + "url: " + address.error().message, address.error().hint);
  if (address->via == http_client::ServiceAddress::Via::tcp && !address->is_local())
    return wrong_cluster(base + "url: over http the token can be read on its way",
                         "https://…, or unix:/PATH");
  if (slurm.token_file.empty() && slurm.token_command.empty())
    return wrong_cluster(base + "token_file or token_command is needed with via = \"rest\"",
                         "token_command = [\"scontrol\", \"token\", \"lifespan=3600\"]");
  if (!slurm.token_file.empty() && !slurm.token_command.empty())
    return wrong_cluster(base + "token_file and " + base + "token_command are both set",
                         "leave one of them out");
  return {};
}

// A path that a line of a script or an option of sbatch can carry.
Result<void> check_path(const std::filesystem::path& path, const std::string& setting) {
  const auto& text = path.native();
  const bool plain =
      std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (plain && path.is_absolute()) return {};
  return wrong_cluster(
      fmt::format("{} = \"{}\" is no absolute path of plain characters", setting, text), "");
}

}  // namespace

Result<SlurmOptions> slurm_options(const Config& config, const ClusterConfig& cluster,
                                   const std::filesystem::path& shim) {
  const auto& slurm = cluster.slurm;
  const auto base = "cluster." + cluster.name + ".";
  if (!cluster.post_url.empty())
    return wrong_cluster(
        base + "post_url: the nodes of a Slurm cluster share a disk with the service",
        "leave it out");
  SlurmOptions options;
  options.cluster = cluster.name;
  options.run_dir =
      slurm.run_dir.empty() ? config.state_dir / "slurm" / cluster.name : slurm.run_dir;
  options.shim = slurm.shim.empty() ? shim : slurm.shim;
  options.partition = slurm.partition;
  options.account = slurm.account;
  options.qos = slurm.qos;
  options.accounting = slurm.accounting;
  options.call_within = slurm.call_timeout;
  options.poll_interval = slurm.poll_interval;
  options.quiet_period = slurm.quiet_period;
  options.result_grace = slurm.result_grace;
  options.stop_grace = slurm.stop_grace;
  options.unschedulable_after = slurm.unschedulable_after;
  options.listen = config.listen;
  if (auto fine = check_path(options.run_dir, base + "run_dir"); !fine) return fine.error();
  if (auto fine = check_path(options.shim, base + "shim"); !fine) return fine.error();
  if (slurm.via != "rest") return options;
  options.via = SlurmOptions::Via::rest;
  options.url = slurm.url;
  options.user = slurm.user.empty() ? own_user() : slurm.user;
  options.token_file = slurm.token_file;
  options.token_command = slurm.token_command;
  options.ca_file = slurm.ca_file;
  if (auto fine = check_rest(slurm, base); !fine) return fine.error();
  return options;
}

}  // namespace amdahl::cli
