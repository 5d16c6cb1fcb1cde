#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <ostream>
#include <string_view>

namespace amdahl::cli {

/// The loop's events as lines for somebody who watches: what each experiment tries, how its
/// evidence grows, what is decided and why. What goes well and says nothing new is left out.
std::function<void(std::string_view, const nlohmann::json&)> make_live_view(std::ostream& out);

}  // namespace amdahl::cli
