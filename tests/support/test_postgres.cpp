// `test_postgres start|stop`: the fixture of the integration tests.
#include <cstdio>
#include <exception>
#include <string_view>

#include "support/test_database.hpp"

int main(int argc, char** argv) {
  const std::string_view verb = argc == 2 ? argv[1] : "";
  try {
    if (verb == "start") return amdahl::test::start_test_server(), 0;
    if (verb == "stop") return amdahl::test::stop_test_server(), 0;
    std::fprintf(stderr, "usage: test_postgres start|stop\n");
    return 2;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "test_postgres %s: %s\n", argv[1], problem.what());
    return 1;
  }
}
