#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// The files of one run's directory. The adapter writes the first group, the shim the second.
namespace amdahl::run_files::names {

inline constexpr std::string_view spec = "spec.json";    ///< what to run; never changes
inline constexpr std::string_view local = "local.json";  ///< gate and slots of this machine
inline constexpr std::string_view post = "post.json";    ///< where the result goes as well
inline constexpr std::string_view release = "release";   ///< the gate is open
inline constexpr std::string_view cancel = "cancel";     ///< holds a CancelMode's word

inline constexpr std::string_view lock = "lock";                   ///< held by the shim for life
inline constexpr std::string_view shim = "shim.json";              ///< who holds the lock
inline constexpr std::string_view claim = "claim";                 ///< work may have begun
inline constexpr std::string_view duplicate = "duplicate";         ///< a shim that came second
inline constexpr std::string_view allocation = "allocation.json";  ///< GPU ids, and since when
inline constexpr std::string_view leg = "leg.json";                ///< the process running now
inline constexpr std::string_view result = "result.json";          ///< the end, by rename
inline constexpr std::string_view failure = "failure";  ///< why the shim gave up before work
inline constexpr std::string_view log = "shim.log";

/// What stands in `cancel`.
inline constexpr std::string_view cancel_if_unclaimed = "only_if_held";
inline constexpr std::string_view cancel_stop = "stop";

/// The folder of leg `index` (0, 1), with these inside it.
inline std::string leg_folder(std::size_t index) { return "leg-" + std::to_string(index); }
inline constexpr std::string_view leg_code = "code";
inline constexpr std::string_view leg_temporary = "tmp";
inline constexpr std::string_view leg_events = "events.jsonl";
inline constexpr std::string_view leg_tasks = "tasks";  ///< of a leg on several nodes
inline constexpr std::string_view leg_stdout = "stdout";
inline constexpr std::string_view leg_stderr = "stderr";

}  // namespace amdahl::run_files::names
