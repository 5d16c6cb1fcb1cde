#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "amdahl/core/failpoint.hpp"
#include "amdahl/core/invariant.hpp"
#include "amdahl/core/limits.hpp"
#include "amdahl/ledger/ledger.hpp"
#include "amdahl/ledger/verify.hpp"
#include "encode.hpp"
#include "pq.hpp"
#include "rows.hpp"
#include "schema.hpp"
#include "statements.hpp"

namespace amdahl::ledger {
namespace {

using pq::Arg;
using pq::Effect;

pq::Settings service_settings(std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds statement = core::limits::statement_timeout;
  return {static_cast<int>(statement.count()), 2'000,
          static_cast<int>((patience - statement).count())};
}

// Where a service may be told to die around a stage; stages that stand for the same step share one.
struct StagePoints {
  core::FailpointName unsent;  ///< before the first byte leaves
  core::FailpointName stored;  ///< its answer arrived
};
constexpr StagePoints hypotheses_points{"ledger.hypotheses_unsent", "ledger.hypotheses_stored"};
constexpr StagePoints production_points{"ledger.production_unsent", "ledger.production_stored"};
constexpr StagePoints registration_points{"ledger.registration_unsent",
                                          "ledger.registration_stored"};
constexpr StagePoints pairs_points{"ledger.pairs_unsent", "ledger.pairs_stored"};
constexpr StagePoints intent_points{"ledger.intent_unsent", "ledger.intent_stored"};
constexpr StagePoints submits_points{"ledger.submits_unsent", "ledger.submits_stored"};
constexpr StagePoints runs_points{"ledger.runs_unsent", "ledger.runs_stored"};
constexpr StagePoints decision_points{"ledger.decision_unsent", "ledger.decision_stored"};
constexpr StagePoints answers_points{"ledger.answers_unsent", "ledger.answers_stored"};
constexpr StagePoints note_points{"ledger.note_unsent", "ledger.note_stored"};

template <class Id>
nlohmann::json encode_ids(std::span<const Id> ids) {
  auto out = nlohmann::json::array();
  for (const auto& id : ids) out.push_back(id.value);
  return out;
}

template <class Id>
std::vector<Id> ids_from(const std::string& text) {
  std::vector<Id> out;
  for (const auto& id : nlohmann::json::parse(text)) out.push_back(Id{id});
  return out;
}

class PostgresLedger final : public Ledger {
 public:
  PostgresLedger(const std::string& url, const ConnectOptions& options)
      : url_{url}, session_{url, service_settings(options.patience)}, on_write_{options.on_write} {}

  void check_schema(const ConnectOptions& options) {
    if (auto problem = server_problem(session_.server_version()); !problem.empty()) {
      throw SchemaMismatch{problem};
    }
    const auto state = look_at_schema();
    if (!(options.or_read_only && readable(state))) require_ours();
    if (state->session_owns && !options.allow_owner) {
      throw Refused{
          "the service refuses to run with the rights of the ledger's owner: put the service role "
          "into ledger.url_file (the owner's belongs into ledger.owner_url_file)",
          "42501"};
    }
  }

  Head head() override { return head_from(ask(statements::head, {}, Effect::reads)); }

  std::optional<Lease> acquire(const Head& seen, std::string_view new_term,
                               std::string_view holder) override {
    require_ours();
    const auto fence =
        session_.value(statements::acquire,
                       {seen.term.empty() ? Arg{} : Arg{seen.term}, std::to_string(seen.renew_seq),
                        std::string{new_term}, std::string{holder}},
                       Effect::writes);
    if (!fence) return std::nullopt;
    return Lease{std::string{new_term}, std::stoll(*fence)};
  }
  void renew(const Lease& lease) override { fenced(statements::renew, lease, {}); }
  void release(const Lease& lease) override { fenced(statements::release, lease, {}); }

  Snapshot read_snapshot() override {
    require_ours();
    return snapshot_from(ask(statements::snapshot, {}, Effect::reads));
  }

  void add_jobs(const Lease& lease, std::span<const NewJob> jobs) override {
    batch(hypotheses_points, statements::add_jobs, lease, jobs);
  }
  std::vector<core::HypothesisId> add_hypotheses(const Lease& lease,
                                                 std::span<const NewHypothesis> hypotheses,
                                                 std::span<const ProposedFor> proposed) override {
    if (hypotheses.empty() && proposed.empty()) return {};
    return ids_from<core::HypothesisId>(
        stage(hypotheses_points, statements::add_hypotheses, lease,
              {jsonb_text(encode_all(hypotheses)), jsonb_text(encode_all(proposed))}));
  }
  void reject_hypotheses(const Lease& lease, std::span<const RejectHypothesis> items) override {
    batch(hypotheses_points, statements::reject_hypotheses, lease, items);
  }
  void approve_hypotheses(const Lease& lease, std::span<const core::HypothesisId> ids) override {
    if (!ids.empty())
      stage(hypotheses_points, statements::approve_hypotheses, lease,
            {jsonb_text(encode_ids(ids))});
  }
  std::vector<core::ExperimentId> register_experiments(
      const Lease& lease, std::span<const Registration> registrations) override {
    if (registrations.empty()) return {};
    return ids_from<core::ExperimentId>(stage(registration_points, statements::register_experiments,
                                              lease, {jsonb_text(encode_all(registrations))}));
  }
  void open_and_retry(const Lease& lease, std::span<const OpenPair> pairs,
                      std::span<const RetryRun> retries) override {
    batch_both(pairs_points, statements::open_and_retry, statements::open_pairs,
               statements::retry_runs, lease, pairs, retries);
  }
  Head arm_submits(const Lease& lease, std::span<const core::RunId> runs,
                   std::span<const std::string> spec_shas) override {
    core::invariant(runs.size() == spec_shas.size() && !runs.empty(), "every armed run has a spec");
    auto items = nlohmann::json::array();
    for (std::size_t i = 0; i < runs.size(); ++i) {
      items.push_back({{"run", runs[i].value}, {"spec_sha", spec_shas[i]}});
    }
    return head_from(nlohmann::json::parse(
        stage(intent_points, statements::arm_submits, lease, {jsonb_text(items)})));
  }
  void record_submits(const Lease& lease, std::span<const RecordSubmit> submits) override {
    batch(submits_points, statements::record_submits, lease, submits);
  }
  void record_runs(const Lease& lease, std::span<const RecordRun> runs) override {
    batch(runs_points, statements::record_runs, lease, runs);
  }
  void advance_and_decide(const Lease& lease, std::span<const Advance> steps,
                          std::span<const Decision> decisions) override {
    batch_both(decision_points, statements::advance_and_decide, statements::advance,
               statements::decide, lease, steps, decisions);
  }
  void abort_experiments(const Lease& lease, std::span<const core::ExperimentId> ids,
                         std::string_view reason) override {
    if (ids.empty()) return;
    stage(decision_points, statements::abort_experiments, lease,
          {jsonb_text(encode_ids(ids)), std::string{reason}});
  }
  void request_cancel(const Lease& lease, std::span<const core::RunId> runs) override {
    if (!runs.empty())
      stage(runs_points, statements::request_cancel, lease, {jsonb_text(encode_ids(runs))});
  }
  void set_paused(const Lease& lease, bool paused, std::string_view reason) override {
    stage(hypotheses_points, statements::set_paused, lease,
          {paused ? "true" : "false", std::string{reason}});
  }
  void plan_production(const Lease& lease, std::span<const PlanProduction> runs) override {
    batch(production_points, statements::plan_production, lease, runs);
  }
  void record_production(const Lease& lease, std::span<const ProductionRun> runs) override {
    batch(production_points, statements::record_production, lease, runs);
  }
  void finish_commands(const Lease& lease, std::span<const CommandDone> commands) override {
    batch(answers_points, statements::finish_commands, lease, commands);
  }
  void finish_deliveries(const Lease& lease, std::int64_t upto) override {
    fenced(statements::finish_deliveries, lease, {std::to_string(upto)});
  }
  void note(const Lease& lease, std::string_view kind, std::string_view ref,
            const nlohmann::json& payload) override {
    stage(note_points, statements::note, lease,
          {std::string{kind}, std::string{ref}, jsonb_text(payload)});
  }

  void put_command(std::string_view key, std::string_view verb,
                   const nlohmann::json& args) override {
    require_ours();
    session_.value(statements::put_command, {std::string{key}, std::string{verb}, jsonb_text(args)},
                   Effect::writes);
  }
  std::optional<nlohmann::json> command_answer(std::string_view key) override {
    const auto text = session_.value(statements::command_answer, {std::string{key}}, Effect::reads);
    if (!text) return std::nullopt;
    return nlohmann::json::parse(*text);
  }
  nlohmann::json read(std::string_view view, const nlohmann::json& args) override {
    core::invariant(std::ranges::all_of(view, [](char c) { return c >= 'a' && c <= 'z'; }),
                    "a view's name is one lower-case word");
    if (view == "verify") {
      if (newer_) require_ours();  // tables that only it knows would be called missing
      return to_json(verify_ledger(url_));
    }
    const auto sql = fmt::format("{}{}{}", statements::read_prefix, view, statements::read_suffix);
    try {
      return ask(sql, {jsonb_text(args.is_null() ? nlohmann::json::object() : args)},
                 Effect::reads);
    } catch (const Refused& refused) {
      if (read_only_.empty()) throw;
      throw SchemaMismatch{fmt::format("{}; it has no such view: {}", read_only_, refused.what())};
    }
  }
  std::string why_read_only() const override { return read_only_; }
  std::string why_read_only_now() override {
    look_at_schema();
    return read_only_;
  }
  std::int64_t round_trips() const override { return session_.round_trips(); }

 private:
  nlohmann::json ask(const std::string& sql, const std::vector<Arg>& args, Effect effect) {
    const auto text = session_.value(sql, args, effect);
    return text ? nlohmann::json::parse(*text) : nlohmann::json(nullptr);
  }
  std::optional<SchemaState> look_at_schema() {
    auto state = read_schema_state(session_);
    read_only_ = schema_problem(state);
    newer_ = state && state->version > binary_version();
    return state;
  }
  void require_ours() const {
    if (!read_only_.empty()) throw SchemaMismatch{read_only_};
  }
  std::string fenced(const char* sql, const Lease& lease, std::vector<Arg> args) {
    require_ours();
    std::vector<Arg> all{lease.term, std::to_string(lease.fence)};
    std::ranges::move(args, std::back_inserter(all));
    if (!on_write_) return session_.value(sql, all, Effect::writes).value_or("");
    const auto begun = std::chrono::steady_clock::now();
    auto answer = session_.value(sql, all, Effect::writes).value_or("");
    on_write_(std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - begun));
    return answer;
  }
  std::string stage(const StagePoints& points, const char* sql, const Lease& lease,
                    std::vector<Arg> args) {
    core::failpoint(points.unsent);
    auto answer = fenced(sql, lease, std::move(args));
    core::failpoint(points.stored);
    return answer;
  }
  // Nothing to write is no round trip.
  template <class T>
  void batch(const StagePoints& points, const char* sql, const Lease& lease,
             std::span<const T> items) {
    if (!items.empty()) stage(points, sql, lease, {jsonb_text(encode_all(items))});
  }
  template <class T, class U>
  void batch_both(const StagePoints& points, const char* both, const char* first_only,
                  const char* second_only, const Lease& lease, std::span<const T> first,
                  std::span<const U> second) {
    if (second.empty()) return batch(points, first_only, lease, first);
    if (first.empty()) return batch(points, second_only, lease, second);
    stage(points, both, lease, {jsonb_text(encode_all(first)), jsonb_text(encode_all(second))});
  }

  std::string read_only_;
  bool newer_ = false;
  std::string url_;  // verify streams over a connection of its own
  pq::Session session_;
  std::function<void(std::chrono::microseconds)> on_write_;
};

}  // namespace

std::unique_ptr<Ledger> connect(const std::string& url, ConnectOptions options) {
  auto ledger = std::make_unique<PostgresLedger>(url, options);
  ledger->check_schema(options);
  return ledger;
}

}  // namespace amdahl::ledger
