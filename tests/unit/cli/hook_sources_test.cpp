#include "hook_sources.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <string>

#include "support/scratch_folder.hpp"

using namespace amdahl::cli;
using Catch::Matchers::Contains;

namespace {

const std::string first_secret = "whsec_YW1kYWhsLWxvb3AtdGVzdC12ZWN0b3Ita2V5LTAwMDE=";
const std::string second_secret = "whsec_YW1kYWhsLWxvb3AtdGVzdC12ZWN0b3Ita2V5LTAwMDI=";
const std::string token = "url-token-of-alpha-123456";

struct HookFolder {
  amdahl::test::ScratchFolder scratch;

  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const auto file = scratch.write(name, text);
    ::chmod(file.c_str(), mode);
    return name;
  }
  amdahl::core::Result<Config> config(const std::string& text) const {
    ConfigSources sources;
    sources.files.push_back({(scratch.path() / "amdahl.toml").string(), text});
    sources.directory = "/work";
    sources.state_dir = "/var/lib/amdahl";
    return load_config(sources);
  }
  amdahl::core::Result<std::vector<amdahl::http::HookSource>> sources(
      const std::string& text) const {
    const auto read = config(text);
    if (!read) return read.error();
    return read_hook_sources(*read);
  }
};

}  // namespace

TEST_CASE("secrets and token of a cluster are read from its files", "[cli][hooks]") {
  const HookFolder folder;
  folder.write("one", first_secret + "\n");
  folder.write("two", second_secret + "\n");
  folder.write("token", token + "\n");
  const auto sources = folder.sources(
      "[cluster.alpha.hooks]\nsecret_files = [\"one\", \"two\"]\nurl_token_file = \"token\"\n"
      "[cluster.beta]\ngpus = 1\n");
  REQUIRE(sources.has_value());
  REQUIRE(sources->size() == 1);
  const auto& alpha = sources->front();
  CHECK(alpha.cluster == "alpha");
  CHECK(alpha.enabled);
  CHECK(alpha.secrets == std::vector<std::string>{"amdahl-loop-test-vector-key-0001",
                                                  "amdahl-loop-test-vector-key-0002"});
  CHECK(alpha.url_token == token);
  const auto off =
      folder.sources("[cluster.alpha.hooks]\nsecret_files = [\"one\"]\nenabled = false\n");
  REQUIRE(off.has_value());
  CHECK_FALSE(off->front().enabled);
  CHECK(folder.sources("")->empty());
}

TEST_CASE("hooks are set by variables and flags like all else, and keep their origin",
          "[cli][hooks]") {
  ConfigSources given;
  given.files.push_back(
      {"/etc/amdahl/amdahl.toml", "[cluster.alpha.hooks]\nsecret_files = [\"one\"]\n"});
  given.variables["AMDAHL__CLUSTER__ALPHA__HOOKS__ENABLED"] = "false";
  given.variables["AMDAHL__CLUSTER__ALPHA__HOOKS__SECRET_FILES"] = "a,/b";
  given.directory = "/start";
  const auto config = load_config(given);
  REQUIRE(config.has_value());
  const auto& hooks = config->clusters.at(0).hooks;
  CHECK_FALSE(hooks.enabled);
  CHECK(hooks.secret_files == std::vector<std::filesystem::path>{"/start/a", "/b"});
  given.variables.clear();
  const auto plain = load_config(given);
  bool found = false;
  for (const auto& setting : plain->settings) {
    if (setting.path != "cluster.alpha.hooks.secret_files") continue;
    found = true;
    CHECK(setting.origin == "/etc/amdahl/amdahl.toml:2:16");
    CHECK(setting.value == nlohmann::json{"/etc/amdahl/one"});
  }
  CHECK(found);
}

TEST_CASE("wrong settings of hooks are refused with place and fix", "[cli][hooks]") {
  struct Wrong {
    const char* text;
    const char* said;
  };
  const auto wrong = GENERATE(values<Wrong>({
      {"secret_file = \"a\"\n", "unknown key cluster.alpha.hooks.secret_file"},
      {"secret = \"whsec_hidden\"\n", "cluster.alpha.hooks.secret: secrets are read from files"},
      {"url_token = \"hidden\"\n", "cluster.alpha.hooks.url_token: secrets are read from files"},
      {"secret_files = \"a\"\n", "cluster.alpha.hooks.secret_files"},
      {"secret_files = [\"\"]\n", "an empty path"},
      {"secret_files = [\"a\", \"b\", \"c\", \"d\", \"e\"]\n", "names 5 files"},
      {"enabled = \"no\"\n", "cluster.alpha.hooks.enabled must be true or false"},
  }));
  const HookFolder folder;
  const auto config = folder.config(std::string{"[cluster.alpha.hooks]\n"} + wrong.text);
  CAPTURE(wrong.text);
  REQUIRE(config.has_error());
  CHECK_THAT(config.error().message + config.error().hint, Contains(wrong.said));
  CHECK_THAT(config.error().message, !Contains("hidden"));
}

TEST_CASE("a secret that is none, that others may read or that two clusters have is refused",
          "[cli][hooks]") {
  const HookFolder folder;
  folder.write("good", first_secret);
  folder.write("copy", first_secret);
  folder.write("open", second_secret, 0644);
  folder.write("plain", "hunter2-hunter2-hunter2-hunter2");
  folder.write("short", "abc");
  const auto said = [&](const std::string& text) {
    const auto sources = folder.sources(text);
    if (sources) return std::string{"accepted"};
    CHECK(sources.error().code == amdahl::core::ErrorCode::invalid_config);
    return sources.error().message;
  };
  const std::string alpha = "[cluster.alpha.hooks]\n";
  CHECK_THAT(said(alpha + "secret_files = [\"open\"]\n"),
             Contains("cluster.alpha.hooks.secret_files") && Contains("others may read"));
  CHECK_THAT(said(alpha + "secret_files = [\"gone\"]\n"), Contains("cannot read"));
  CHECK_THAT(said(alpha + "secret_files = [\"plain\"]\n"),
             Contains("begins with whsec_") && Contains("plain") && !Contains("hunter2"));
  CHECK_THAT(said(alpha + "secret_files = [\"good\", \"copy\"]\n"),
             Contains("in another file too"));
  CHECK_THAT(said(alpha + "secret_files = [\"good\"]\n[cluster.beta.hooks]\nsecret_files = "
                          "[\"copy\"]\n"),
             Contains("cluster.beta.hooks") && Contains("cluster alpha has the same secret"));
  CHECK_THAT(said(alpha + "url_token_file = \"short\"\n"), Contains("24 to 128"));
}
