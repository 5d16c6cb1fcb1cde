#include "slurm_token.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "slurm_transport.hpp"
#include "support/real_clock.hpp"
#include "support/scratch_folder.hpp"

namespace amdahl::scheduler_adapters::slurm {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;

// Programs run in real time; what time it is says the test.
class MovedClock final : public core::Clock {
 public:
  core::WallTime now() override { return real_.now() + ahead; }
  core::BootTime since_boot() override { return real_.since_boot(); }
  std::chrono::seconds ahead{0};

 private:
  test::RealClock real_;
};

struct Scene {
  test::ScratchFolder folder;
  MovedClock clock;
  SlurmOptions options;

  /// A program that prints a token of that life, in seconds, another one each time.
  void command(int life_s) {
    script("n=$(($(cat " + count() + " 2>/dev/null || echo 0) + 1)); echo $n >" + count() +
           "\nexp=$(($(date +%s) + " + std::to_string(life_s) +
           "))\n"
           "claims=$(printf '{\"exp\":%s}' $exp | base64 -w0 | tr '+/' '-_' | tr -d =)\n"
           "echo SLURM_JWT=head$n.$claims.sign\n");
  }
  void script(const std::string& body) {
    const auto path = folder.path() / "token.sh";
    std::ofstream{path} << "#!/bin/sh\n" << body;
    ::chmod(path.c_str(), 0700);
    options.token_command = {path.string()};
  }
  std::string count() const { return (folder.path() / "count").string(); }
  static std::string head(const core::Result<std::string>& token) {
    REQUIRE(token.has_value());
    return token->substr(0, token->find('.'));
  }
};

}  // namespace

TEST_CASE("a token of a command is kept until it nears its end", "[slurm][token]") {
  Scene scene;
  scene.command(3600);
  TokenSource source{scene.options, scene.clock};
  CHECK(Scene::head(source.token(10s)) == "head1");
  scene.clock.ahead = 3500s;
  CHECK(Scene::head(source.token(10s)) == "head1");
  scene.clock.ahead = 3560s;
  CHECK(Scene::head(source.token(10s)) == "head2");
}

TEST_CASE("a token that lives shortly is renewed in the middle of its life", "[slurm][token]") {
  Scene scene;
  scene.command(40);
  TokenSource source{scene.options, scene.clock};
  CHECK(Scene::head(source.token(10s)) == "head1");
  scene.clock.ahead = 10s;
  CHECK(Scene::head(source.token(10s)) == "head1");
  scene.clock.ahead = 30s;
  CHECK(Scene::head(source.token(10s)) == "head2");
}

TEST_CASE("a token that was refused is made anew, one of a file only read again",
          "[slurm][token]") {
  Scene scene;
  scene.command(3600);
  TokenSource source{scene.options, scene.clock};
  CHECK(Scene::head(source.token(10s)) == "head1");
  CHECK(source.refused());
  CHECK(Scene::head(source.token(10s)) == "head2");

  SlurmOptions by_file;
  by_file.token_file = scene.folder.path() / "file";
  std::ofstream{by_file.token_file} << "SLURM_JWT=a.b.c\n";
  TokenSource file{by_file, scene.clock};
  CHECK(file.token(10s).value() == "a.b.c");
  CHECK_FALSE(file.refused());
  std::ofstream{by_file.token_file} << "d.e.f";
  CHECK(file.token(10s).value() == "d.e.f");
}

TEST_CASE("what is wrong with a token is said, and no token with it", "[slurm][token]") {
  Scene scene;
  TokenSource source{scene.options, scene.clock};
  scene.script("echo SLURM_JWT=secret.part.s two; exit 0\n");
  REQUIRE(source.token(10s).has_error());
  CHECK_THAT(source.token(10s).error().message, Contains("printed no token"));
  CHECK_THAT(source.token(10s).error().message, !Contains("secret"));
  scene.script("echo no right >&2; exit 3\n");
  CHECK_THAT(source.token(10s).error().message, Contains("ended with 3: no right"));
  scene.options.token_command = {"/no/such/program"};
  CHECK_THAT(source.token(10s).error().message, Contains("could not be run"));
  scene.options.token_command.clear();
  scene.options.token_file = scene.folder.path() / "empty";
  std::ofstream{scene.options.token_file} << "\n";
  CHECK_THAT(source.token(10s).error().message, Contains("holds no token"));
}

TEST_CASE("a token that does not come in time keeps a submit within its deadline, and unsent",
          "[slurm][token]") {
  Scene scene;
  scene.script("exec sleep 600\n");
  scene.options.via = SlurmOptions::Via::rest;
  scene.options.url = "http://127.0.0.1:1";
  scene.options.call_within = 20s;
  const auto transport = make_rest_transport(scene.options, scene.clock);
  const auto begun = scene.clock.since_boot();
  const auto answer = transport->submit_held({}, 300ms);
  CHECK(scene.clock.since_boot() - begun < 10s);
  REQUIRE(std::holds_alternative<Failure>(answer));
  CHECK(std::get<Failure>(answer).kind == FailureClass::auth);
  CHECK_THAT(std::get<Failure>(answer).message, Contains("did not end in time"));
}

}  // namespace amdahl::scheduler_adapters::slurm
