#pragma once

#include <string_view>

#include "amdahl/http/message.hpp"

namespace amdahl::http::test {

/// A delivery of Standard Webhooks, on which Python and OpenSSL agree.
inline constexpr std::string_view vector_secret =
    "whsec_YW1kYWhsLWxvb3AtdGVzdC12ZWN0b3Ita2V5LTAwMDE=";
inline constexpr std::int64_t vector_time = 1'795'252'447;
inline constexpr std::string_view vector_body =
    R"({"type":"slurm.job.ended","timestamp":"2026-11-21T09:14:07Z","data":{"cluster":"alpha",)"
    R"("job_id":"918273","state":"COMPLETED","submit":"2026-11-21T06:01:10Z",)"
    R"("start":"2026-11-21T06:03:42Z","end":"2026-11-21T09:14:05Z","partition":"h100",)"
    R"("account":"nlp","user":"mira","nodes":"gpu[07-10]",)"
    R"("tres_alloc":"cpu=384,mem=4000G,node=4,billing=384,gres/gpu=32","exit_code":"0:0",)"
    R"("amdahl_run":null}})";

inline Fields signed_vector() {
  return {{"webhook-id", "msg_01JD7Q2M8Z6W4T0V9K3R5X1B2C"},
          {"webhook-timestamp", "1795252447"},
          {"webhook-signature", "v1,fzo8VLzxZSF6RiXl3HMAmoI+rl+s8YY49l95sXNYlu8="}};
}

}  // namespace amdahl::http::test
