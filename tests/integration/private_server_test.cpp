#include "amdahl/ledger/private_server.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "amdahl/ledger/ledger.hpp"
#include "amdahl/ledger/migrator.hpp"

namespace amdahl::test {
namespace {

namespace fs = std::filesystem;

// A folder of its own below /tmp, which a service user may search; its server is stopped at the
// end.
struct ServerFolder {
  fs::path root = fmt::format("/tmp/amdahl-server-test-{}", ::getpid());
  ledger::PrivateServerOptions options{.data_dir = root / "data",
                                       .socket_dir = root / "run",
                                       .service_user = "amdahl",
                                       .durable = false,
                                       .settings = {}};
  ServerFolder() {
    fs::remove_all(root);
    fs::create_directories(root);
    fs::permissions(root, fs::perms{0711});
  }
  ~ServerFolder() {
    if (fs::exists(root / "data/PG_VERSION")) {
      auto server = ledger::PrivateServer::start(options);
      if (server) (void)server->stop();
    }
    fs::remove_all(root);
  }
};

TEST_CASE("a private server is made, joined, stopped and started again with its data", "[server]") {
  ServerFolder folder;
  auto server = ledger::PrivateServer::start(folder.options);
  REQUIRE(server.has_value());
  CHECK(server->started_here());
  REQUIRE(server->ensure_database("amdahl").has_value());
  REQUIRE(server->ensure_database("amdahl").has_value());
  REQUIRE(ledger::migrate(server->owner_url("amdahl"), "amdahl_service").has_value());
  REQUIRE(ledger::connect(server->service_url("amdahl"))
              ->acquire({}, "00000000-0000-4000-8000-000000000001", "test"));
  auto joined = ledger::PrivateServer::start(folder.options);
  REQUIRE(joined.has_value());
  CHECK_FALSE(joined->started_here());

  // The socket's folder is the only door.
  struct stat status {};
  REQUIRE(::stat((folder.root / "run").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);

  REQUIRE(server->stop().has_value());
  REQUIRE(server->stop().has_value());
  auto again = ledger::PrivateServer::start(folder.options);
  REQUIRE(again.has_value());
  CHECK(again->started_here());
  CHECK(ledger::connect(again->service_url("amdahl"))->head().fence == 1);
}

TEST_CASE("what a killed initdb left behind is cleared away", "[server]") {
  ServerFolder folder;
  fs::create_directories(folder.root / "data.new.1");
  std::ofstream{folder.root / "data.new.1/PG_VERSION"} << "15\n";
  CHECK(ledger::PrivateServer::start(folder.options).has_value());
  CHECK_FALSE(fs::exists(folder.root / "data.new.1"));
}

TEST_CASE("killed while it makes a server, it makes one at the next start", "[server]") {
  ServerFolder folder;
  const auto child = ::fork();
  if (child == 0) {
    (void)ledger::PrivateServer::start(folder.options);
    ::_exit(0);
  }
  const auto at_work = [&] {
    return std::any_of(fs::directory_iterator{folder.root}, fs::directory_iterator{},
                       [](const auto& entry) {
                         return entry.path().filename().string().starts_with("data.new.") &&
                                fs::exists(entry.path() / "base");
                       });
  };
  while (!at_work()) std::this_thread::yield();
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  const auto server = ledger::PrivateServer::start(folder.options);
  CAPTURE(server ? "" : server.error().message);
  CHECK(server.has_value());
}

TEST_CASE("a server found with a stale pid file is started", "[server]") {
  ServerFolder folder;
  auto server = ledger::PrivateServer::start(folder.options);
  REQUIRE(server.has_value());
  const auto pid_file = folder.root / "data/postmaster.pid";
  std::ifstream in{pid_file};
  pid_t pid = 0;
  in >> pid;
  REQUIRE(pid > 1);
  REQUIRE(::kill(pid, SIGKILL) == 0);
  // Its children notice and leave; a start right after the kill must cope with those still there.
  auto again = ledger::PrivateServer::start(folder.options);
  CAPTURE(again ? "" : again.error().message);
  REQUIRE(again.has_value());
  CHECK(again->started_here());
}

TEST_CASE("a folder that holds other things is left alone", "[server]") {
  ServerFolder folder;
  fs::create_directories(folder.root / "data");
  std::ofstream{folder.root / "data/thesis.txt"} << "years of work";
  const auto server = ledger::PrivateServer::start(folder.options);
  REQUIRE(server.has_error());
  CHECK_THAT(server.error().message, Catch::Contains("neither empty nor a PostgreSQL data folder"));
  CHECK(fs::exists(folder.root / "data/thesis.txt"));
}

TEST_CASE("a socket path that is too long is refused before anything is made", "[server]") {
  ServerFolder folder;
  folder.options.socket_dir = folder.root / std::string(100, 'x');
  const auto server = ledger::PrivateServer::start(folder.options);
  REQUIRE(server.has_error());
  CHECK(server.error().code == core::ErrorCode::invalid_input);
  CHECK_THAT(server.error().message, Catch::Contains("107"));
  CHECK_FALSE(fs::exists(folder.root / "data"));
}

TEST_CASE("a database's name is a plain word", "[server]") {
  ServerFolder folder;
  auto server = ledger::PrivateServer::start(folder.options);
  REQUIRE(server.has_value());
  CHECK(server->ensure_database("x\"; DROP DATABASE postgres").has_error());
}

}  // namespace
}  // namespace amdahl::test
