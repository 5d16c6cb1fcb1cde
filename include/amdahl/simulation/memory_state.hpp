#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/ledger/ledger.hpp"

namespace amdahl::simulation {

using Hash = std::array<std::uint8_t, 32>;

/// What the tables of migrations/ hold, as values. Times are microseconds of the database's clock.
/// Rows stand in the order of their ids; a refused insert leaves a gap, as a sequence does.
struct MemoryEvent {
  std::int64_t seq = 0;
  std::int64_t fence = 0;
  std::string kind;
  std::string ref;
  std::string payload;  ///< as PostgreSQL prints jsonb
  std::int64_t at_us = 0;
  Hash prev_hash{};
  Hash hash{};
};

struct MemoryJob : ledger::JobRow {
  Hash spec_sha{};
  core::Configuration baseline;
};

struct MemoryHypothesis : ledger::HypothesisRow {
  Hash change_sha{};
  std::string reason;
  core::ExperimentId duplicate_of;
  core::ExperimentId experiment;
};

struct MemoryCheck {
  int check_no = 0;
  core::CheckKind kind = core::CheckKind::discovery;
  int planned = 0;
  std::optional<core::Vote> vote;
  std::optional<double> mean;

  friend bool operator==(const MemoryCheck&, const MemoryCheck&) = default;
};

struct MemoryVerdict {
  ledger::Decision decision;
  std::string salt;
  std::int64_t fence = 0;
  std::int64_t decided_at_us = 0;
};

/// `pairs` of the row stays empty here: they have a table of their own.
struct MemoryExperiment : ledger::ExperimentRow {
  std::string protocol_sha;
  Hash change_sha{};
  int checks_planned = 0;
  std::string salt;
  std::string abort_reason;
  std::int64_t pairs_registered = 0;
  std::int64_t pairs_complete = 0;
  std::int64_t pairs_void = 0;
  std::int64_t spent_gpu_us = 0;
  std::int64_t created_fence = 0;
  std::int64_t registered_at_us = 0;
  std::int64_t ended_at_us = 0;
  std::vector<MemoryCheck> checks;
  std::optional<MemoryVerdict> verdict;
  std::vector<core::PairId> pair_ids;  ///< by index
};

struct MemoryPair : ledger::PairRow {
  std::string cause;
  core::RunId run;       ///< the run that counts; 0 = none
  core::RunId last_run;  ///< of the newest attempt
};

struct MemoryRun : ledger::RunRow {
  std::string worker_run_id;
  std::vector<core::ExperimentId> champion_wins;  ///< of the champion it runs; production only
  std::optional<core::RunOutcome> outcome;
  core::CauseClass cause = core::CauseClass::none;
  std::string reason;
  std::int64_t intent_xid = 0;  ///< the transaction that committed the intent; 0 = none
  int submit_try = 0;
  std::optional<ledger::RecordSubmit::Kind> submit_answer;
  std::string submit_message;
  std::vector<std::string> nodes;
  std::vector<core::LegResult> legs;  ///< what was measured, in executed order
  std::int64_t gpu_us_charged = 0;
  std::int64_t planned_at_us = 0;
  std::int64_t ended_at_us = 0;
};

struct MemoryKey {
  int fp_version = 0;
  std::string fingerprint;  ///< hex
  int replicate = 0;
  core::ExperimentId experiment;
  bool released = false;
};

struct MemoryProduction {
  std::int64_t id = 0;
  ledger::ProductionRun run;
  std::vector<core::ExperimentId> wins;  ///< of the champion it ran
  std::int64_t gpu_us = 0;
};

struct MemoryBankEntry {
  std::int64_t id = 0;
  core::ExperimentId experiment;
  std::int64_t production = 0;
  std::int64_t gpu_us = 0;
  std::string period;  ///< 2026-08
};

struct MemoryCommand {
  std::int64_t id = 0;
  ledger::CommandRow row;
  bool done = false;
  nlohmann::json answer;
};

/// Everything durable. A copy is a copy of the ledger: keep one and assign it back, and the tail is
/// lost as in a failover.
struct MemoryState {
  ledger::Head head;  ///< head_hash as hex; the bytes stand in the last event
  Hash head_hash{};
  bool paused = false;
  std::string paused_reason;
  std::vector<MemoryEvent> events;
  std::deque<MemoryJob> jobs;
  std::deque<MemoryHypothesis> hypotheses;
  std::deque<MemoryExperiment> experiments;
  std::deque<MemoryKey> keys;
  std::deque<MemoryPair> pairs;
  std::deque<MemoryRun> runs;
  std::deque<MemoryProduction> production;
  std::deque<MemoryBankEntry> bank;
  std::deque<MemoryCommand> commands;
  std::map<std::int64_t, std::int64_t> spend;  ///< start of ten minutes (µs) → GPU-µs
  std::int64_t spent_gpu_us = 0;
  std::int64_t banked_gpu_us = 0;
  std::int64_t wins = 0;
  std::int64_t next_t = 1;

  // What is open, by id: a cycle's cost does not grow with history.
  std::vector<std::int64_t> open_hypotheses, open_experiments, live_runs, open_commands;

  // Numbers given out; never taken back, whatever is rolled back.
  struct Sequences {
    std::int64_t job = 0, hypothesis = 0, experiment = 0, pair = 0, run = 0, production = 0,
                 bank = 0, command = 0, transaction = 0;
  } last;

  MemoryState();

  /// nullptr when there is none.
  const MemoryJob* job(core::JobId id) const;
  const MemoryHypothesis* hypothesis(core::HypothesisId id) const;
  const MemoryExperiment* experiment(core::ExperimentId id) const;
  const MemoryPair* pair(core::PairId id) const;
  const MemoryRun* run(core::RunId id) const;
};

}  // namespace amdahl::simulation
