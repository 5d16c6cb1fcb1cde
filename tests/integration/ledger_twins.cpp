#include "ledger_twins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace amdahl::test {
namespace {

using nlohmann::json;

constexpr std::int64_t first_turn_us = 1'700'000'000'000'000;

class NoSalts final : public core::Random {
 public:
  std::uint64_t next() override { throw std::logic_error{"every registration brings its salt"}; }
};

// A time of the database becomes the number of the call that wrote it.
using Turns = std::function<std::int64_t(std::int64_t)>;

template <class E>
int number(E value) {
  return static_cast<int>(value);
}

json head_json(const ledger::Head& head) {
  return {{"term", head.term},
          {"fence", head.fence},
          {"renew_seq", head.renew_seq},
          {"head_seq", head.head_seq},
          {"holder", head.holder},
          {"released", head.released},
          {"hashed", head.head_hash.size()}};
}

json job_json(const ledger::JobRow& row) {
  json out{{"id", row.id.value},
           {"spec", core::to_json(row.spec)},
           {"champion", core::to_json(row.champion)},
           {"moves", row.champion_moves},
           {"wins", json::array()},
           {"sigma0", row.sigma0.value_or(-1)},
           {"sigma0_from", row.sigma0_from.value},
           {"phase_share", row.phase_share ? json(*row.phase_share) : json(nullptr)},
           {"paused", row.paused},
           {"proposed_for", row.proposed_for}};
  for (const auto win : row.champion_wins) out["wins"].push_back(win.value);
  return out;
}

json hypothesis_json(const ledger::HypothesisRow& row) {
  return {{"id", row.id.value},
          {"job", row.job.value},
          {"source", number(row.source)},
          {"state", number(row.state)},
          {"phase", row.phase},
          {"ceiling", row.ceiling.value_or(-1)},
          {"changes", core::to_json(row.changes)},
          {"rationale", row.rationale},
          {"replicate", row.replicate},
          {"approved", row.approved}};
}

json pair_json(const ledger::PairRow& row) {
  json out{{"id", row.id.value},
           {"experiment", row.experiment.value},
           {"check_no", row.check_no},
           {"index", row.index},
           {"coin", row.coin},
           {"state", number(row.state)},
           {"void_reason", row.void_reason},
           {"ran_first", row.ran_first ? number(*row.ran_first) : -1},
           {"nodes", row.nodes},
           {"attempts", row.attempts},
           {"legs", json::array()}};
  for (const auto& leg : row.legs) out["legs"].push_back(core::to_json(leg));
  return out;
}

json experiment_json(const ledger::ExperimentRow& row, const Turns& turn) {
  json out{{"id", row.id.value},
           {"job", row.job.value},
           {"hypothesis", row.hypothesis.value},
           {"kind", number(row.kind)},
           {"state", number(row.state)},
           {"hold_since", turn(row.hold_since_us)},
           {"protocol", core::to_json(row.protocol)},
           {"t", row.t},
           {"nomination", nullptr},
           {"extension", row.extension_registered},
           {"hold", row.hold_reason},
           {"paused", row.paused},
           {"abort", row.abort_requested},
           {"pairs", json::array()}};
  if (row.nomination) {
    out["nomination"] = {row.nomination->claim, row.nomination->pairs_per_check,
                         row.nomination->last_index, turn(row.nomination->at_us)};
  }
  for (const auto& pair : row.pairs) out["pairs"].push_back(pair_json(pair));
  return out;
}

json run_json(const ledger::RunRow& row, const Turns& turn) {
  return {{"id", row.id.value},
          {"key", row.key.text},
          {"pair", row.pair.value},
          {"experiment", row.experiment.value},
          {"part", row.part},
          {"attempt", row.attempt},
          {"state", number(row.state)},
          {"cluster", row.cluster},
          {"native_id", row.native_id},
          {"native_at_us", row.native_at_us},
          {"spec_sha", row.spec_sha},
          {"released", row.released},
          {"cancel_requested", row.cancel_requested},
          {"misses", row.misses},
          {"submit_fence", row.submit_fence},
          {"armed_at", turn(row.armed_at_us)},
          {"absent_since", turn(row.absent_since_us)},
          {"gpu_us_reserved", row.gpu_us_reserved},
          {"production", row.production ? core::to_json(*row.production) : json(nullptr)},
          {"job", row.job.value}};
}

json snapshot_json(const ledger::Snapshot& snapshot, const Turns& turn) {
  json out{{"head", head_json(snapshot.head)},
           {"paused", snapshot.paused},
           {"wins", snapshot.wins},
           {"next_t", snapshot.next_t},
           {"gpu_us_reserved", snapshot.gpu_us_reserved},
           {"gpu_us_charged_today", snapshot.gpu_us_charged_today},
           {"deliveries_pending", snapshot.deliveries_pending}};
  for (const auto& row : snapshot.jobs) out["jobs"].push_back(job_json(row));
  for (const auto& row : snapshot.hypotheses) out["hypotheses"].push_back(hypothesis_json(row));
  for (const auto& row : snapshot.experiments)
    out["experiments"].push_back(experiment_json(row, turn));
  for (const auto& row : snapshot.live_runs) out["live_runs"].push_back(run_json(row, turn));
  for (const auto& row : snapshot.commands)
    out["commands"].push_back({row.key, row.verb, row.args});
  return out;
}

struct Answer {
  json value;
  std::string refusal;  ///< empty when it was done
};

Answer answer_of(ledger::Ledger& ledger, const LedgerTwins::Call& call) {
  try {
    return {call(ledger), ""};
  } catch (const ledger::Fenced&) {
    return {nullptr, "fenced"};
  } catch (const ledger::Refused& refused) {
    return {nullptr, "refused " + refused.sqlstate};
  } catch (const std::exception& problem) {
    return {nullptr, fmt::format("another exception: {}", problem.what())};
  }
}

// Several experiments may end with one call; PostgreSQL updates them in no promised order.
bool ends_experiment(const json& event) {
  return event[0] == "experiment_aborted" || event[0] == "job_paused";
}
json in_order(json events) {
  for (auto from = events.begin(); from != events.end();) {
    auto to = from;
    while (to != events.end() && ends_experiment(*to)) ++to;
    std::sort(from, to);
    from = to == events.end() ? to : to + 1;
  }
  return events;
}

}  // namespace

class LedgerTwins::TurnClock final : public core::Clock {
 public:
  core::WallTime now() override {
    return core::WallTime{std::chrono::microseconds{first_turn_us + turn}};
  }
  core::BootTime since_boot() override { return core::BootTime{turn}; }
  std::int64_t turn = 0;
};

TwinDatabase::TwinDatabase() : ledger_{ledger::connect(db_.owner_url(), {.allow_owner = true})} {}

void TwinDatabase::empty() const {
  db_.script_as_owner(R"(
    SET LOCAL session_replication_role = replica;
    DO $$
    DECLARE v_table text;
    BEGIN
      FOR v_table IN SELECT tablename FROM pg_tables WHERE schemaname = 'amdahl'
                     AND tablename NOT IN ('schema_migration', 'event_000000') LOOP
        CONTINUE WHEN v_table IN ('loop_head', 'loop_total', 'fdr_stream', 'accounting_total');
        EXECUTE format('DELETE FROM amdahl.%I', v_table);
      END LOOP;
      PERFORM setval(c.oid, 1, false) FROM pg_class c
      WHERE c.relkind = 'S' AND c.relnamespace = 'amdahl'::regnamespace;
    END $$;
    UPDATE amdahl.loop_head SET term = NULL, fence = 0, renew_seq = 0, head_seq = 0,
      head_hash = decode(repeat('00', 32), 'hex'), holder = '', released = true, paused = false,
      paused_reason = '';
    UPDATE amdahl.loop_total SET spent_gpu_us = 0, banked_gpu_us = 0, clawed_back_gpu_us = 0;
    UPDATE amdahl.fdr_stream SET next_t = 1, wins = 0;
  )");
}

LedgerTwins::LedgerTwins(TwinDatabase& database)
    : postgres_{database.ledger()},
      clock_{std::make_shared<TurnClock>()},
      salts_{std::make_unique<NoSalts>()},
      memory_{state_, *clock_, *salts_} {
  database.empty();
  snapshot_ = postgres_.read_snapshot();
  read_at_us_.push_back(snapshot_.now_us);
}

std::int64_t LedgerTwins::turn_of(std::int64_t at_us) const {
  if (at_us == 0) return 0;
  return std::lower_bound(read_at_us_.begin(), read_at_us_.end(), at_us) - read_at_us_.begin();
}

void LedgerTwins::require_same(const char* what, const json& postgres, const json& memory) {
  if (postgres == memory) return;
  std::string calls;
  for (std::size_t i = 0; i < log_.size(); ++i) calls += fmt::format("\n  {:3} {}", i + 1, log_[i]);
  throw std::runtime_error{fmt::format("the twins differ in {}: {}\nthe calls:{}", what,
                                       json::diff(postgres, memory).dump(), calls) +
                           "\nPostgreSQL: " + postgres.dump().substr(0, 1500) +
                           "\nmemory:     " + memory.dump().substr(0, 1500)};
}

json LedgerTwins::new_events(std::int64_t after) {
  auto events = json::array();
  while (after < snapshot_.head.head_seq) {
    const auto page = postgres_.read("events", {{"after", after}, {"limit", 200}, {"all", true}});
    for (const auto& event : page.at("events")) {
      events.push_back({event.at("kind"), event.at("ref"), event.at("fence")});
      kinds_.push_back(event.at("kind"));
      after = event.at("seq");
    }
  }
  return events;
}

json LedgerTwins::ask(std::string what, const Call& call) {
  log_.push_back(std::move(what));
  ++clock_->turn;
  const auto before = snapshot_.head.head_seq;
  const auto trips_before = postgres_.round_trips() - memory_.round_trips();
  const auto postgres = answer_of(postgres_, call);
  const auto memory = answer_of(memory_, call);
  log_.back() += postgres.refusal.empty() ? "" : " -> " + postgres.refusal;
  require_same("the refusal", postgres.refusal, memory.refusal);
  require_same("the answer", postgres.value, memory.value);
  require_same("the round trips", trips_before, postgres_.round_trips() - memory_.round_trips());
  refused_ += !postgres.refusal.empty();

  snapshot_ = postgres_.read_snapshot();
  read_at_us_.push_back(snapshot_.now_us);
  const auto in_memory = memory_.read_snapshot();
  auto memory_events = json::array();
  for (std::size_t i = static_cast<std::size_t>(before); i < state_.events.size(); ++i)
    memory_events.push_back({state_.events[i].kind, state_.events[i].ref, state_.events[i].fence});
  require_same("the events", in_order(new_events(before)), in_order(memory_events));
  require_same(
      "the snapshot", snapshot_json(snapshot_, [&](std::int64_t at_us) { return turn_of(at_us); }),
      snapshot_json(in_memory,
                    [](std::int64_t at_us) { return at_us == 0 ? 0 : at_us - first_turn_us; }));
  return postgres.value;
}

void LedgerTwins::compare_sums() {
  const auto bank = postgres_.read("bank", {});
  const auto gpu_us = [&](const char* key) {
    return std::llround(bank.at(key).get<double>() * 3.6e9);
  };
  require_same("the sums", json{gpu_us("banked_gpu_hours"), gpu_us("spent_gpu_hours")},
               json{state_.banked_gpu_us, state_.spent_gpu_us});
  require_same("what PostgreSQL finds", postgres_.read("verify", {}).at("first_bad"), nullptr);
}

}  // namespace amdahl::test
