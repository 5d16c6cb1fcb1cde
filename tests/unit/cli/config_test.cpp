#include "config.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "config_file.hpp"
#include "connection_role.hpp"
#include "fake_services.hpp"

using namespace amdahl::cli;
using Catch::Matchers::Contains;

namespace {

ConfigSources sources_of(const std::string& text) {
  ConfigSources sources;
  sources.files.push_back({"/etc/amdahl/amdahl.toml", text});
  sources.directory = "/work";
  sources.state_dir = "/var/lib/amdahl";
  return sources;
}

std::string origin_of(const Config& config, const std::string& path) {
  for (const auto& setting : config.settings) {
    if (setting.path == path) return setting.origin;
  }
  return "absent";
}

// A folder of its own, gone afterwards.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "amdahl-cli-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    std::ofstream{path / name} << text;
    ::chmod((path / name).c_str(), mode);
  }
};

}  // namespace

TEST_CASE("an empty configuration is valid and has a local cluster", "[cli][config]") {
  const auto config = load_config(sources_of(""));
  REQUIRE(config.has_value());
  CHECK(config->clusters == std::vector<ClusterConfig>{{"local", "local", 0, 0, 0}});
  CHECK(config->checks == 5);
  CHECK(config->lease_ttl == std::chrono::seconds{15});
  CHECK(config->state_dir == "/var/lib/amdahl");
  CHECK_FALSE(config->gpu_hours_per_day.has_value());
}

TEST_CASE("a configuration file sets everything it names", "[cli][config]") {
  const auto config = load_config(sources_of(R"([service]
state_dir = "state"
[ledger]
url_file = "secrets/url"
[cluster.alpha]
adapter = "local"
gpus = 4
memory = "8GiB"
[budget]
gpu_hours_per_day = 12.5
[experiment]
approval = ["env:NCCL_*", "patch"]
[refute]
delay = "0s"
[loop]
observe = true
)"));
  REQUIRE(config.has_value());
  CHECK(config->state_dir == "/etc/amdahl/state");
  CHECK(config->url_file == "/etc/amdahl/secrets/url");
  CHECK(config->clusters == std::vector<ClusterConfig>{{"alpha", "local", 4, 0, 8LL << 30}});
  CHECK(config->gpu_hours_per_day == 12.5);
  CHECK(config->approval == std::vector<std::string>{"env:NCCL_*", "patch"});
  CHECK(config->observe);
  CHECK(origin_of(*config, "cluster.alpha.gpus") == "/etc/amdahl/amdahl.toml:7:8");
}

TEST_CASE("a later source wins: file, variable, flag", "[cli][config]") {
  auto sources = sources_of("[refute]\nchecks = 3\n");
  CHECK(load_config(sources)->checks == 3);
  sources.files.push_back({"/etc/amdahl/conf.d/10-more.toml", "[refute]\nchecks = 7\n"});
  CHECK(load_config(sources)->checks == 7);
  sources.variables["AMDAHL__REFUTE__CHECKS"] = "9";
  CHECK(load_config(sources)->checks == 9);
  sources.flags["refute.checks"] = "11";
  const auto config = load_config(sources);
  CHECK(config->checks == 11);
  CHECK(origin_of(*config, "refute.checks") == "flag --checks");
}

TEST_CASE("a wrong configuration is refused with place and fix", "[cli][config]") {
  struct Wrong {
    const char* text;
    const char* said;
  };
  const auto wrong = GENERATE(values<Wrong>({
      {"[refute]\nchecks = 6\n",
       "amdahl.toml:2:10  refute.checks = 6 is even; a majority could tie"},
      {"[experiment]\npairs_maxx = 5\n", "amdahl.toml:2:1  unknown key experiment.pairs_maxx"},
      {"[expriment]\n", "unknown key expriment"},
      {"[cluster.a]\nadapter = \"kubernetes\"\n",
       "cluster.a.adapter = \"kubernetes\" is not built yet"},
      {"[cluster.a]\nvia = \"ssh\"\n", "cluster.a.via = \"ssh\" is no way to Slurm"},
      {"[cluster.a]\nadapter = \"lokal\"\n", "did you mean local?"},
      {"[cluster.A]\nadapter = \"local\"\n", "\"A\" cannot name a cluster"},
      {"[ledger]\nurl = \"host=x password=y\"\n", "ledger.url: secrets are read from files"},
      {"[budget]\nfleet_share = 2\n", "budget.fleet_share = 2 is out of range"},
      {"[loop]\nlease_ttl = \"1s\"\n", "loop.lease_ttl = \"1s\" is out of range"},
      {"[loop]\nobserve = \"yes\"\n", "loop.observe must be true or false"},
      {"[experiment]\napproval = [\"nccl\"]\n", "\"nccl\" is no pattern of changes"},
      {"[service]\nlisten = \"7717\"\n", "service.listen = \"7717\" is no address"},
      {"[service]\nlog_level = \"warn\"\n", "service.log_level = \"warn\" is no level"},
      {"[service\n", "amdahl.toml:1:9"},
  }));
  CAPTURE(wrong.text);
  const auto config = load_config(sources_of(wrong.text));
  REQUIRE(config.has_error());
  CHECK(config.error().code == amdahl::core::ErrorCode::invalid_config);
  CHECK_THAT(config.error().message + config.error().hint, Contains(wrong.said));
  CHECK_THAT(config.error().message, !Contains("password"));
}

TEST_CASE("each fault is said once", "[cli][config]") {
  const auto config = load_config(sources_of("[loop]\nlease_ttl = 5\n"));
  REQUIRE(config.has_error());
  const auto said = config.error().message;
  CHECK_THAT(said, Contains("loop.lease_ttl must be text"));
  CHECK(said.find("must be text") == said.rfind("must be text"));
}

TEST_CASE("a wrong variable is named as such", "[cli][config]") {
  auto sources = sources_of("");
  sources.variables = {{"AMDAHL__LEDGER__URL", "x"},
                       {"AMDAHL__REFUTE__CHEKS", "5"},
                       {"AMDAHL__LOOP__OBSERVE", "maybe"}};
  const auto config = load_config(sources);
  REQUIRE(config.has_error());
  const auto message = config.error().message;
  CHECK_THAT(message, Contains("env AMDAHL__LEDGER__URL  secrets are read from files"));
  CHECK_THAT(
      message,
      Contains(
          "env AMDAHL__REFUTE__CHEKS  unknown setting refute.cheks (did you mean refute.checks?)"));
  CHECK_THAT(message, Contains("env AMDAHL__LOOP__OBSERVE  \"maybe\" is no true or false"));
  CHECK(config.error().hint == "3 errors, nothing was applied");
}

TEST_CASE("a secret that others may read is refused", "[cli][config]") {
  const Folder folder;
  folder.write("closed", "host=/run user=amdahl_service\n");
  folder.write("open", "host=/run\n", 0644);
  folder.write("empty", "\n");
  CHECK(*read_secret(folder.path / "closed") == "host=/run user=amdahl_service");
  CHECK_THAT(read_secret(folder.path / "open").error().message, Contains("others may read"));
  CHECK_THAT(read_secret(folder.path / "empty").error().message, Contains("is empty"));
  CHECK(read_secret(folder.path / "absent").has_error());
}

TEST_CASE("config check reads the file, its conf.d and the variables", "[cli][config]") {
  const Folder folder;
  folder.write("amdahl.toml", "[refute]\nchecks = 3\n");
  std::filesystem::create_directory(folder.path / "conf.d");
  folder.write("conf.d/10.toml", "[refute]\nchecks = 6\n");
  Bench bench;
  bench.directory = folder.path;
  const auto bad = bench.run({"--config", "amdahl.toml", "config", "check"});
  CHECK(bad.code == ExitCode::bad_config);
  CHECK_THAT(bad.err, Contains("conf.d/10.toml:2:10  refute.checks = 6 is even"));
  folder.write("conf.d/10.toml", "");
  CHECK(bench.run({"--config", "amdahl.toml", "config", "check"}).code == ExitCode::ok);
  CHECK(bench.run({"--config", "absent.toml", "config", "check"}).code == ExitCode::bad_config);
  const auto shown = bench.run({"--config", "amdahl.toml", "config", "show", "--origin"});
  CHECK_THAT(shown.out, Contains("refute.checks") && Contains("amdahl.toml:2:10"));
  CHECK_THAT(bench.run({"config", "explain", "refute.check"}).err,
             Contains("did you mean refute.checks?"));
}

TEST_CASE("config check says what a service would not start with", "[cli][config]") {
  const Folder folder;
  Bench bench;
  bench.directory = folder.path;
  const auto check = [&](const std::string& text) {
    folder.write("amdahl.toml", text);
    const auto done = bench.run({"--config", "amdahl.toml", "config", "check"});
    CHECK(done.code == ExitCode::bad_config);
    return done.err;
  };
  CHECK_THAT(check("[service]\nlisten = \"0.0.0.0:7717\"\n"),
             Contains("can be reached from other machines"));
  CHECK_THAT(check("[service]\nlisten = \"7717\"\n"), Contains("is no address"));
  CHECK_THAT(check("[service]\ntls_key = \"none.key\"\n"), Contains("belong together"));
  CHECK_THAT(check("[cluster.a.hooks]\nsecret_files = [\"none\"]\n"),
             Contains("cluster.a.hooks.secret_files") && Contains("none"));
  folder.write("open", "whsec_YW1kYWhsLWxvb3AtdGVzdC12ZWN0b3Ita2V5LTAwMDE=\n", 0644);
  CHECK_THAT(check("[cluster.a.hooks]\nsecret_files = [\"open\"]\n"), Contains("others may read"));
}

TEST_CASE("without a configuration file, commands look at the ledger of amdahl dev",
          "[cli][config]") {
  const Folder folder;
  std::filesystem::create_directories(folder.path / "amdahl/dev");
  folder.write("amdahl/dev/amdahl.toml", "[refute]\nchecks = 7\n");
  Bench bench;
  bench.variables["XDG_STATE_HOME"] = folder.path.string();
  CHECK_THAT(bench.run({"config", "explain", "refute.checks"}).out, Contains("now       7"));
  bench.variables["XDG_CONFIG_HOME"] = folder.path.string();
  folder.write("amdahl/amdahl.toml", "[refute]\nchecks = 9\n");
  CHECK_THAT(bench.run({"config", "explain", "refute.checks"}).out, Contains("now       9"));
}

TEST_CASE("the role of a connection string is found in every form", "[cli][config]") {
  CHECK(role_of_url("host='/run/x y' port=5432 user='amdahl_service'") == "amdahl_service");
  CHECK(role_of_url("user = svc dbname=a") == "svc");
  CHECK(role_of_url("user='o\\'hara'") == "o'hara");
  CHECK(role_of_url("postgresql://svc:secret@db:5432/amdahl") == "svc");
  CHECK(role_of_url("postgres://s%40c@db/amdahl") == "s@c");
  CHECK(role_of_url("postgresql:///amdahl?host=/run&user=svc") == "svc");
  CHECK(role_of_url("dbname=amdahl").empty());
  CHECK(role_of_url("postgresql://db/amdahl").empty());
}
