#include "memory_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>

#include "amdahl/core/sha256.hpp"

namespace amdahl::simulation {
namespace {

using nlohmann::json;

bool jsonb_less(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

// numeric has no exponents and keeps the digits behind the point: 1e-05 is 0.00001, 2.0 is 2.0.
std::string numeric(std::string_view text) {
  const auto e = text.find('e');
  const bool negative = text.front() == '-';
  auto digits = std::string{text.substr(negative ? 1 : 0, e - (negative ? 1 : 0))};
  if (e != std::string_view::npos) {
    int exponent = 0;
    const auto from = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
    std::from_chars(from, text.data() + text.size(), exponent);
    const auto point = digits.find('.');
    int whole = static_cast<int>(point == std::string::npos ? digits.size() : point) + exponent;
    if (point != std::string::npos) digits.erase(point, 1);
    if (whole <= 0) {
      digits.insert(0, static_cast<std::size_t>(1 - whole), '0');
      whole = 1;
    }
    if (static_cast<std::size_t>(whole) >= digits.size()) {
      digits.resize(static_cast<std::size_t>(whole), '0');
    } else {
      digits.insert(static_cast<std::size_t>(whole), 1, '.');
    }
  }
  const bool zero = digits.find_first_not_of("0.") == std::string::npos;
  return negative && !zero ? "-" + digits : digits;
}

void write(const json& value, std::string& out);

void write_object(const json::object_t& object, std::string& out) {
  std::vector<const json::object_t::value_type*> members;
  members.reserve(object.size());
  for (const auto& member : object) members.push_back(&member);
  std::sort(members.begin(), members.end(),
            [](const auto* a, const auto* b) { return jsonb_less(a->first, b->first); });
  out += '{';
  const char* comma = "";
  for (const auto* member : members) {
    out += comma;
    out += jsonb_string(member->first);
    out += ": ";
    write(member->second, out);
    comma = ", ";
  }
  out += '}';
}

void write(const json& value, std::string& out) {
  switch (value.type()) {
    case json::value_t::object:
      return write_object(value.get_ref<const json::object_t&>(), out);
    case json::value_t::array: {
      out += '[';
      const char* comma = "";
      for (const auto& item : value) {
        out += comma;
        write(item, out);
        comma = ", ";
      }
      out += ']';
      return;
    }
    case json::value_t::string:
      out += jsonb_string(value.get_ref<const std::string&>());
      return;
    case json::value_t::number_float: {
      const auto text = value.dump();
      out += text == "null" ? text : numeric(text);
      return;
    }
    default:
      out += value.dump();
  }
}

}  // namespace

std::string jsonb_out(const json& value) {
  std::string out;
  write(value, out);
  return out;
}

std::string jsonb_number(double value) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return numeric({buffer, static_cast<std::size_t>(end - buffer)});
}

std::string jsonb_string(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
  return out;
}

Hash digest(const json& value) { return core::sha256(jsonb_out(value)); }

Payload& Payload::add(std::string_view key, std::string jsonb) {
  members_.emplace_back(key, std::move(jsonb));
  return *this;
}
Payload& Payload::text(std::string_view key, std::string_view value) {
  return add(key, jsonb_string(value));
}
Payload& Payload::number(std::string_view key, std::int64_t value) {
  return add(key, std::to_string(value));
}
Payload& Payload::flag(std::string_view key, bool value) {
  return add(key, value ? "true" : "false");
}

std::string Payload::str() {
  std::sort(members_.begin(), members_.end(),
            [](const auto& a, const auto& b) { return jsonb_less(a.first, b.first); });
  std::string out{"{"};
  const char* comma = "";
  for (const auto& [key, value] : members_) {
    out += comma;
    out += '"';
    out += key;
    out += "\": ";
    out += value;
    comma = ", ";
  }
  return out + "}";
}

std::string left(std::string_view text, std::size_t characters) {
  if (text.size() <= characters) return std::string{text};
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    const bool starts = (static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U;
    if (starts && characters-- == 0) break;
  }
  return std::string{text.substr(0, end)};
}

namespace {

std::chrono::year_month_day day_of(std::int64_t us) {
  return std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::microseconds>{std::chrono::microseconds{us}});
}

void two_digits(std::string& out, std::int64_t value) {
  out += static_cast<char>('0' + value / 10 % 10);
  out += static_cast<char>('0' + value % 10);
}

}  // namespace

std::string month(std::int64_t us) {
  const auto day = day_of(us);
  auto out = std::to_string(static_cast<int>(day.year()));
  out.insert(0, out.size() < 4 ? 4 - out.size() : 0, '0');
  out += '-';
  two_digits(out, static_cast<unsigned>(day.month()));
  return out;
}

std::string timestamp(std::int64_t us) {
  constexpr std::int64_t us_per_day = 86'400'000'000;
  auto out = month(us);
  out += '-';
  two_digits(out, static_cast<unsigned>(day_of(us).day()));
  const auto in_day = (us % us_per_day + us_per_day) % us_per_day;
  const auto seconds = in_day / 1'000'000;
  out += 'T';
  two_digits(out, seconds / 3600);
  out += ':';
  two_digits(out, seconds / 60 % 60);
  out += ':';
  two_digits(out, seconds % 60);
  const auto fraction = std::to_string(1'000'000 + in_day % 1'000'000);
  out += '.';
  out.append(fraction, 1);
  return out + "Z";
}

}  // namespace amdahl::simulation
