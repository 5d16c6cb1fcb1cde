#include "kept.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "amdahl/core/canonical_json.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/core/sha256.hpp"

namespace amdahl::http::hooks {

namespace {

using nlohmann::json;

// Names without case, `-` and `_`: batchScript, batch_script and batch-script are one.
constexpr auto private_names = std::to_array<std::string_view>(
    {"env", "envs", "envvars", "cmd", "cmdline", "argv", "args", "cwd", "home", "path", "stdin",
     "stdout", "stderr", "submitline", "standardinput", "standardoutput", "standarderror"});

// Wherever they stand in a name: nobody is known to have foreseen all names of secrets.
constexpr auto private_words = std::to_array<std::string_view>(
    {"script", "environ", "command", "workdir", "workingdir", "currentworking", "passw",
     "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "credential",
     "authorization", "cookie"});

bool is_private(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c == '-' || c == '_') continue;
    plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return std::find(private_names.begin(), private_names.end(), plain) != private_names.end() ||
         std::any_of(private_words.begin(), private_words.end(),
                     [&](std::string_view word) { return plain.find(word) != std::string::npos; });
}

json without_private(const json& value) {
  if (value.is_object()) {
    auto kept = json::object();
    for (const auto& [name, member] : value.items()) {
      if (!is_private(name)) kept[name] = without_private(member);
    }
    return kept;
  }
  if (!value.is_array()) return value;
  auto kept = json::array();
  for (const auto& element : value) kept.push_back(without_private(element));
  return kept;
}

}  // namespace

json kept_members(const json& object, std::span<const std::string_view> names) {
  auto kept = json::object();
  if (!object.is_object()) return kept;
  for (const auto name : names) {
    const auto at = object.find(std::string{name});
    if (at == object.end() || at->is_structured()) continue;
    if (at->is_string() &&
        at->get_ref<const std::string&>().size() > core::limits::hook_text_bytes) {
      continue;
    }
    kept[std::string{name}] = *at;
  }
  return kept;
}

json kept_unknown(const json& body, std::string_view raw) {
  auto kept = without_private(body);
  if (core::canonical_json(kept).size() <= core::limits::hook_kept_bytes) return kept;
  return {
      {"too_large_to_keep", true}, {"bytes", raw.size()}, {"sha256", core::hex(core::sha256(raw))}};
}

std::string id_text(const json& object, const char* name) {
  constexpr std::size_t bytes_max = 128;
  if (!object.is_object()) return {};
  const auto at = object.find(name);
  if (at == object.end()) return {};
  if (at->is_number_integer()) return at->dump();
  if (!at->is_string()) return {};
  const auto& text = at->get_ref<const std::string&>();
  const bool fits = text.size() <= bytes_max && std::all_of(text.begin(), text.end(), [](char c) {
                      return c > ' ' && c < 127;
                    });
  return fits ? text : std::string{};
}

std::string text_of(const json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string{};
}

std::string as_utf8(std::string_view bytes) {
  const auto quoted = json(bytes).dump(-1, ' ', false, json::error_handler_t::replace);
  return json::parse(quoted).get<std::string>();
}

}  // namespace amdahl::http::hooks
