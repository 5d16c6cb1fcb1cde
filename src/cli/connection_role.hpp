#pragma once

#include <string>
#include <string_view>

namespace amdahl::cli {

/// The user of a libpq connection string, `key=value` or URI; empty when it names none.
std::string role_of_url(std::string_view url);

}  // namespace amdahl::cli
