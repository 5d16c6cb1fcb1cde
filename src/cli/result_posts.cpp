#include "result_posts.hpp"

#include <fmt/format.h>

#include "amdahl/http/result_post.hpp"
#include "amdahl/http_client/client.hpp"
#include "config_file.hpp"

namespace amdahl::cli {

namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using scheduler_adapters::ResultPost;

constexpr std::size_t secret_bytes_min = 32;
constexpr std::size_t ca_bytes_max = 64 * 1024;

Error wrong(std::string message, std::string hint) {
  return {ErrorCode::invalid_config, std::move(message), std::move(hint)};
}

Result<std::string> read_post_key(const Config& config, const std::string& needed_by) {
  if (config.post_key_file.empty())
    return wrong(fmt::format("{} needs service.post_key_file", needed_by),
                 "openssl rand -hex 32 > FILE; chmod 600 FILE");
  auto secret = read_secret(config.post_key_file);
  if (!secret)
    return wrong("service.post_key_file: " + secret.error().message, secret.error().hint);
  if (secret->size() < secret_bytes_min)
    return wrong(fmt::format("service.post_key_file: {} holds {} characters, {} are needed",
                             config.post_key_file.string(), secret->size(), secret_bytes_min),
                 "openssl rand -hex 32 > FILE");
  return secret;
}

Result<ResultPost> read_cluster(const ClusterConfig& cluster, const std::string& secret) {
  const auto setting = "cluster." + cluster.name + ".post_url";
  const auto address = http_client::parse_service_address(cluster.post_url);
  if (!address) return wrong(setting + ": " + address.error().message, address.error().hint);
  if (address->via == http_client::ServiceAddress::Via::tcp && !address->is_local())
    return wrong(setting + ": over http a run's token can be read on its way",
                 "https://…, with service.tls_certificate");
  ResultPost post;
  post.url = address->text();
  post.token = [secret](const core::RunKey& key) { return http::run_token(secret, key); };
  if (cluster.post_ca_file.empty()) return post;
  auto ca = read_text_file(cluster.post_ca_file, ca_bytes_max);
  if (!ca)
    return wrong(fmt::format("cluster.{}.post_ca_file: {}", cluster.name, ca.error().message),
                 ca.error().hint);
  if (ca->find("-----BEGIN CERTIFICATE-----") == std::string::npos)
    return wrong(fmt::format("cluster.{}.post_ca_file: {} holds no certificate", cluster.name,
                             cluster.post_ca_file.string()),
                 "a PEM file of the CA that signed the service's certificate");
  post.ca = std::move(*ca);
  return post;
}

}  // namespace

Result<ResultPosts> read_result_posts(const Config& config) {
  ResultPosts posts;
  for (const auto& cluster : config.clusters) {
    if (cluster.post_url.empty()) continue;
    if (posts.secret.empty()) {
      auto secret = read_post_key(config, "cluster." + cluster.name + ".post_url");
      if (!secret) return secret.error();
      posts.secret = std::move(*secret);
    }
    auto post = read_cluster(cluster, posts.secret);
    if (!post) return post.error();
    posts.clusters.emplace(cluster.name, std::move(*post));
  }
  return posts;
}

}  // namespace amdahl::cli
