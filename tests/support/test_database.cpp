#include "support/test_database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <stdexcept>

#include "amdahl/ledger/migrator.hpp"
#include "amdahl/ledger/private_server.hpp"
#include "pq.hpp"

namespace amdahl::test {
namespace {

namespace fs = std::filesystem;

fs::path root() {
  if (const char* chosen = std::getenv("AMDAHL_TEST_PG")) return chosen;
  return fmt::format("/tmp/amdahl-test-pg-{}", ::geteuid());
}

template <class T>
T must(core::Result<T> result) {
  if (!result) throw std::runtime_error{result.error().message + "; " + result.error().hint};
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

ledger::PrivateServer join_server() {
  fs::create_directories(root());
  struct stat status {};
  if (::lstat(root().c_str(), &status) != 0 || status.st_uid != ::geteuid()) {
    throw std::runtime_error{root().string() + " belongs to somebody else; set AMDAHL_TEST_PG"};
  }
  fs::permissions(root(), fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  return must(ledger::PrivateServer::start(
      {.data_dir = root() / "data",
       .socket_dir = root() / "run",
       .service_user = "amdahl",
       .durable = false,
       .settings = {"max_connections = 100", "max_wal_size = 256MB"}}));
}

ledger::PrivateServer& server() {
  static auto joined = join_server();
  return joined;
}

// The answer to the last of them. One connection for all: to make one costs as much as most
// statements.
std::string ask(const std::string& url, std::initializer_list<std::string> statements) {
  ledger::pq::Session session{url, {60'000, 20'000}};
  std::string answer;
  for (const auto& sql : statements)
    answer = session.value(sql, {}, ledger::pq::Effect::writes).value_or("");
  return answer;
}

std::string execute(std::initializer_list<std::string> statements) {
  return ask(server().owner_url("postgres"), statements);
}

std::string drop(const std::string& database) {
  return fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", database);
}

bool exists(const std::string& database) {
  return execute({fmt::format("SELECT 1 FROM pg_database WHERE datname = '{}'", database)}) == "1";
}

// The migrated template of this binary's schema; made once per schema, by whoever comes first.
const std::string& migrated_template() {
  static const std::string name = [] {
    auto made = fmt::format("amdahl_{:.16}", ledger::schema_digest());
    (void)server();
    const int lock = ::open((root() / "template.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ::flock(lock, LOCK_EX);
    if (!exists(made)) {
      const auto building = made + "_building";
      execute({drop(building), "CREATE DATABASE " + building});
      must(ledger::migrate(server().owner_url(building), "amdahl_service"));
      // The first session after the last migration writes down what each one reads at its start,
      // and that is copied along.
      ask(server().owner_url(building), {"SELECT 1"});
      execute({fmt::format("ALTER DATABASE {} RENAME TO {}", building, made)});
    }
    ::close(lock);
    return made;
  }();
  return name;
}

std::string fresh_name() {
  static std::atomic<int> count{0};
  return fmt::format("test_{}_{}", ::getpid(), ++count);
}

}  // namespace

TestDatabase::TestDatabase() : TestDatabase{migrated_template()} {}

TestDatabase::TestDatabase(const std::string& from) : name_{fresh_name()} {
  execute(
      {drop(name_), fmt::format("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name_, from)});
}

TestDatabase TestDatabase::empty() { return TestDatabase{std::string{"template0"}}; }

TestDatabase TestDatabase::copy_of(const TestDatabase& other) { return TestDatabase{other.name_}; }

TestDatabase::TestDatabase(TestDatabase&& other) noexcept : name_{std::move(other.name_)} {
  other.name_.clear();
}

TestDatabase::~TestDatabase() {
  try {
    if (!name_.empty()) execute({drop(name_)});
  } catch (const std::exception&) {
    // The server may have been stopped by the test; the next one drops what is left of its name.
  }
}

std::string TestDatabase::owner_url() const { return server().owner_url(name_); }
std::string TestDatabase::service_url() const { return server().service_url(name_); }

std::string TestDatabase::as_owner(const std::string& sql) const { return ask(owner_url(), {sql}); }
std::string TestDatabase::as_service(const std::string& sql) const {
  return ask(service_url(), {sql});
}

void TestDatabase::script_as_owner(const std::string& sql) const {
  ledger::pq::Session session{owner_url(), {60'000, 20'000}};
  session.in_transaction([&](ledger::pq::Transaction& tx) { tx.script(sql); });
}

void TestDatabase::while_locked(const std::string& lock, const std::function<void()>& work) const {
  ledger::pq::Session session{owner_url(), {60'000, 20'000}};
  session.in_transaction([&](ledger::pq::Transaction& tx) {
    tx.script(lock);
    work();
  });
}

void start_test_server() { (void)migrated_template(); }

void stop_test_server() {
  if (fs::exists(root() / "data/PG_VERSION")) must(join_server().stop());
  // It may lie in memory. What is not ours stays: somebody may have named a folder of theirs.
  for (const auto* ours : {"data", "data.lock", "run", "template.lock"})
    fs::remove_all(root() / ours);
  std::error_code not_empty;
  fs::remove(root(), not_empty);
}

}  // namespace amdahl::test
