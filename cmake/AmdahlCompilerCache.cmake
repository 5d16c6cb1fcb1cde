# ccache where there is one, with paths relative to the checkout, so that a second checkout of the
# same sources is built from the cache of the first; and whatever the language of the messages, since
# a person's shell and script/test differ in it. Included before project().
option(AMDAHL_CCACHE "Compile through ccache when it is installed" ON)
if(AMDAHL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(AMDAHL_CCACHE_PROGRAM ccache)
  mark_as_advanced(AMDAHL_CCACHE_PROGRAM)
  if(AMDAHL_CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_CURRENT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=locale
      ${AMDAHL_CCACHE_PROGRAM})
  endif()
endif()
