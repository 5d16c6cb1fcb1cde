if(AMDAHL_FUZZ)
  # All fuzz programs, and nothing else of the tree but what they link.
  add_custom_target(fuzz_targets)
elseif(AMDAHL_BUILD_TESTS)
  add_library(amdahl_replay_main OBJECT ${PROJECT_SOURCE_DIR}/tests/support/replay_main.cpp)
  set_target_properties(amdahl_replay_main PROPERTIES UNITY_BUILD OFF)
  target_link_libraries(amdahl_replay_main PRIVATE amdahl_options)
endif()

# amdahl_fuzz(<name> SOURCE file [DEPENDS layer ...] [LIBRARIES target ...])
#
# `file` defines LLVMFuzzerTestOneInput. Under the preset `fuzz` it becomes the libFuzzer program
# fuzz/<name>; elsewhere the test replay.<name>, which feeds it every file of tests/fuzz/corpus/<name>.
# A parser has one thread: not under tsan.
function(amdahl_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 FUZZ "" "SOURCE" "DEPENDS;LIBRARIES")
  if(NOT AMDAHL_FUZZ AND (NOT AMDAHL_BUILD_TESTS OR AMDAHL_SANITIZE MATCHES "thread"))
    return()
  endif()
  set(program fuzz_${name})
  add_executable(${program} ${FUZZ_SOURCE})
  target_link_libraries(${program} PRIVATE amdahl_options ${FUZZ_LIBRARIES})
  target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  amdahl_use(${program} ${FUZZ_DEPENDS})
  if(AMDAHL_FUZZ)
    set_target_properties(${program} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz OUTPUT_NAME ${name})
    target_link_options(${program} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzz_targets ${program})
    # script/fuzz reads the list: a program whose target is gone may lie in an old build folder.
    set_property(GLOBAL APPEND_STRING PROPERTY AMDAHL_FUZZ_TARGETS "${name}\n")
    get_property(targets GLOBAL PROPERTY AMDAHL_FUZZ_TARGETS)
    file(WRITE ${CMAKE_BINARY_DIR}/fuzz/targets.txt "${targets}")
  else()
    amdahl_wants_test(wanted unit OFF)
    if(NOT wanted)
      set_target_properties(${program} PROPERTIES EXCLUDE_FROM_ALL ON)
      return()
    endif()
    set_target_properties(${program} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/bin OUTPUT_NAME replay_${name})
    target_link_libraries(${program} PRIVATE amdahl_replay_main)
    add_test(NAME replay.${name}
      COMMAND ${program} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(replay.${name} PROPERTIES LABELS unit TIMEOUT 120)
  endif()
endfunction()
