include(Catch)

# Catch2's main is slow to compile: once for all test programs.
add_library(amdahl_test_main OBJECT ${PROJECT_SOURCE_DIR}/tests/support/main.cpp)
target_link_libraries(amdahl_test_main PUBLIC Catch2::Catch2 amdahl_options)

# amdahl_test(<program> LABEL unit|integration|... SOURCES ... [DEPENDS layer ...] [LIBRARIES target ...])
function(amdahl_test program)
  cmake_parse_arguments(PARSE_ARGV 1 TEST "" "LABEL;TIMEOUT" "SOURCES;DEPENDS;LIBRARIES;PROPERTIES")
  add_executable(${program} ${TEST_SOURCES})
  target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${program} PRIVATE amdahl_test_main amdahl_options ${TEST_LIBRARIES})
  amdahl_use(${program} ${TEST_DEPENDS})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 120)
  endif()
  # -w NoTests: a test name that matches nothing is a failure, not a pass.
  catch_discover_tests(${program} EXTRA_ARGS -w NoTests
    PROPERTIES LABELS ${TEST_LABEL} TIMEOUT ${TEST_TIMEOUT} ${TEST_PROPERTIES})
endfunction()
