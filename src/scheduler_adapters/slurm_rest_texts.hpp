#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "slurm_transport.hpp"

/// What is said to slurmrestd and read from it, for each version of its interface: pure. The
/// answers with jobs are slurm_records'.
namespace amdahl::scheduler_adapters::slurm {

/// `/slurm/v0.0.NN/…`; the last one is asked for first.
inline constexpr int rest_version_first = 38, rest_version_last = 43;

/// The body of a submit. 38 takes the script beside the job, an object as environment, minutes and
/// nodes as plain numbers, and turns `"requeue": false` into a requeue; later ones differ in each.
std::string submit_body(const JobRequest& request,
                        const std::map<std::string, std::string>& environment, int version);

struct RestAnswer {
  int status = 0;
  std::string_view body;
};

/// A job id beside whatever errors is an accepted job.
std::variant<std::string, Failure> read_rest_submit(const RestAnswer& answer);

/// Why an answer is a refusal; none where it is fine. `fine_code`: an error that means nothing.
std::optional<core::Error> refusal_of(const RestAnswer& answer, std::int64_t fine_code = 0);

core::Result<std::vector<Node>> read_rest_nodes(std::string_view body,
                                                const std::string& partition);

inline constexpr int http_ok = 200, http_unauthorized = 401, http_not_found = 404,
                     http_too_many = 429, http_server_error = 500;

/// The controller's clock when it answered `diag`, in Unix seconds; none where it does not say.
std::optional<std::int64_t> rest_clock(std::string_view body);

/// `exp` of a JSON Web Token, in Unix seconds; none where it is no such token or never expires.
std::optional<std::int64_t> token_expiry(std::string_view token);

/// The token in what `scontrol token` prints, or alone.
std::string token_of(std::string_view text);

}  // namespace amdahl::scheduler_adapters::slurm
