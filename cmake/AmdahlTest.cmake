set(AMDAHL_TEST_LABELS "" CACHE STRING
  "Only tests of these labels are built and registered (a regular expression); empty = all")
if(AMDAHL_BUILD_TESTS)
  include(Catch)
  # Catch2's main is slow to compile: once for all test programs.
  add_library(amdahl_test_main OBJECT ${PROJECT_SOURCE_DIR}/tests/support/main.cpp)
  set_target_properties(amdahl_test_main PROPERTIES UNITY_BUILD OFF)
  target_link_libraries(amdahl_test_main PUBLIC Catch2::Catch2 amdahl_options)
  if(AMDAHL_WERROR)
    target_compile_options(amdahl_test_main PUBLIC -Werror)
  endif()
  # A test is compiled more often than it runs.
  target_compile_options(amdahl_test_main PUBLIC $<$<CONFIG:Release>:-O0>)
endif()

# Test programs are many and large: gold, which comes with binutils, links each in half the time.
include(CheckLinkerFlag)
check_linker_flag(CXX -fuse-ld=gold AMDAHL_HAS_GOLD)

# Where ledgers of tests lie. A database is some 300 files; to make and remove thousands of them is
# work for a disk's file system (docs/decisions/0017), so they lie in memory where there is room.
set(AMDAHL_TEST_FOLDER "" CACHE PATH "Where tests keep their ledgers; empty = /dev/shm where it has 4 GiB, else /tmp")
set(amdahl_test_folder ${AMDAHL_TEST_FOLDER})
if(NOT amdahl_test_folder)
  set(amdahl_test_folder /tmp)
  execute_process(COMMAND df --output=fstype,avail /dev/shm OUTPUT_VARIABLE shm ERROR_QUIET)
  if(shm MATCHES "tmpfs +([0-9]+)" AND CMAKE_MATCH_1 GREATER 4194304)
    set(amdahl_test_folder /dev/shm)
  endif()
endif()

# The private PostgreSQL of this build's tests: a short path, since a socket lies in it.
string(SHA256 AMDAHL_TEST_PG "${CMAKE_BINARY_DIR}")
string(SUBSTRING ${AMDAHL_TEST_PG} 0 8 AMDAHL_TEST_PG)
set(AMDAHL_TEST_PG ${amdahl_test_folder}/amdahl-pg-${AMDAHL_TEST_PG})

# Tests start in the order of their timeouts, the longest first, so that none of them runs alone at the end.

# Whether this build has a test of this label.
function(amdahl_wants_test result label not_tsan)
  set(${result} ON PARENT_SCOPE)
  if(AMDAHL_TEST_LABELS AND NOT label MATCHES "${AMDAHL_TEST_LABELS}" OR AMDAHL_SANITIZE MATCHES "thread" AND not_tsan)
    set(${result} OFF PARENT_SCOPE)
  endif()
endfunction()

# amdahl_test(<program> LABEL unit|integration|conformance|simulation|chaos|demo SOURCES ...
#             [DEPENDS layer ...] [LIBRARIES target ...] [TIMEOUT s] [PROPERTIES name value ...] [POSTGRES]
#             [NOT_TSAN])
#
# A Catch2 program; each TEST_CASE is a test of its own, named "<program>/<name>". POSTGRES: they may
# use support/test_database.hpp. NOT_TSAN: it has no threads, or only those that another test shows to tsan.
function(amdahl_test program)
  if(NOT AMDAHL_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 TEST "POSTGRES;NOT_TSAN" "LABEL;TIMEOUT" "SOURCES;DEPENDS;LIBRARIES;PROPERTIES")
  add_executable(${program} ${TEST_SOURCES})
  set_target_properties(${program} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/bin
    UNITY_BUILD_BATCH_SIZE 8)  # half the time to compile; more would be too large for a small machine
  target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${program} PRIVATE amdahl_test_main amdahl_options ${TEST_LIBRARIES})
  if(AMDAHL_HAS_GOLD)
    target_link_options(${program} PRIVATE -fuse-ld=gold)
  endif()
  amdahl_use(${program} ${TEST_DEPENDS})
  if(TEST_POSTGRES)
    target_link_libraries(${program} PRIVATE amdahl_test_postgres)
    list(APPEND TEST_PROPERTIES FIXTURES_REQUIRED postgres ENVIRONMENT AMDAHL_TEST_PG=${AMDAHL_TEST_PG})
  endif()
  amdahl_wants_test(wanted "${TEST_LABEL}" "${TEST_NOT_TSAN}")
  if(NOT wanted)
    set_target_properties(${program} PROPERTIES EXCLUDE_FROM_ALL ON)
    return()
  endif()
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 120)
  endif()
  # -w NoTests: a test name that matches nothing is a failure, not a pass. Catch2 2 cannot skip: a
  # test warns "skipped: why" and returns.
  catch_discover_tests(${program} TEST_PREFIX "${program}/" EXTRA_ARGS -w NoTests
    PROPERTIES LABELS ${TEST_LABEL} TIMEOUT ${TEST_TIMEOUT} COST ${TEST_TIMEOUT} SKIP_RETURN_CODE 77
    SKIP_REGULAR_EXPRESSION "  skipped: " ${TEST_PROPERTIES})
endfunction()

# amdahl_script_test(<name> LABEL ... COMMAND ... [TIMEOUT s] [PROPERTIES name value ...] [NOT_TSAN])
#
# A test that is a command; exit status 77 means skipped. It finds AMDAHL_SOURCE_DIR, AMDAHL_BINARY_DIR
# and AMDAHL_TEST_FOLDER in its environment.
function(amdahl_script_test name)
  if(NOT AMDAHL_BUILD_TESTS AND NOT AMDAHL_SLURM_TESTS)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 TEST "NOT_TSAN" "LABEL;TIMEOUT" "COMMAND;PROPERTIES")
  amdahl_wants_test(wanted "${TEST_LABEL}" "${TEST_NOT_TSAN}")
  if(NOT wanted)
    return()
  endif()
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 120)
  endif()
  add_test(NAME ${name} COMMAND ${TEST_COMMAND} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS ${TEST_LABEL} TIMEOUT ${TEST_TIMEOUT}
    COST ${TEST_TIMEOUT} SKIP_RETURN_CODE 77
    ENVIRONMENT "AMDAHL_SOURCE_DIR=${PROJECT_SOURCE_DIR};AMDAHL_BINARY_DIR=${CMAKE_BINARY_DIR};AMDAHL_TEST_FOLDER=${amdahl_test_folder}"
    ${TEST_PROPERTIES})
endfunction()
