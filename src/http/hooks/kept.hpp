#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace amdahl::http::hooks {

/// Those members of an object that are named and are plain values of a bounded length.
nlohmann::json kept_members(const nlohmann::json& object, std::span<const std::string_view> names);

/// Unknown content without what has no place in the ledger (scripts, paths, environments), however
/// deep it stands; of too much only what it was.
nlohmann::json kept_unknown(const nlohmann::json& body, std::string_view raw);

/// The text under `name`, or a whole number as text; empty when it is neither, or too long for an
/// id.
std::string id_text(const nlohmann::json& object, const char* name);

/// The text under `name`; empty when there is none.
std::string text_of(const nlohmann::json& object, const char* name);

/// Bytes that are no UTF-8 become U+FFFD.
std::string as_utf8(std::string_view bytes);

}  // namespace amdahl::http::hooks
