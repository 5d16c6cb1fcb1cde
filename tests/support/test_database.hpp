#pragma once

#include <functional>
#include <string>

namespace amdahl::test {

/// A fresh, migrated ledger of its own for one test, dropped at the end. All test processes share
/// one private PostgreSQL (folder: AMDAHL_TEST_PG, or one below /tmp), started by whoever comes
/// first and left running; `test_postgres stop` ends it.
class TestDatabase {
 public:
  TestDatabase();
  /// Without schema, for tests of the migrator.
  static TestDatabase empty();
  /// As another is now; nobody may be connected to that one.
  static TestDatabase copy_of(const TestDatabase& other);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;
  TestDatabase(TestDatabase&& other) noexcept;
  TestDatabase& operator=(TestDatabase&&) = delete;

  std::string owner_url() const;
  std::string service_url() const;

  /// One statement with the owner's or the service's rights; the first column of the first row as
  /// text. Throws the types of errors.hpp.
  std::string as_owner(const std::string& sql) const;
  std::string as_service(const std::string& sql) const;
  /// Many statements in one transaction.
  void script_as_owner(const std::string& sql) const;
  /// Runs `work` while the owner holds what `lock` takes.
  void while_locked(const std::string& lock, const std::function<void()>& work) const;

 private:
  explicit TestDatabase(const std::string& from);
  std::string name_;
};

/// Starts the shared server (when it is not running), or stops it and removes its files.
void start_test_server();
void stop_test_server();

}  // namespace amdahl::test
