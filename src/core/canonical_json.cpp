#include "amdahl/core/canonical_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "amdahl/core/limits.hpp"

namespace amdahl::core {
namespace {

using Json = nlohmann::json;

// ECMAScript's Number::toString: shortest digits, exponent only outside [1e-6, 1e21).
std::string es_number(double value) {
  if (!std::isfinite(value)) return "null";
  if (value == 0) return "0";
  char buffer[40];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, std::abs(value), std::chars_format::scientific)
          .ptr;
  const std::string_view text{buffer, static_cast<std::size_t>(end - buffer)};
  const auto e = text.find('e');
  std::string digits{text.substr(0, 1)};
  if (e > 2) digits += text.substr(2, e - 2);
  int exponent = 0;
  const auto first = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(first, end, exponent);
  const int point = exponent + 1;  // digits before the decimal point
  const int count = static_cast<int>(digits.size());
  std::string out = value < 0 ? "-" : "";
  if (point > 21 || point < -5) {
    out += digits.substr(0, 1);
    if (count > 1) out += "." + digits.substr(1);
    return out + fmt::format("e{:+}", exponent);
  }
  if (point <= 0) return out + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  if (point >= count)
    return out + digits + std::string(static_cast<std::size_t>(point - count), '0');
  return out + digits.substr(0, static_cast<std::size_t>(point)) + "." +
         digits.substr(static_cast<std::size_t>(point));
}

// RFC 8785 sorts keys by UTF-16 code units. That is UTF-8 byte order, except that U+E000…U+FFFF
// (lead bytes EE, EF) come after what needs surrogates (lead bytes F0…F4).
bool utf16_less(std::string_view left, std::string_view right) {
  const auto rank = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0xEE ? 0xF6 : byte == 0xEF ? 0xF7 : static_cast<int>(byte);
  };
  return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end(),
                                      [&](char a, char b) { return rank(a) < rank(b); });
}

std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void write(const Json& value, std::string& out) {
  switch (value.type()) {
    case Json::value_t::object: {
      std::vector<const Json::object_t::value_type*> members;
      for (const auto& member : value.get_ref<const Json::object_t&>()) members.push_back(&member);
      std::sort(members.begin(), members.end(),
                [](auto* a, auto* b) { return utf16_less(a->first, b->first); });
      out += '{';
      for (const char* comma = ""; const auto* member : members) {
        out += comma + quoted(member->first) + ":";
        write(member->second, out);
        comma = ",";
      }
      out += '}';
      return;
    }
    case Json::value_t::array:
      out += '[';
      for (const char* comma = ""; const auto& element : value) {
        out += comma;
        write(element, out);
        comma = ",";
      }
      out += ']';
      return;
    case Json::value_t::number_float:
      out += es_number(value.get<double>());
      return;
    case Json::value_t::string:
      out += quoted(value.get_ref<const std::string&>());
      return;
    default:
      out += value.dump();
  }
}

struct Rejected {
  std::string problem;
};

Error not_json(std::string_view place, std::size_t byte) {
  return invalid_input(fmt::format("{}: not JSON at byte {}", place, byte),
                       "expected one complete JSON value in UTF-8");
}

}  // namespace

std::string canonical_json(const Json& value) {
  std::string out;
  write(value, out);
  return out;
}

Result<Json> parse_json(std::string_view text, std::string_view place) {
  // The parser takes a zero for the end, whatever follows.
  if (const auto zero = text.find('\0'); zero != std::string_view::npos)
    return not_json(place, zero + 1);
  std::vector<std::set<std::string>> keys;
  const auto guard = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (static_cast<std::size_t>(depth) >= limits::json_depth) {
      throw Rejected{fmt::format("nested deeper than {} levels", limits::json_depth)};
    }
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key &&
        !keys.back().insert(parsed.get<std::string>()).second) {
      throw Rejected{
          fmt::format("key \"{}\" stands twice in one object", parsed.get<std::string>())};
    }
    return true;
  };
  try {
    return Result<Json>{boost::system::in_place_value, Json::parse(text, guard)};
  } catch (const Rejected& rejected) {
    return invalid_input(fmt::format("{}: {}", place, rejected.problem));
  } catch (const Json::parse_error& error) {
    return not_json(place, error.byte);
  } catch (const Json::out_of_range&) {
    return invalid_input(fmt::format("{}: a number is too large", place));
  }
}

}  // namespace amdahl::core
