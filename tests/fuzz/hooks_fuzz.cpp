#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "amdahl/core/invariant.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/core/run.hpp"
#include "amdahl/http/hook_secret.hpp"
#include "envelope.hpp"
#include "signature.hpp"

namespace {

using namespace amdahl;

void check(const core::Result<http::hooks::Content>& content) {
  if (content.has_error()) {
    core::invariant(!content.error().message.empty(), "an error says something");
    return;
  }
  core::invariant(content->native_id.size() <= 300, "a native id is short");
  core::invariant(content->run_key.empty() || core::is_run_key(content->run_key), "a key is one");
  core::invariant(content->kept.is_object(), "what is kept is an object");
  const auto text = content->kept.dump();  // throws where it is no UTF-8
  core::invariant(text.size() <= 4 * core::limits::hook_kept_bytes, "what is kept is bounded");
}

}  // namespace

// Header lines `name: value` to the first empty line, then a body: read by every door's reader, and
// never authentic, since nobody here knows the secret, unless signed by us.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  http::Fields headers;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) break;
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  const std::vector<std::string> secrets{std::string(32, 's'), std::string(32, 't')};
  const auto verdict = http::hooks::verify(headers, rest, secrets, 1'795'252'447);
  core::invariant(verdict.proof != http::hooks::Proof::valid, "nobody guesses a secret");
  core::invariant(!verdict.detail.empty(), "a refusal says why");
  if (verdict.proof == http::hooks::Proof::bad_signature) {
    const auto time = http::hooks::read_header(headers, "webhook-timestamp").value;
    for (auto& [name, value] : headers) {
      if (name != "webhook-signature") continue;
      value += " ";
      value += http::hooks::sign({verdict.id, time, rest}, secrets[1]);
    }
    const auto ours = http::hooks::verify(headers, rest, secrets, verdict.timestamp);
    core::invariant(ours.proof == http::hooks::Proof::valid && ours.secret == 1,
                    "what is signed is authentic, whatever stands before it");
  }
  (void)http::hook_secret(rest);
  check(http::hooks::read_envelope(rest));
  check(http::hooks::read_binary_event(headers, rest));
  check(http::hooks::read_structured_event(rest));
  check(http::hooks::read_exported_event(rest));
  return 0;
}
