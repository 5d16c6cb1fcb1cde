#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "amdahl/http/hook_secret.hpp"
#include "hook_vector.hpp"
#include "signature.hpp"

namespace amdahl::http::hooks {
namespace {

using test::signed_vector;
using test::vector_body;
using test::vector_time;

std::string bytes_of(std::string_view text) {
  const auto secret = hook_secret(text);
  REQUIRE(secret.has_value());
  return *secret;
}

const std::string other = "another secret of thirty-two byte";

Fields with(std::string_view name, const std::string& value) {
  auto headers = signed_vector();
  for (auto& [each, old] : headers) {
    if (each == name) old = value;
  }
  return headers;
}

Fields without(std::string_view name) {
  auto headers = signed_vector();
  std::erase_if(headers, [&](const auto& field) { return field.first == name; });
  return headers;
}

Proof proof_of(const Fields& headers, std::string_view body = vector_body,
               std::int64_t now = vector_time) {
  return verify(headers, body, std::vector{bytes_of(test::vector_secret)}, now).proof;
}

std::string signature() { return signed_vector().at(2).second; }

}  // namespace

TEST_CASE("the test vector of Standard Webhooks is authentic", "[http][hooks]") {
  const auto verdict =
      verify(signed_vector(), vector_body, std::vector{bytes_of(test::vector_secret)}, vector_time);
  CHECK(verdict.proof == Proof::valid);
  CHECK(verdict.id == "msg_01JD7Q2M8Z6W4T0V9K3R5X1B2C");
  CHECK(verdict.timestamp == vector_time);
  CHECK(sign({verdict.id, "1795252447", vector_body}, bytes_of(test::vector_secret)) ==
        signature());
}

TEST_CASE("a body with any one byte changed, gone or added is refused", "[http][hooks]") {
  const std::string body{vector_body};
  const auto secrets = std::vector{bytes_of(test::vector_secret)};
  int accepted = 0;
  for (std::size_t i = 0; i < body.size(); ++i) {
    auto changed = body;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    auto shorter = body;
    shorter.erase(i, 1);
    auto longer = body;
    longer.insert(i, 1, ' ');
    for (const auto& forged : {changed, shorter, longer}) {
      if (verify(signed_vector(), forged, secrets, vector_time).proof != Proof::bad_signature)
        ++accepted;
    }
  }
  CHECK(accepted == 0);
  CHECK(proof_of(signed_vector(), body + " ") == Proof::bad_signature);
  CHECK(proof_of(signed_vector(), "") == Proof::bad_signature);
}

TEST_CASE("id and time are signed like the body", "[http][hooks]") {
  CHECK(proof_of(with("webhook-id", "msg_other")) == Proof::bad_signature);
  CHECK(proof_of(with("webhook-timestamp", "1795252448")) == Proof::bad_signature);
  CHECK(proof_of(with("webhook-timestamp", "01795252447")) == Proof::bad_signature);
}

TEST_CASE("while a secret rotates both are live, and the matching one is told", "[http][hooks]") {
  const auto vector_bytes = bytes_of(test::vector_secret);
  const auto first =
      verify(signed_vector(), vector_body, std::vector{vector_bytes, other}, vector_time);
  const auto second =
      verify(signed_vector(), vector_body, std::vector{other, vector_bytes}, vector_time);
  CHECK(first.proof == Proof::valid);
  CHECK(first.secret == 0);
  CHECK(second.proof == Proof::valid);
  CHECK(second.secret == 1);
  CHECK(verify(signed_vector(), vector_body, std::vector{other}, vector_time).proof ==
        Proof::bad_signature);
  CHECK(verify(signed_vector(), vector_body, std::vector<std::string>{}, vector_time).proof ==
        Proof::bad_signature);
}

TEST_CASE("any of several signatures will do, and unknown versions are passed over",
          "[http][hooks]") {
  const auto good = signature();
  const auto wrong = sign({"x", "1", "y"}, other);
  CHECK(proof_of(with("webhook-signature", wrong + " " + good)) == Proof::valid);
  CHECK(proof_of(with("webhook-signature", good + " " + wrong)) == Proof::valid);
  CHECK(proof_of(with("webhook-signature", "v1a,AAAA v2," + good.substr(3) + "  " + good + " ")) ==
        Proof::valid);
  CHECK(proof_of(with("webhook-signature", "v2," + good.substr(3))) == Proof::bad_signature);
  CHECK(proof_of(with("webhook-signature", good.substr(3))) == Proof::bad_signature);
}

TEST_CASE("a signature that is not quite one is none", "[http][hooks]") {
  const auto good = signature();
  const auto forged =
      GENERATE_COPY(std::string{}, std::string{"v1,"}, std::string{"v1"}, good + "=",
                    good.substr(0, good.size() - 1), "v1, " + good.substr(3), good + "," + good,
                    "V1," + good.substr(3), good + "\t" + good, std::string(8192, ' '),
                    std::string{"v1,!!!!"}, std::string(44, '='));
  CAPTURE(forged);
  CHECK(proof_of(with("webhook-signature", forged)) == Proof::bad_signature);
}

TEST_CASE("five minutes either way are allowed and no second more", "[http][hooks]") {
  CHECK(proof_of(signed_vector(), vector_body, vector_time + 300) == Proof::valid);
  CHECK(proof_of(signed_vector(), vector_body, vector_time - 300) == Proof::valid);
  CHECK(proof_of(signed_vector(), vector_body, vector_time + 301) == Proof::stale);
  CHECK(proof_of(signed_vector(), vector_body, vector_time - 301) == Proof::stale);
  CHECK(proof_of(signed_vector(), "forged", vector_time + 301) == Proof::bad_signature);
}

TEST_CASE("each header of a signature must be there once", "[http][hooks]") {
  const auto* const name = GENERATE("webhook-id", "webhook-timestamp", "webhook-signature");
  CAPTURE(name);
  CHECK(proof_of(without(name)) == Proof::missing);
  auto twice = signed_vector();
  twice.emplace_back(name, "1795252447");
  CHECK(proof_of(twice) == Proof::repeated);
  const auto verdict = verify(twice, vector_body, std::vector{other}, vector_time);
  CHECK(verdict.detail.find(name) != std::string::npos);
}

TEST_CASE("an id or a time that cannot be one is refused before anything is computed",
          "[http][hooks]") {
  const auto id = GENERATE(as<std::string>{}, "", " ", "a b", "a.b", "a\x7f", "\xc3\xa9", "a\n");
  CAPTURE(id);
  CHECK(proof_of(with("webhook-id", id)) == Proof::malformed);
  CHECK(proof_of(with("webhook-id", std::string(201, 'a'))) == Proof::malformed);
  const auto time = GENERATE(as<std::string>{}, "", "-1", "+1795252447", "1795252447.0",
                             " 1795252447", "0x6b", "9999999999999", "now");
  CAPTURE(time);
  CHECK(proof_of(with("webhook-timestamp", time)) == Proof::malformed);
}

TEST_CASE("a secret is whsec_ and 24 to 64 bytes of base64", "[http][hooks]") {
  CHECK(bytes_of(test::vector_secret) == "amdahl-loop-test-vector-key-0001");
  CHECK(hook_secret("whsec_" + std::string(32, 'A'))->size() == 24);
  CHECK(bytes_of("whsec_" + std::string(32, 'A') + "/w==").back() == '\xff');
  const auto wrong = GENERATE(
      as<std::string>{}, "", "whsec_", "YW1kYWhsLWxvb3AtdGVzdC12ZWN0b3Ita2V5LTAwMDE=",
      "whsec_YW1kYWhsLWxvb3AtdGVzdC12ZWN0b3Ita2V5LTAwMDE", "whsec_YW1kYWhs",
      "whsec_YW1kYWhsLWxvb3AtdGVzdC12ZWN0b3Ita2V5LTAwMDF=", "whsec_====",
      "whsec_YW1kYWhsLWxvb3AtdGVzdC12ZWN0b3Ita2V5LTAw=DE=",
      "whsec_YW1kYWhsLWxvb3AtdGVzdC12ZWN0b3Ita2V5LTA-MDE=",
      "whsec_"
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
  CAPTURE(wrong);
  const auto secret = hook_secret(wrong);
  REQUIRE(secret.has_error());
  CHECK(secret.error().message.find("YW1kYWhs") == std::string::npos);
}

}  // namespace amdahl::http::hooks
