# Run as a script: writes OUTPUT, a C++ file that holds the bytes of MIGRATIONS and FUNCTIONS (paths
# separated by `|`) as raw strings.
function(embed paths versioned out)
  set(items "")
  string(REPLACE "|" ";" paths "${paths}")
  foreach(path IN LISTS paths)
    file(READ "${path}" text)
    if(text MATCHES "\\)~sql~\"")
      message(FATAL_ERROR "${path} contains the delimiter of raw strings )~sql~\"")
    endif()
    get_filename_component(name "${path}" NAME)
    set(version 0)
    if(versioned)
      string(REGEX MATCH "^[0-9]+" version "${name}")
      string(REGEX REPLACE "^0+" "" version "${version}")
    endif()
    string(APPEND items "    {${version}, \"${name}\", R\"~sql~(${text})~sql~\"},\n")
  endforeach()
  set(${out} "${items}" PARENT_SCOPE)
endfunction()

embed("${MIGRATIONS}" TRUE migrations)
embed("${FUNCTIONS}" FALSE functions)
file(WRITE "${OUTPUT}" "// Generated from migrations/.
#include \"schema_files.hpp\"

namespace amdahl::ledger {
namespace {

constexpr SchemaFile migrations[] = {
${migrations}};

constexpr SchemaFile functions[] = {
${functions}};

}  // namespace

std::span<const SchemaFile> migration_files() { return migrations; }
std::span<const SchemaFile> function_files() { return functions; }

}  // namespace amdahl::ledger
")
