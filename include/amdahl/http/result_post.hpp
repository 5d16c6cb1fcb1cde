#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "amdahl/core/run.hpp"
#include "amdahl/http/route.hpp"

namespace amdahl::http {

/// The token with which a worker may post the result of this run and nothing else: `amr_` and the
/// HMAC-SHA256 of the run key in hexadecimal digits. Whoever has `secret` can check it, so none is
/// stored.
std::string run_token(std::string_view secret, const core::RunKey& key);

/// `POST /api/v1/runs/{run_key}/result`: the whole result.json. The first result of a run counts;
/// the leader looks at it once the run has ended. `secret` is what run tokens are made with; empty
/// = no worker posts here. `poke` wakes the loop of this process.
Route result_post_route(std::string secret, std::function<void()> poke);

}  // namespace amdahl::http
