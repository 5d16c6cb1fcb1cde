#pragma once

#include <map>
#include <string>

#include "amdahl/core/result.hpp"
#include "amdahl/scheduler_adapters/adapter.hpp"
#include "config.hpp"

namespace amdahl::cli {

/// How workers that share no disk hand in their results.
struct ResultPosts {
  std::string secret;  ///< run tokens are made with it; empty = no cluster posts
  std::map<std::string, scheduler_adapters::ResultPost> clusters;
};

/// Reads and checks what `post_url` needs: the key, the CA, an address that the token may be sent
/// to. Errors name the setting and the file.
core::Result<ResultPosts> read_result_posts(const Config& config);

}  // namespace amdahl::cli
