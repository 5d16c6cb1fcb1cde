# amdahl_layer(<name> SOURCES ... [DEPENDS layer ...] [LIBRARIES target ...])
#
# Makes the static library amdahl_<name>. Its public headers live in include/amdahl/<name> and are
# reachable only by targets that list the layer: each layer has an include root of its own, so a
# forbidden #include does not compile. Link layers PRIVATE, or the roots leak onwards.
set(AMDAHL_INCLUDE_ROOTS ${CMAKE_BINARY_DIR}/include-roots)

function(amdahl_include_root name)
  set(root ${AMDAHL_INCLUDE_ROOTS}/${name})
  file(MAKE_DIRECTORY ${root}/amdahl ${PROJECT_SOURCE_DIR}/include/amdahl/${name})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include/amdahl/${name} ${root}/amdahl/${name} SYMBOLIC)
endfunction()

# Lets `target` use the named layers: their include roots and their archives.
function(amdahl_use target)
  foreach(layer IN LISTS ARGN)
    target_include_directories(${target} PRIVATE ${AMDAHL_INCLUDE_ROOTS}/${layer})
    target_link_libraries(${target} PRIVATE amdahl_${layer})
  endforeach()
endfunction()

function(amdahl_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 LAYER "" "" "SOURCES;DEPENDS;LIBRARIES")
  amdahl_include_root(${name})
  add_library(amdahl_${name} STATIC ${LAYER_SOURCES})
  target_include_directories(amdahl_${name} PRIVATE
    ${AMDAHL_INCLUDE_ROOTS}/${name} ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(amdahl_${name} PRIVATE amdahl_options ${LAYER_LIBRARIES})
  amdahl_use(amdahl_${name} ${LAYER_DEPENDS})
  # What its public headers may include is what it lists (AmdahlHeaders.cmake).
  set_property(GLOBAL APPEND PROPERTY AMDAHL_LAYERS ${name})
  set_property(GLOBAL PROPERTY AMDAHL_LAYER_DEPENDS_${name} ${LAYER_DEPENDS})
  set_property(GLOBAL PROPERTY AMDAHL_LAYER_LIBRARIES_${name} ${LAYER_LIBRARIES})
endfunction()
