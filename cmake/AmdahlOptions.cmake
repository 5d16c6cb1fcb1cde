# Language level, warnings, sanitizers and instrumentation, the same for every target of ours.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(AMDAHL_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (address,undefined or thread)")

add_library(amdahl_options INTERFACE)
target_compile_options(amdahl_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ collects its garbage long before memory is short: not to do it is a tenth of the time to
  # compile, for a third more memory. What it says to its assembler need not go through a file: a
  # twentieth.
  target_compile_options(amdahl_options INTERFACE --param=ggc-min-heapsize=524288 -pipe)
endif()
if(AMDAHL_WERROR AND NOT AMDAHL_WERROR STREQUAL "TESTS")
  target_compile_options(amdahl_options INTERFACE -Werror)
endif()

if(AMDAHL_SANITIZE)
  target_compile_options(amdahl_options INTERFACE
    -fsanitize=${AMDAHL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(amdahl_options INTERFACE -fsanitize=${AMDAHL_SANITIZE})
  if(AMDAHL_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Asio's fences are not modelled by tsan; g++ warns about each of them.
    target_compile_options(amdahl_options INTERFACE -Wno-tsan)
  endif()
  if(AMDAHL_SANITIZE MATCHES "undefined" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # The first two are a third of the time to compile, the others a twelfth. asan sees the use of a null
    # pointer, or of one that left its object, as well; a misaligned access needs a cast. clang checks
    # all of them in the parsers (preset fuzz).
    target_compile_options(amdahl_options INTERFACE
      -fno-sanitize=null,alignment,pointer-overflow,object-size,nonnull-attribute,returns-nonnull-attribute)
  endif()
  set(AMDAHL_STATIC_SHIM OFF)
endif()

if((AMDAHL_FUZZ OR AMDAHL_COVERAGE) AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "AMDAHL_FUZZ and AMDAHL_COVERAGE need clang, not "
    "${CMAKE_CXX_COMPILER_ID}: use the presets fuzz and coverage (script/setup installs clang-14)")
endif()
if(AMDAHL_FUZZ)
  target_compile_options(amdahl_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(AMDAHL_COVERAGE)
  # Not gcov: it sees no line inside a coroutine's body.
  target_compile_options(amdahl_options INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(amdahl_options INTERFACE -fprofile-instr-generate)
  set(AMDAHL_STATIC_SHIM OFF)
endif()
