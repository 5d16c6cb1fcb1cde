#include <sys/eventfd.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "amdahl/http/hook_secret.hpp"
#include "amdahl/http/hooks.hpp"
#include "amdahl/telemetry/metrics.hpp"
#include "hook_vector.hpp"
#include "signature.hpp"

namespace amdahl::http {
namespace {

using nlohmann::json;

const std::string beta_secret = "beta's secret, thirty-two bytes.";
const std::string off_secret = "the one switched off, 32 bytes..";
const std::string token = "url-token-of-alpha-123456";

// Keeps deliveries in memory, or fails as told.
class FakeChannel final : public ledger::DeliveryChannel {
 public:
  struct Memory {
    std::mutex mutex;
    std::map<std::pair<std::string, std::string>, ledger::Delivery> rows;
    std::function<void()> before;
  };
  explicit FakeChannel(Memory& memory) : memory_{memory}, answered_{::eventfd(0, EFD_NONBLOCK)} {}
  ~FakeChannel() override { ::close(answered_); }

  int socket() const override { return answered_; }
  bool is_sending() const override { return false; }
  void begin(std::span<const ledger::Delivery> deliveries) override {
    sent_.emplace(deliveries.begin(), deliveries.end());
    ::eventfd_write(answered_, 1);
  }
  std::optional<std::vector<bool>> step() override {
    eventfd_t ignored = 0;
    ::eventfd_read(answered_, &ignored);
    const auto sent = std::exchange(sent_, std::nullopt);
    if (!sent) return std::nullopt;
    const std::lock_guard lock{memory_.mutex};
    if (memory_.before) memory_.before();
    std::vector<bool> fresh;
    for (const auto& each : *sent)
      fresh.push_back(memory_.rows.emplace(std::pair{each.source, each.id}, each).second);
    return fresh;
  }

 private:
  Memory& memory_;
  int answered_;
  std::optional<std::vector<ledger::Delivery>> sent_;
};

struct Stand {
  explicit Stand(std::vector<HookSource> given =
                     {{"alpha", {*hook_secret(test::vector_secret)}, token, true},
                      {"beta", {"an older secret of beta 32 bytes", beta_secret}, "", true},
                      {"off", {off_secret}, "url-token-of-off-12345678", false}})
      : sources{std::move(given)} {}

  Request request(const std::string& path, Fields headers, std::string_view body) const {
    Request made;
    made.method = "POST";
    made.path = path;
    made.headers = std::move(headers);
    made.headers.emplace_back("content-type", "application/json");
    made.body = body;
    made.peer = peer;
    made.id = "req-1";
    return made;
  }

  Response send(const Request& request, const std::string& url_token = token) {
    for (const auto& route : routes) {
      const auto hole = route.pattern.find('{');
      const bool ours = hole == std::string::npos
                            ? route.pattern == request.path
                            : request.path.starts_with(route.pattern.substr(0, hole));
      if (!ours || route.method != request.method) continue;
      CHECK(route.immediate);
      CHECK(route.access == Access::hook);
      std::promise<Response> answer;
      Call call{std::make_shared<Request>(request), {{"token", url_token}}, {}, nullptr};
      route.handle(call, [&](Response response) { answer.set_value(std::move(response)); });
      return answer.get_future().get();
    }
    FAIL("no route");
    return {};
  }
  Response post(const std::string& path, Fields headers, std::string_view body) {
    return send(request(path, std::move(headers), body));
  }
  // Signed now, as it should be.
  Response post_signed(const std::string& path, const std::string& body, const std::string& secret,
                       const std::string& id = "msg_1") {
    const auto time = std::to_string(test::vector_time);
    return post(path,
                {{"webhook-id", id},
                 {"webhook-timestamp", time},
                 {"webhook-signature", hooks::sign({id, time, body}, secret)}},
                body);
  }
  std::string kind(const Response& response) const {
    const auto type = json::parse(response.body)["type"].get<std::string>();
    return type.substr(type.rfind('/') + 1);
  }
  // Of one request after another.
  std::string last_receipt() {
    const std::lock_guard lock{mutex};
    return receipts.empty() ? "" : receipts.back();
  }

  DeliveryWriter::Options writing() {
    DeliveryWriter::Options made;
    made.open_channel = [this] { return std::make_unique<FakeChannel>(memory); };
    made.poke = [this] { ++pokes; };
    return made;
  }

  FakeChannel::Memory memory;
  std::mutex mutex;
  std::vector<std::string> receipts;
  std::atomic<int> pokes{0};
  std::int64_t now = test::vector_time;
  Peer peer{Peer::Via::loopback, "127.0.0.1", std::nullopt};
  HookSources sources;
  DeliveryWriter writer{writing()};
  std::vector<Route> routes =
      hook_routes({sources, writer, [this] { return now; },
                   [this](const HookReceipt& receipt) {
                     const std::lock_guard lock{mutex};
                     receipts.push_back(receipt.source + " " + std::string{receipt.result});
                   }});
};

}  // namespace

TEST_CASE("a signed delivery is stored once, and a replay has no effect", "[http][hooks]") {
  Stand stand;
  const auto first = stand.post("/hooks/slurm", test::signed_vector(), test::vector_body);
  CHECK(first.status == 202);
  CHECK(json::parse(first.body)["result"] == "stored");
  CHECK(stand.last_receipt() == "slurm/alpha stored");
  CHECK(stand.pokes == 1);
  const auto again = stand.post("/hooks/slurm", test::signed_vector(), test::vector_body);
  CHECK(again.status == 200);
  CHECK(stand.last_receipt() == "slurm/alpha duplicate");
  CHECK(stand.pokes == 1);
  REQUIRE(stand.memory.rows.size() == 1);
  const auto& row = stand.memory.rows.begin()->second;
  CHECK(row.source == "slurm/alpha");
  CHECK(row.id == "msg_01JD7Q2M8Z6W4T0V9K3R5X1B2C");
  CHECK(row.cluster == "alpha");
  CHECK(row.kind == "slurm.job.ended");
  CHECK(row.native_id == "918273");
}

TEST_CASE("forged, stale and repeated signatures are refused and leave nothing", "[http][hooks]") {
  Stand stand;
  const auto forged = stand.post("/hooks/slurm", test::signed_vector(), "{}");
  CHECK(forged.status == 401);
  CHECK(stand.kind(forged) == "bad-signature");
  CHECK(stand.last_receipt() == "slurm bad_signature");
  auto twice = test::signed_vector();
  twice.push_back(twice.back());
  CHECK(stand.post("/hooks/slurm", twice, test::vector_body).status == 401);
  CHECK(stand.post("/hooks/slurm", {}, test::vector_body).status == 401);
  stand.now += 301;
  const auto stale = stand.post("/hooks/slurm", test::signed_vector(), test::vector_body);
  CHECK(stale.status == 401);
  CHECK(stand.kind(stale) == "stale-time");
  CHECK(stand.last_receipt() == "slurm stale");
  CHECK(stand.memory.rows.empty());
  CHECK(stand.pokes == 0);
}

TEST_CASE("nothing of a body is read before its sender is proved", "[http][hooks]") {
  struct Row {
    std::string path;
    Fields headers;
  };
  const Fields forged{{"webhook-id", "msg_1"},
                      {"webhook-timestamp", std::to_string(test::vector_time)},
                      {"webhook-signature", "v1," + std::string(43, 'A') + "="}};
  const auto row = GENERATE_COPY(values<Row>({
      {"/hooks/slurm", forged},
      {"/hooks/kubernetes", forged},
      {"/hooks/generic", forged},
      {"/hooks/slurm", {}},
      {"/hooks/generic", {}},
      {"/hooks/kubernetes", {{"authorization", "Bearer url-token-of-nobody-12345"}}},
      {"/hooks/slurm-es/url-token-of-nobody-12345/_doc", {}},
  }));
  const auto* body = GENERATE("{", "", "\xff", R"({"a":1,"a":2})");
  const auto* type = GENERATE("application/json", "text/plain", "application/json; charset=latin1");
  CAPTURE(row.path, body, type);
  Stand stand;
  auto made = stand.request(row.path, row.headers, body);
  made.headers.back().second = type;
  const auto answer = stand.send(made, "url-token-of-nobody-12345");
  CHECK(answer.status == 401);
  CHECK(stand.last_receipt().ends_with(" bad_signature"));
  CHECK(stand.memory.rows.empty());
}

TEST_CASE("the secret decides the cluster, and a body that says another is refused",
          "[http][hooks]") {
  Stand stand;
  const std::string of_alpha = R"({"type":"slurm.job.ended","data":{"cluster":"alpha"}})";
  const std::string of_nobody = R"({"type":"slurm.job.ended","data":{"job_id":"1"}})";
  CHECK(stand.post_signed("/hooks/slurm", of_alpha, beta_secret).status == 401);
  CHECK(stand.last_receipt() == "slurm/beta bad_signature");
  CHECK(stand.memory.rows.empty());
  CHECK(stand.post_signed("/hooks/slurm", of_nobody, beta_secret).status == 202);
  CHECK(stand.memory.rows.begin()->second.cluster == "beta");
}

TEST_CASE("a reload changes what opens the doors", "[http][hooks]") {
  Stand stand;
  stand.sources.replace({{"beta", {beta_secret}, "", true}});
  CHECK(stand.post("/hooks/slurm", test::signed_vector(), test::vector_body).status == 401);
  CHECK(stand.post_signed("/hooks/slurm", "{}", beta_secret).status == 202);
}

TEST_CASE("a source that is switched off answers 410 to those it knows", "[http][hooks]") {
  Stand stand;
  const auto gone = stand.post_signed("/hooks/generic", "{}", off_secret);
  CHECK(gone.status == 410);
  CHECK(stand.last_receipt() == "generic/off switched_off");
  CHECK(stand.post("/hooks/generic", {}, "{}").status == 401);
  Stand none{{}};
  CHECK(none.post_signed("/hooks/generic", "{}", off_secret).status == 410);
  CHECK(none.send(none.request("/hooks/slurm-es/x/_doc", {}, "{}")).status == 410);
  auto options = none.request("/hooks/generic", {}, "");
  options.method = "OPTIONS";
  CHECK(none.send(options).status == 410);
}

TEST_CASE("authentic but unknown content is stored, and what is no JSON is refused",
          "[http][hooks]") {
  Stand stand;
  CHECK(stand.post_signed("/hooks/generic", R"({"hello":1})", beta_secret).status == 202);
  CHECK(stand.memory.rows.begin()->second.kind.empty());
  const auto bad = stand.post_signed("/hooks/generic", R"({"a":1,"a":2})", beta_secret);
  CHECK(bad.status == 400);
  CHECK(stand.kind(bad) == "bad-request");
  CHECK(stand.post_signed("/hooks/generic", "\xff", beta_secret).status == 400);
  CHECK(stand.post_signed("/hooks/generic", std::string((1 << 20) + 1, ' '), beta_secret).status ==
        413);
  CHECK(stand.memory.rows.size() == 1);
}

TEST_CASE("only JSON in UTF-8 is read", "[http][hooks]") {
  Stand stand;
  const auto status_of = [&](const std::string& type) {
    auto made = stand.request("/hooks/slurm", test::signed_vector(), test::vector_body);
    made.headers.back().second = type;
    return stand.send(made).status;
  };
  CHECK(status_of("text/plain") == 415);
  CHECK(status_of("application/json; charset=latin1") == 415);
  CHECK(status_of("application/cloudevents+json") == 415);
  CHECK(status_of("Application/JSON; charset=UTF-8") == 202);
  auto made = stand.request("/hooks/slurm", test::signed_vector(), test::vector_body);
  made.headers.pop_back();
  CHECK(stand.send(made).status == 415);
}

TEST_CASE("a body that is packed is not read", "[http][hooks]") {
  Stand stand;
  auto made = stand.request("/hooks/slurm", test::signed_vector(), test::vector_body);
  made.headers.emplace_back("content-encoding", "gzip");
  CHECK(stand.send(made).status == 415);
  CHECK(stand.memory.rows.empty());
  made.headers.back().second = "identity";
  CHECK(stand.send(made).status == 202);
}

TEST_CASE("a record of jobcomp is answered 201, new or not", "[http][hooks]") {
  Stand stand;
  const auto record =
      stand.request("/hooks/slurm-es/" + token + "/_doc", {},
                    R"({"jobid":7,"state":"FAILED","cluster":"linux","script":"x"})");
  CHECK(stand.send(record).status == 201);
  CHECK(stand.send(record).status == 201);
  CHECK(stand.last_receipt() == "slurm-es/alpha duplicate");
  REQUIRE(stand.memory.rows.size() == 1);
  const auto& row = stand.memory.rows.begin()->second;
  CHECK(row.source == "slurm-es/alpha");
  CHECK(row.native_id == "7");
  CHECK_FALSE(row.body.contains("script"));
}

TEST_CASE("an unsigned door wants its token and takes nothing from the network", "[http][hooks]") {
  Stand stand;
  const auto record = stand.request("/hooks/slurm-es/" + token + "/_doc", {}, R"({"jobid":7})");
  const auto wrong = stand.send(record, "url-token-of-nobody-12345");
  CHECK(wrong.status == 401);
  CHECK(stand.kind(wrong) == "wrong-token");
  CHECK(wrong.body.find(token) == std::string::npos);
  CHECK(stand.send(record, "").status == 401);
  CHECK(stand.send(record, "url-token-of-off-12345678").status == 410);
  stand.peer = {Peer::Via::network, "10.0.0.7", std::nullopt};
  const auto far = stand.send(stand.request(record.path, {}, record.body));
  CHECK(far.status == 403);
  CHECK(stand.kind(far) == "forbidden");
  CHECK(stand.last_receipt() == "slurm-es forbidden");
  CHECK(stand.memory.rows.empty());
  stand.peer = {Peer::Via::unix_socket, "", 0};
  CHECK(stand.send(stand.request(record.path, {}, record.body)).status == 201);
}

TEST_CASE("kubernetes-event-exporter comes with a bearer token from this machine only",
          "[http][hooks]") {
  Stand stand;
  const std::string event = R"({"type":"kubernetes.job.event","data":{"name":"sft-77"}})";
  const Fields bearer{{"authorization", "Bearer " + token}};
  CHECK(stand.post("/hooks/kubernetes", bearer, event).status == 202);
  CHECK(stand.post("/hooks/kubernetes", bearer, event).status == 200);
  CHECK(stand.memory.rows.begin()->first.first == "kubernetes-events/alpha");
  CHECK(stand.post("/hooks/kubernetes", {{"authorization", "Bearer x"}}, event).status == 401);
  CHECK(stand.post("/hooks/kubernetes", {}, event).status == 401);
  CHECK(stand.post("/hooks/slurm", bearer, event).status == 401);
  CHECK(stand.post("/hooks/generic", bearer, event).status == 401);
  auto half = bearer;
  half.emplace_back("webhook-id", "msg_1");
  CHECK(stand.post("/hooks/kubernetes", half, event).status == 401);
  CHECK(stand
            .post("/hooks/kubernetes", bearer,
                  R"({"type":"kubernetes.job.event","data":{"cluster":"beta"}})")
            .status == 401);
  stand.peer = {Peer::Via::network, "10.0.0.7", std::nullopt};
  CHECK(stand.post("/hooks/kubernetes", bearer, event).status == 403);
  CHECK(stand.post_signed("/hooks/kubernetes", event, beta_secret).status == 202);
  CHECK(stand.memory.rows.size() == 2);
}

TEST_CASE("CloudEvents are taken at the generic door after their handshake", "[http][hooks]") {
  Stand stand;
  auto options =
      stand.request("/hooks/generic", {{"webhook-request-origin", "events.example.com"}}, "");
  options.method = "OPTIONS";
  const auto yes = stand.send(options);
  CHECK(yes.status == 200);
  CHECK(std::count(yes.headers.begin(), yes.headers.end(),
                   std::pair<std::string, std::string>{"WebHook-Allowed-Origin",
                                                       "events.example.com"}) == 1);
  options.headers[0].second = "a\r\nX: y";
  CHECK(stand.send(options).status == 400);
  options.headers.clear();
  CHECK(stand.send(options).status == 204);

  const std::string event =
      R"({"specversion":"1.0","id":"1","source":"/argo","type":"job.ended","data":{"job_id":"9"}})";
  const auto post = [&](const std::string& id) {
    const auto time = std::to_string(test::vector_time);
    auto made = stand.request("/hooks/generic",
                              {{"webhook-id", id},
                               {"webhook-timestamp", time},
                               {"webhook-signature", hooks::sign({id, time, event}, beta_secret)}},
                              event);
    made.headers.back().second = "application/cloudevents+json";
    return stand.send(made).status;
  };
  CHECK(post("msg_1") == 202);
  CHECK(post("msg_2") == 200);
  CHECK(stand.memory.rows.begin()->second.kind == "job.ended");
}

TEST_CASE("a ledger that does not store is not answered as if it had", "[http][hooks]") {
  struct Case {
    std::function<void()> fails;
    int status;
    std::string kind;
  };
  const auto cases =
      std::vector<Case>{{[] { throw ledger::Unavailable{"x"}; }, 503, "ledger-unavailable"},
                        {[] { throw ledger::OutcomeUnknown{"x"}; }, 503, "in-doubt"},
                        {[] {
                           throw ledger::Refused{"x", "AM012"};
                         },
                         429, "overloaded"},
                        {[] {
                           throw ledger::Refused{"x", "22000"};
                         },
                         422, "invalid"},
                        {[] { throw ledger::SchemaMismatch{"x"}; }, 503, "ledger-unavailable"}};
  for (const auto& each : cases) {
    Stand stand;
    stand.memory.before = each.fails;
    const auto answer = stand.post("/hooks/slurm", test::signed_vector(), test::vector_body);
    CAPTURE(each.kind);
    CHECK(answer.status == each.status);
    CHECK(stand.kind(answer) == each.kind);
    const bool told_when =
        std::any_of(answer.headers.begin(), answer.headers.end(),
                    [](const auto& field) { return field.first == "Retry-After"; });
    CHECK(told_when == (each.status != 422));
    CHECK(stand.pokes == 0);
  }
  Stand stopped;
  stopped.writer.stop(std::chrono::milliseconds{0});
  CHECK(stopped.post("/hooks/slurm", test::signed_vector(), test::vector_body).status == 503);
}

TEST_CASE("every receipt names one of the known results, and no answer shows a URL token",
          "[http][hooks]") {
  Stand stand;
  const auto path = "/hooks/slurm-es/" + token + "/_doc";
  const auto bad = stand.send(stand.request(path, {}, "{"));
  CHECK(bad.status == 400);
  CHECK(bad.body.find(token) == std::string::npos);
  CHECK(bad.body.find(R"("instance":"/hooks/slurm-es/…/_doc")") != std::string::npos);
  auto encoded = stand.request(path, {}, "{");
  encoded.path = "/hooks/slurm-es/%75rl" + token.substr(3) + "/_doc";
  const auto shown = stand.send(encoded).body;
  CHECK(shown.find(token.substr(3)) == std::string::npos);
  CHECK(shown.find(R"("instance":"/hooks/slurm-es/…/_doc")") != std::string::npos);
  stand.post("/hooks/slurm", {}, "{}");
  const auto& known = telemetry::webhook_results();
  for (const auto& receipt : stand.receipts) {
    const auto result = receipt.substr(receipt.find(' ') + 1);
    CHECK(std::find(known.begin(), known.end(), result) != known.end());
  }
}

TEST_CASE("a URL token is long and stands in a path as it is", "[http][hooks]") {
  CHECK(check_url_token(token).has_value());
  CHECK(check_url_token("short").has_error());
  CHECK(check_url_token(std::string(129, 'a')).has_error());
  CHECK(check_url_token(std::string(30, 'a') + "/").has_error());
  CHECK(check_url_token(std::string(30, 'a') + "%").has_error());
}

}  // namespace amdahl::http
