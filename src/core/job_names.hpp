#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace amdahl::core {

/// A job's or cluster's name: a DNS label, because schedulers carry it.
bool is_label(std::string_view text);
/// A knob's name, as it stands in {braces}.
bool is_placeholder(std::string_view text);
/// An environment variable's name.
bool is_variable(std::string_view text);
/// Variables that a job file may not set, with who sets them; empty when it may.
std::string reserved_variable(std::string_view text);

/// The {placeholders} of one part of a command. Other braces are left alone, so that
/// `{{x}}` is text.
std::vector<std::string> placeholders_of(std::string_view part);

}  // namespace amdahl::core
