#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every bound, with its reason.
namespace amdahl::core::limits {

using namespace std::chrono_literals;

inline constexpr std::size_t job_file_bytes = 256 * 1024;  // a person writes it
inline constexpr std::size_t json_depth = 64;              // recursion stays shallow
inline constexpr std::size_t event_line_bytes = 4096;      // one atomic write (waste.md §2.2)
inline constexpr std::size_t event_file_bytes = 16 << 20;  // 4,096 lines a leg, and room
inline constexpr std::size_t leg_output_bytes = 8 << 20;   // stdout and stderr kept, each
inline constexpr std::size_t error_tail_bytes = 4096;      // what explain shows of a crash
inline constexpr std::size_t result_bytes = 1 << 20;       // result.json
inline constexpr std::size_t run_spec_bytes = 8 << 20;     // spec.json: two legs' patches, and room
inline constexpr std::size_t patch_bytes = 1 << 20;        // a change people still review
inline constexpr std::size_t snapshot_files = 20'000;      // code, not data
inline constexpr std::size_t snapshot_bytes = 256u << 20;  // code, not data
inline constexpr std::int64_t env_padding_bytes_max = 64 * 1024;  // one variable may hold 128 KiB
inline constexpr int attempts_max = 20;                           // of one pair's run
inline constexpr int knobs_max = 64;
inline constexpr int knob_values_max = 32;
inline constexpr int live_runs_max = 1'000;     // one listing, one cold read
inline constexpr auto statement_timeout = 5s;   // PostgreSQL, per stage
inline constexpr auto answer_timeout = 7s;      // a stage's, then the server counts as lost
inline constexpr auto lease_ttl = 15s;          // takeover after a leader's death
inline constexpr auto submit_timeout = 10s;     // one scheduler call
inline constexpr auto hold_deadline = 24h * 7;  // then `inconclusive`
inline constexpr auto held_shim_timeout = 1h;   // an orphan shim nobody released
inline constexpr std::size_t hook_body_bytes = 1 << 20;    // a webhook; the sender sees 413
inline constexpr std::size_t hook_kept_bytes = 64 * 1024;  // of content nobody here knows
inline constexpr std::size_t hook_text_bytes = 4096;       // one kept value: a long node list
inline constexpr std::size_t hook_id_bytes = 200;          // stands in an index
inline constexpr std::size_t hook_secret_bytes_min = 24;   // Standard Webhooks: 192 bits …
inline constexpr std::size_t hook_secret_bytes_max = 64;   // … to 512
inline constexpr std::size_t hook_secrets_max = 4;         // of a cluster; a rotation needs two
inline constexpr std::size_t hook_token_bytes_min = 24;    // of the alphabet's 64: 144 bits
inline constexpr std::size_t hook_token_bytes_max = 128;
inline constexpr auto hook_time_skew =
    std::chrono::seconds{300};                            // either way, as Standard Webhooks
inline constexpr std::size_t deliveries_waiting = 1'024;  // for a commit; more are 429
inline constexpr std::size_t deliveries_commit = 256;     // in one commit
inline constexpr auto post_patience = 5min;               // a shim's, while it holds its allocation
inline constexpr auto kill_grace = 5s;                    // SIGTERM to SIGKILL

}  // namespace amdahl::core::limits
