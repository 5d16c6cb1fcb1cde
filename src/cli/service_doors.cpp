#include "service_doors.hpp"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "amdahl/http/result_post.hpp"
#include "config_file.hpp"
#include "embedded_schemas.hpp"
#include "hook_sources.hpp"
#include "result_posts.hpp"

namespace amdahl::cli {

namespace {

using core::Result;

// Connects when it is first needed: a service whose ledger is away still answers that it is.
class LedgerDesk : public http::Desk {
 public:
  explicit LedgerDesk(std::string url) : url_{std::move(url)} {}
  ledger::Ledger& ledger() override {
    if (!ledger_) ledger_ = ledger::connect(url_, {.allow_owner = false, .or_read_only = true});
    return *ledger_;
  }
  ledger::Doors& doors() override {
    if (!doors_) doors_ = ledger::open_doors(url_);
    return *doors_;
  }
  void warm() override { (void)ledger().read("status", nlohmann::json::object()); }

 private:
  std::string url_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<ledger::Doors> doors_;
};

std::string_view schema_text(std::string_view name) {
  for (const auto& schema : embedded_schemas()) {
    if (name == fmt::format("amdahl.{}/v1", schema.name)) return schema.text;
  }
  return {};
}

// `/openapi.json` describes the routes, itself among them.
std::vector<http::Route> with_document(std::vector<http::Route> routes) {
  http::Route route{"GET", "/openapi.json", http::Access::local, "get_openapi", "this document"};
  route.immediate = true;
  route.answers = {{200, "OpenAPI 3.1"}};
  routes.push_back(route);
  const auto document = http::openapi_document(routes, AMDAHL_VERSION, schema_text).dump(2);
  routes.back().handle = http::answering([document](const http::Call&) {
    return http::Response{200, "application/json", document};
  });
  return routes;
}

// Clusters whose webhooks are taken, and the source that tells of their ends.
std::map<std::string, std::string> heard_of(const Config& config) {
  std::map<std::string, std::string> heard;
  for (const auto& cluster : config.clusters) {
    const auto& hooks = cluster.hooks;
    if (!hooks.enabled || (hooks.secret_files.empty() && hooks.url_token_file.empty())) continue;
    const bool known = cluster.adapter == "slurm" || cluster.adapter == "kubernetes";
    heard[cluster.name] = fmt::format("{}/{}", known ? cluster.adapter : "generic", cluster.name);
  }
  return heard;
}

telemetry::MetricsOptions metrics_options(const Config& config,
                                          const std::vector<http::Route>& routes) {
  telemetry::MetricsOptions options;
  options.version = AMDAHL_VERSION;
  for (const auto& cluster : config.clusters) {
    options.clusters.push_back(cluster.name);
    for (auto& source : http::delivery_sources(cluster.name))
      options.sources.push_back(std::move(source));
  }
  options.heard = heard_of(config);
  for (const auto& route : routes) options.routes.push_back(route.pattern);
  return options;
}

// 128 random bits.
std::string random_word() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

}  // namespace

std::filesystem::path service_socket(const Environment& env, const Config& config) {
  if (!config.socket.empty()) return config.socket;
  if (env.is_root && config.state_dir == "/var/lib/amdahl") return "/run/amdahl/amdahl.sock";
  return config.state_dir / "amdahl.sock";
}

ServiceDoors::ServiceDoors(std::string ledger_url, std::function<bool()> disturbed)
    : ledger_url_{std::move(ledger_url)},
      waker_{[url = ledger_url_] { return ledger::open_doors(url); }, std::move(disturbed)} {}

ServiceDoors::~ServiceDoors() { close(std::chrono::milliseconds{0}); }

void ServiceDoors::set_waiting(std::vector<std::string> waiting) {
  const std::lock_guard lock{waiting_mutex_};
  waiting_ = std::move(waiting);
}

void ServiceDoors::close(std::chrono::milliseconds patience) {
  if (api_) api_->stop();
  if (writer_) writer_->stop(patience);
  if (server_) server_->stop(patience);
}

core::Result<void> ServiceDoors::reload(const Config& config) {
  auto sources = read_hook_sources(config);
  if (!sources) return sources.error();
  if (!config.tls_certificate.empty()) {
    const auto loaded = server_->reload_tls({config.tls_certificate, config.tls_key});
    if (!loaded) return loaded;
  }
  sources_.replace(std::move(*sources));
  metrics_->hear(heard_of(config));
  return {};
}

http::ApiOptions ServiceDoors::api_options(const Config& config) {
  http::ApiOptions api;
  api.lease_ttl = config.lease_ttl;
  api.version = AMDAHL_VERSION;
  api.open_desk = [url = ledger_url_] { return std::make_unique<LedgerDesk>(url); };
  api.new_key = random_word;
  api.poke = [this] { waker_.poke(); };
  api.schema = schema_text;
  api.waiting = [this] {
    const std::lock_guard lock{waiting_mutex_};
    return waiting_;
  };
  api.hook_sources = [this] { return sources_.current(); };
  api.metrics = [this](http::Desk& desk) { return exposition(desk); };
  return api;
}

// A ledger that does not answer is something to be seen, not an error of the scrape.
std::string ServiceDoors::exposition(http::Desk& desk) {
  metrics_->sse_clients(api_->stream_clients());
  try {
    const auto numbers =
        telemetry::ledger_numbers(desk.ledger().read("metrics", metrics_->ledger_args()));
    if (const auto args = metrics_->hooks_args(); !args.is_null())
      metrics_->hooks(desk.ledger().read("hooks", args), leads_);
    if (numbers) return metrics_->render(*numbers);
  } catch (const std::exception&) {
    return metrics_->render(std::nullopt);
  }
  return metrics_->render(std::nullopt);
}

std::vector<http::Route> ServiceDoors::hook_doors(core::Clock& clock) {
  http::DeliveryWriter::Options writing;
  writing.open_channel = [url = ledger_url_] { return ledger::open_delivery_channel(url); };
  writing.poke = [this] { waker_.poke(); };
  writing.own_thread = false;
  writer_ = std::make_unique<http::DeliveryWriter>(std::move(writing));
  return http::hook_routes({sources_, *writer_,
                            [&clock] { return clock.now().time_since_epoch().count() / 1'000'000; },
                            [this](const http::HookReceipt& receipt) {
                              std::optional<telemetry::Seconds> lag;
                              if (receipt.lag_s) lag = telemetry::Seconds{*receipt.lag_s};
                              metrics_->webhook(receipt.source, receipt.result, lag);
                            }});
}

Result<std::unique_ptr<ServiceDoors>> ServiceDoors::open(Context& context, const Config& config,
                                                         std::string ledger_url, Log log,
                                                         std::function<bool()> disturbed) {
  auto doors =
      std::unique_ptr<ServiceDoors>{new ServiceDoors{std::move(ledger_url), std::move(disturbed)}};
  const auto open_desk = [url = doors->ledger_url_] { return std::make_unique<LedgerDesk>(url); };
  doors->api_ = std::make_unique<http::Api>(doors->api_options(config));
  http::ServerOptions options;
  options.listen = config.listen;
  options.instance = random_word().substr(0, 8);
  options.open_desk = open_desk;
  options.log = log;
  auto sources = read_hook_sources(config);
  if (!sources) return sources.error();
  doors->sources_.replace(std::move(*sources));
  auto routes = doors->api_->routes();
  for (auto& route : doors->hook_doors(context.env.clock)) routes.push_back(std::move(route));
  options.writer = doors->writer_.get();
  auto posts = read_result_posts(config);
  if (!posts) return posts.error();
  routes.push_back(http::result_post_route(std::move(posts->secret),
                                           [waker = &doors->waker_] { waker->poke(); }));
  options.routes = with_document(std::move(routes));
  doors->metrics_ = std::make_unique<telemetry::Metrics>(metrics_options(config, options.routes),
                                                         context.env.clock);
  options.on_served = [&metrics = *doors->metrics_](const http::Served& served) {
    metrics.http_request(served.route, served.request.method, served.status, served.took);
  };
  if (!config.tls_certificate.empty())
    options.tls = http::TlsFiles{config.tls_certificate, config.tls_key};
  options.unix_socket = service_socket(context.env, config);
  // Where nobody asked for a socket, none is no fault: its path is too long, or another service of
  // this state folder has it.
  options.socket_needed = !config.socket.empty();
  const bool tls = options.tls.has_value();
  auto started = http::Server::start(std::move(options));
  if (!started) return started.error();
  doors->server_ = std::move(*started);
  log("listening", {{"port", doors->server_->port()},
                    {"tls", tls},
                    {"socket", doors->server_->unix_socket().string()}});
  return doors;
}

}  // namespace amdahl::cli
