include(Catch)

# Catch2's main is slow to compile: once for all test programs.
add_library(amdahl_test_main OBJECT ${PROJECT_SOURCE_DIR}/tests/support/main.cpp)
target_link_libraries(amdahl_test_main PUBLIC Catch2::Catch2 amdahl_options)

# The private PostgreSQL of this build's tests: a short path, since a socket lies in it.
string(SHA256 AMDAHL_TEST_PG "${CMAKE_BINARY_DIR}")
string(SUBSTRING ${AMDAHL_TEST_PG} 0 8 AMDAHL_TEST_PG)
set(AMDAHL_TEST_PG /tmp/amdahl-pg-${AMDAHL_TEST_PG})

# amdahl_test(<program> LABEL unit|integration|... SOURCES ... [DEPENDS layer ...] [LIBRARIES target ...]
#             [POSTGRES])
# POSTGRES: the tests may use support/test_database.hpp.
function(amdahl_test program)
  cmake_parse_arguments(PARSE_ARGV 1 TEST "POSTGRES" "LABEL;TIMEOUT" "SOURCES;DEPENDS;LIBRARIES;PROPERTIES")
  add_executable(${program} ${TEST_SOURCES})
  target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${program} PRIVATE amdahl_test_main amdahl_options ${TEST_LIBRARIES})
  amdahl_use(${program} ${TEST_DEPENDS})
  if(TEST_POSTGRES)
    target_link_libraries(${program} PRIVATE amdahl_test_postgres)
    list(APPEND TEST_PROPERTIES FIXTURES_REQUIRED postgres ENVIRONMENT AMDAHL_TEST_PG=${AMDAHL_TEST_PG})
  endif()
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 120)
  endif()
  # -w NoTests: a test name that matches nothing is a failure, not a pass.
  catch_discover_tests(${program} EXTRA_ARGS -w NoTests
    PROPERTIES LABELS ${TEST_LABEL} TIMEOUT ${TEST_TIMEOUT} ${TEST_PROPERTIES})
endfunction()
