#include "signature.hpp"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <stdexcept>

#include "amdahl/core/limits.hpp"
#include "amdahl/core/sha256.hpp"

namespace amdahl::http::hooks {

namespace {

constexpr std::string_view version = "v1,";
constexpr std::size_t timestamp_digits = 12;  // until the year 33658

// What is signed; one copy of at most a body's bound.
std::string signed_text(const Signed& delivery) {
  std::string text;
  text.reserve(delivery.id.size() + delivery.timestamp.size() + delivery.body.size() + 2);
  text.append(delivery.id).append(1, '.').append(delivery.timestamp).append(1, '.');
  return text.append(delivery.body);
}

struct FreeContext {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using Hmac = std::unique_ptr<EVP_MAC_CTX, FreeContext>;

Hmac new_hmac() {
  std::array<char, 7> digest{"SHA256"};
  const std::array<OSSL_PARAM, 2> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  auto* const mac = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  Hmac context{EVP_MAC_CTX_new(mac)};
  EVP_MAC_free(mac);  // the context has it as well
  if (!context || EVP_MAC_CTX_set_params(context.get(), parameters.data()) != 1)
    throw std::runtime_error{"OpenSSL has no HMAC-SHA256"};
  return context;
}

std::string signature_of(std::string_view text, std::string_view secret) {
  const auto bytes = [](std::string_view chars) {
    return reinterpret_cast<const unsigned char*>(chars.data());
  };
  // To look the two algorithms up takes longer than to sign a short text.
  thread_local const Hmac hmac = new_hmac();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  std::size_t size = 0;
  if (EVP_MAC_init(hmac.get(), bytes(secret), secret.size(), nullptr) != 1 ||
      EVP_MAC_update(hmac.get(), bytes(text), text.size()) != 1 ||
      EVP_MAC_final(hmac.get(), digest.data(), &size, digest.size()) != 1)
    throw std::runtime_error{"OpenSSL makes no HMAC-SHA256"};  // none, rather than an empty one
  std::array<unsigned char, 4 * ((EVP_MAX_MD_SIZE + 2) / 3) + 1> base64{};
  const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return std::string{version}.append(reinterpret_cast<const char*>(base64.data()),
                                     static_cast<std::size_t>(length));
}

// A full stop separates what is signed: with one in the id, another split would have the same
// signature.
bool fit_for_id(std::string_view text) {
  return !text.empty() && text.size() <= core::limits::hook_id_bytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < 127 && c != '.'; });
}

bool read_timestamp(std::string_view text, std::int64_t& seconds) {
  if (text.empty() || text.size() > timestamp_digits) return false;
  if (text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  return std::from_chars(text.data(), text.data() + text.size(), seconds).ec == std::errc{};
}

// Without a way out early: the time depends on how many signatures there are and on nothing else.
bool any_equals(std::string_view signatures, std::string_view expected) {
  int found = 0;
  while (!signatures.empty()) {
    const auto end = std::min(signatures.find(' '), signatures.size());
    const auto given = signatures.substr(0, end);
    if (given.size() == expected.size()) {
      found |= static_cast<int>(CRYPTO_memcmp(given.data(), expected.data(), given.size()) == 0);
    }
    signatures.remove_prefix(std::min(end + 1, signatures.size()));
  }
  return found != 0;
}

}  // namespace

HeaderRead read_header(const Fields& headers, std::string_view name) {
  HeaderRead read;
  for (const auto& [each, value] : headers) {
    if (each != name) continue;  // tidy: allow(secret-compare): names of headers
    if (read.count++ == 0) read.value = value;
  }
  return read;
}

std::string sign(const Signed& delivery, std::string_view secret) {
  return signature_of(signed_text(delivery), secret);
}

Verdict verify(const Fields& headers, std::string_view body, std::span<const std::string> secrets,
               std::int64_t now) {
  Verdict verdict;
  std::array<std::string_view, 3> values;
  constexpr std::array<std::string_view, 3> names{"webhook-id", "webhook-timestamp",
                                                  "webhook-signature"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto header = read_header(headers, names.at(i));
    if (header.count != 1) {
      verdict.proof = header.count == 0 ? Proof::missing : Proof::repeated;
      verdict.detail = fmt::format("the header {} is {}", names.at(i),
                                   header.count == 0 ? "missing" : "there more than once");
      return verdict;
    }
    values.at(i) = header.value;
  }
  verdict.proof = Proof::malformed;
  if (!fit_for_id(values[0])) {
    verdict.detail =
        fmt::format("webhook-id is not 1 to {} visible ASCII characters without a full stop",
                    core::limits::hook_id_bytes);
    return verdict;
  }
  if (!read_timestamp(values[1], verdict.timestamp)) {
    verdict.detail = "webhook-timestamp is not a number of whole seconds since 1970";
    return verdict;
  }
  verdict.id = values[0];
  const auto text = signed_text({values[0], values[1], body});
  bool matched = false;
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    if (any_equals(values[2], signature_of(text, secrets[i])) && !matched) {
      matched = true;
      verdict.secret = i;
    }
  }
  if (!matched) {
    verdict.proof = Proof::bad_signature;
    verdict.detail = "no live secret made any v1 signature of this webhook-signature";
    return verdict;
  }
  const auto off = verdict.timestamp > now ? verdict.timestamp - now : now - verdict.timestamp;
  verdict.proof = off <= core::limits::hook_time_skew.count() ? Proof::valid : Proof::stale;
  if (verdict.proof == Proof::stale) {
    verdict.detail = fmt::format("webhook-timestamp is {} s {} the clock here, {} s are allowed",
                                 off, verdict.timestamp > now ? "ahead of" : "behind",
                                 core::limits::hook_time_skew.count());
  }
  return verdict;
}

bool same_token(std::string_view left, std::string_view right) {
  const auto a = core::sha256(left), b = core::sha256(right);
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace amdahl::http::hooks
