#include "amdahl/ledger/delivery_channel.hpp"

#include <libpq-fe.h>

#include <array>
#include <chrono>
#include <map>
#include <utility>

#include "conninfo.hpp"
#include "door_settings.hpp"
#include "encode.hpp"
#include "pq.hpp"
#include "sqlstate.hpp"
#include "statements.hpp"
#include "watchdog.hpp"

namespace amdahl::ledger {

namespace {

using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

constexpr auto one = "one", many = "many";  // the prepared statements of a channel

nlohmann::json text_or_null(const std::string& text) {
  return text.empty() ? nlohmann::json(nullptr) : nlohmann::json(text);
}

const char* chars_or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

// libpq prints what nobody asked for.
void ignore_notice(void*, const PGresult*) {}

/// Deliveries of one commit as the ledger takes them: each once, with how often it came.
struct Encoded {
  nlohmann::json items = nlohmann::json::array();
  std::vector<std::size_t> places;  // of each delivery among the items
};

Encoded encode_deliveries(std::span<const Delivery> deliveries) {
  Encoded out;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> known;
  for (const auto& delivery : deliveries) {
    const auto [at, fresh] = known.try_emplace({delivery.source, delivery.id}, out.items.size());
    out.places.push_back(at->second);
    if (!fresh) {
      auto& copies = out.items[at->second]["copies"];
      copies = copies.get<int>() + 1;
      continue;
    }
    out.items.push_back({{"source", delivery.source},
                         {"id", delivery.id},
                         {"cluster", text_or_null(delivery.cluster)},
                         {"kind", text_or_null(delivery.kind)},
                         {"native_id", text_or_null(delivery.native_id)},
                         {"run_key", text_or_null(delivery.run_key)},
                         {"body", delivery.body},
                         {"copies", 1}});
  }
  return out;
}

class PostgresChannel final : public DeliveryChannel {
 public:
  explicit PostgresChannel(const std::string& url)
      : connection_{PQconnectdb(pq::complete_conninfo(url, door_settings()).c_str()), &PQfinish} {
    if (PQstatus(pg()) != CONNECTION_OK) {
      throw Unavailable{"PostgreSQL cannot be reached: " + pq::one_line(PQerrorMessage(pg()))};
    }
    PQsetNoticeReceiver(pg(), &ignore_notice, nullptr);
    const auto settings = door_settings();
    pq::Watchdog dog{PQsocket(pg())};
    const pq::Watched watched{
        dog, std::chrono::milliseconds{settings.statement_timeout_ms + settings.answer_margin_ms}};
    prepare(one, statements::put_delivery);
    prepare(many, statements::put_deliveries);
    if (PQsetnonblocking(pg(), 1) != 0) throw Unavailable{"libpq cannot go on without waiting"};
  }

  int socket() const override { return PQsocket(pg()); }
  bool is_sending() const override { return sending_; }

  void begin(std::span<const Delivery> deliveries) override {
    places_.clear();
    if (deliveries.size() == 1) {
      const auto& each = deliveries.front();
      const auto body = jsonb_text(each.body);
      send<7>(one, {each.source.c_str(), each.id.c_str(), chars_or_null(each.cluster),
                    chars_or_null(each.kind), chars_or_null(each.native_id),
                    chars_or_null(each.run_key), body.c_str()});
    } else {
      auto encoded = encode_deliveries(deliveries);
      places_ = std::move(encoded.places);
      const auto items = jsonb_text(encoded.items);
      send<1>(many, {items.c_str()});
    }
  }

  std::optional<std::vector<bool>> step() override {
    if (sending_) flush();
    // What TLS has of a record the socket no longer tells of.
    const int reads = PQsslInUse(pg()) != 0 ? 4 : 1;
    for (int i = 0; i < reads && (i == 0 || PQisBusy(pg()) != 0); ++i) {
      if (PQconsumeInput(pg()) == 0) throw_failed(nullptr);
    }
    while (under_way_ && PQisBusy(pg()) == 0) {
      Answer answer{PQgetResult(pg()), &PQclear};
      if (!answer) {
        under_way_ = false;
        return freshness();
      }
      if (PQresultStatus(answer.get()) != PGRES_TUPLES_OK)
        failure_ = std::move(answer);
      else
        value_ = PQntuples(answer.get()) == 1 ? PQgetvalue(answer.get(), 0, 0) : "";
    }
    if (PQstatus(pg()) != CONNECTION_OK) throw_failed(nullptr);
    return std::nullopt;
  }

 private:
  PGconn* pg() const { return connection_.get(); }

  void prepare(const char* name, const char* sql) {
    const Answer answer{PQprepare(pg(), name, sql, 0, nullptr), &PQclear};
    if (PQresultStatus(answer.get()) == PGRES_COMMAND_OK) return;
    throw Unavailable{"PostgreSQL does not take deliveries: " + pq::one_line(PQerrorMessage(pg()))};
  }

  template <std::size_t count>
  void send(const char* statement, const std::array<const char*, count>& values) {
    failure_.reset();
    value_.clear();
    under_way_ = true;
    if (PQsendQueryPrepared(pg(), statement, static_cast<int>(count), values.data(), nullptr,
                            nullptr, 0) == 0) {
      throw_failed(nullptr);
    }
    flush();
  }

  void flush() {
    const int left = PQflush(pg());
    if (left < 0) throw_failed(nullptr);
    sending_ = left > 0;
  }

  // The commit is done only after the last of the answers: it may fail behind its statement.
  std::vector<bool> freshness() {
    if (failure_) throw_failed(failure_.get());
    if (places_.empty()) return {value_ == "t"};
    try {
      auto fresh = nlohmann::json::parse(value_).get<std::vector<bool>>();
      std::vector<bool> all;
      for (const auto place : places_) {
        all.push_back(fresh.at(place));
        fresh[place] = false;  // of those that came twice at once the first counts
      }
      return all;
    } catch (const std::exception& problem) {  // committed, and nobody can tell what
      throw OutcomeUnknown{std::string{"the answer about deliveries cannot be read: "} +
                           problem.what()};
    }
  }

  [[noreturn]] void throw_failed(const PGresult* answer) const {
    const char* field = answer == nullptr ? nullptr : PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    const std::string state{field == nullptr ? "" : field};
    const auto message =
        pq::one_line(answer == nullptr ? PQerrorMessage(pg()) : PQresultErrorMessage(answer));
    if (state.empty() || PQstatus(pg()) != CONNECTION_OK || pq::is_shutdown(state)) {
      throw OutcomeUnknown{"the connection to PostgreSQL broke: " + message};
    }
    if (pq::is_transient(state)) {
      throw Unavailable{"PostgreSQL gave up (" + state + "): " + message};
    }
    throw Refused{message, state};
  }

  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
  std::vector<std::size_t> places_;
  std::string value_;
  Answer failure_{nullptr, &PQclear};
  bool under_way_ = false;
  bool sending_ = false;
};

}  // namespace

std::unique_ptr<DeliveryChannel> open_delivery_channel(const std::string& url) {
  return std::make_unique<PostgresChannel>(url);
}

}  // namespace amdahl::ledger
