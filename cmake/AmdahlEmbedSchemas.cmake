# Run as a script: writes OUTPUT, a C++ file that holds the bytes of SCHEMAS (paths separated by `|`).
set(items "")
string(REPLACE "|" ";" paths "${SCHEMAS}")
foreach(path IN LISTS paths)
  file(READ "${path}" text)
  if(text MATCHES "\\)~json~\"")
    message(FATAL_ERROR "${path} contains the delimiter of raw strings )~json~\"")
  endif()
  get_filename_component(name "${path}" NAME_WE)
  string(APPEND items "    {\"${name}\", R\"~json~(${text})~json~\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "// Generated from schemas/.
#include \"embedded_schemas.hpp\"

namespace amdahl::cli {
namespace {

constexpr EmbeddedSchema schemas[] = {
${items}};

}  // namespace

std::span<const EmbeddedSchema> embedded_schemas() { return schemas; }

}  // namespace amdahl::cli
")
