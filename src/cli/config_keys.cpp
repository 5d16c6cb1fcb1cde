#include "config_keys.hpp"

#include <algorithm>

namespace amdahl::cli {

const std::vector<ConfigKey>& config_keys() {
  using enum SettingKind;
  static const std::vector<ConfigKey> keys{
      {"service.listen", text, "127.0.0.1:7717",
       "address and port of the service; port 0 = any that is free"},
      {"service.socket", path, "",
       "Unix socket of the service; /run/amdahl/amdahl.sock as root, else amdahl.sock in "
       "state_dir"},
      {"service.tls_certificate", path, "",
       "PEM chain, leaf first; needed to listen where other machines reach it"},
      {"service.tls_key", path, "", "PEM file of its private key"},
      {"service.post_key_file", path, "",
       "file with the secret that the tokens of cluster.*.post_url are made with; the same for all "
       "services of a ledger"},
      {"service.state_dir", path, "",
       "runs, slots and code snapshots; /var/lib/amdahl as root, else the XDG state folder"},
      {"service.log_level", text, "info",
       "least grave events that are logged: debug, info, warning, error"},
      {"client.token_file", path, "",
       "file with the token that commands show to --server; AMDAHL_TOKEN_FILE goes before it"},
      {"client.ca_file", path, "",
       "PEM file of the CA that signed the certificate of --server; what the system trusts else"},
      {"ledger.url_file", path, "",
       "file with the connection string of the service's role; amdahl dev needs none"},
      {"ledger.owner_url_file", path, "",
       "file with the connection string of the owner, for amdahl db migrate only"},
      {"cluster.*.adapter", text, "local", "what speaks to the scheduler: local or slurm"},
      {"cluster.*.via", text, "cli",
       "how Slurm is asked: cli = its commands on this machine, rest = slurmrestd"},
      {"cluster.*.url", text, "",
       "of slurmrestd, with via = \"rest\": http://HOST:PORT, https://HOST:PORT or unix:/PATH"},
      {"cluster.*.user", text, "", "whose token it is; the user of the service else"},
      {"cluster.*.token_file", path, "",
       "file with a JSON Web Token for slurmrestd, read again for each call"},
      {"cluster.*.token_command", texts, "",
       "program and arguments that print such a token, run again when it nears its end; no shell"},
      {"cluster.*.ca_file", path, "",
       "PEM file of the CA that signed the certificate of url; what the system trusts else"},
      {"cluster.*.partition", text, "", "where jobs are sent; the cluster's default else"},
      {"cluster.*.account", text, "", "whom jobs are charged to; the user's default else"},
      {"cluster.*.qos", text, "", "quality of service of jobs; the account's default else"},
      {"cluster.*.run_dir", path, "",
       "runs, on a disk that all nodes share; slurm/NAME in state_dir, which then must be on one"},
      {"cluster.*.shim", path, "", "amdahl-run as the nodes see it; the one beside amdahl else"},
      {"cluster.*.accounting", boolean, "true",
       "whether slurmdbd can be asked about jobs that the controller has forgotten"},
      {"cluster.*.call_timeout", duration, "10s", "how long one question to Slurm may take", 1, 60},
      {"cluster.*.poll_interval", duration, "2s",
       "how often Slurm is asked while runs are in it and no webhook tells sooner", 0.02, 3600},
      {"cluster.*.quiet_period", duration, "60s",
       "how long a submit without an answer is looked for before it is sent again; at least three "
       "times Slurm's MessageTimeout",
       1, 3600},
      {"cluster.*.result_grace", duration, "15s",
       "how long a shared disk may take to show what a job wrote", 1, 600},
      {"cluster.*.stop_grace", duration, "30s",
       "how long a run may take to end itself before its job is cancelled", 1, 3600},
      {"cluster.*.unschedulable_after", duration, "10m",
       "how long a job may wait for what can never be before it is given up", 1, 7 * 86400.0},
      {"cluster.*.gpus", whole, "0", "GPU slots of this machine; 0 = detect", 0, 1'000'000},
      {"cluster.*.cpus", whole, "0", "CPUs to hand out; 0 = detect", 0, 1'000'000},
      {"cluster.*.memory", size, "0B", "memory to hand out; 0B = detect"},
      {"cluster.*.post_url", text, "",
       "where workers that share no disk with the service post their results: "
       "https://loop.example:7717"},
      {"cluster.*.post_ca_file", path, "",
       "PEM file of the CA that signed the certificate of post_url; the workers get its text"},
      {"cluster.*.hooks.enabled", boolean, "true",
       "whether webhooks of this cluster are taken; false answers 410 to those that are authentic"},
      {"cluster.*.hooks.secret_files", paths, "",
       "files with a webhook secret (whsec_…) each; all are live, so that one can replace another"},
      {"cluster.*.hooks.url_token_file", path, "",
       "file with the token of the unsigned doors, which take from this machine only"},
      {"budget.gpu_hours_per_day", number, "",
       "GPU-hours that tests may use in 24 hours, running ones included; none = no limit", 0, 1e9},
      {"budget.fleet_share", number, "1",
       "share of each cluster that tests may use; one run always fits", 0.0001, 1},
      {"budget.concurrent_runs", whole, "64", "worker runs at once, over all clusters", 1, 1000},
      {"experiment.pairs_max", whole, "15", "pairs of discovery before it gives up", 4, 100},
      {"experiment.approval", texts, "",
       "changes that wait for a person: env:NCCL_*, arg:NAME, resource:*, image, patch"},
      {"refute.checks", whole, "5", "refute checks of a win; odd, so that no majority ties", 3, 15},
      {"refute.delay", duration, "12h",
       "how long after its nomination a win is replicated once more; 0s = it is not", 0,
       30 * 86400.0},
      {"loop.idle_interval", duration, "2s", "pause between cycles with nothing to do", 0.02, 3600},
      {"loop.lease_ttl", duration, "15s", "how long after a leader's death another takes over", 3,
       600},
      {"loop.observe", boolean, "false", "only measure and propose; start no trial"},
  };
  return keys;
}

const ConfigKey* find_config_key(std::string_view path) {
  for (const auto& key : config_keys()) {
    if (key.path == path) return &key;
    const auto star = key.path.find('*');
    if (star == std::string_view::npos) continue;
    const auto head = key.path.substr(0, star), tail = key.path.substr(star + 1);
    if (path.size() > head.size() + tail.size() && path.starts_with(head) && path.ends_with(tail)) {
      const auto name = path.substr(head.size(), path.size() - head.size() - tail.size());
      if (name.find('.') == std::string_view::npos) return &key;
    }
  }
  return nullptr;
}

bool applies_on_reload(std::string_view path) {
  // The owner's connection string is for `db migrate`: no service has it open.
  for (const std::string_view whole :
       {"service.log_level", "service.tls_certificate", "service.tls_key", "ledger.owner_url_file",
        "loop.idle_interval", "loop.observe"}) {
    if (path == whole) return true;
  }
  if (path.starts_with("cluster.") && path.find(".hooks.") != std::string_view::npos) return true;
  return path.starts_with("budget.") || path.starts_with("experiment.") ||
         path.starts_with("refute.");
}

std::string_view kind_word(SettingKind kind) {
  switch (kind) {
    case SettingKind::text:
      return "text";
    case SettingKind::path:
      return "path";
    case SettingKind::whole:
      return "whole number";
    case SettingKind::number:
      return "number";
    case SettingKind::boolean:
      return "true or false";
    case SettingKind::duration:
      return "duration, like 90s";
    case SettingKind::size:
      return "size, like 2GiB";
    case SettingKind::texts:
      return "list of texts";
    case SettingKind::paths:
      return "list of paths";
  }
  return "";
}

}  // namespace amdahl::cli
