#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "amdahl/core/change.hpp"
#include "amdahl/core/ids.hpp"
#include "amdahl/core/job.hpp"
#include "amdahl/core/protocol.hpp"
#include "amdahl/core/run.hpp"
#include "amdahl/core/states.hpp"

namespace amdahl::ledger {

struct Head {
  std::string term;  ///< uuid; empty before the first leader
  std::int64_t fence = 0;
  std::int64_t renew_seq = 0;
  std::int64_t head_seq = 0;
  std::string head_hash;  ///< 64 hex digits
  std::string holder;     ///< host and pid, for people only
  bool released = false;  ///< the holder gave it back: nobody leads, no need to wait
};

struct JobRow {
  core::JobId id;
  core::JobSpec spec;
  core::Configuration champion;
  int champion_moves = 0;
  std::vector<core::ExperimentId> champion_wins;  ///< stacked, in order
  std::optional<double> sigma0;                   ///< from the last decided canary of this job
  core::ExperimentId sigma0_from;
  std::optional<std::map<std::string, double>> phase_share;  ///< of the champion's baseline legs
  bool paused = false;
  /// What knob proposals were last made for (hash of spec and champion): they are due when it
  /// differs.
  std::string proposed_for;
};

struct HypothesisRow {
  core::HypothesisId id;
  core::JobId job;
  core::HypothesisSource source = core::HypothesisSource::playbook;
  core::HypothesisState state = core::HypothesisState::proposed;
  std::string phase;
  std::optional<double> ceiling;  ///< Amdahl bound of the speed-up; absent = unknown
  std::vector<core::Change> changes;
  std::string rationale;
  int replicate = 0;
  bool approved = false;
};

struct RunRow {
  core::RunId id;
  core::RunKey key;
  core::PairId pair;
  core::ExperimentId experiment;
  int part = 1;
  int attempt = 1;
  core::RunState state = core::RunState::planned;
  std::string cluster;
  std::string native_id;  ///< empty before `submitted`
  std::int64_t native_at_us = 0;
  std::string spec_sha;
  bool released = false;
  bool cancel_requested = false;
  int misses = 0;                 ///< authoritative absences in a row
  std::int64_t submit_fence = 0;  ///< the fence that armed the last submit
  std::int64_t armed_at_us = 0;   ///< the database's clock when the last submit was armed
  std::int64_t absent_since_us =
      0;  ///< the database's clock at the first of those misses; 0 = none
  double gpu_us_reserved = 0;
  std::optional<core::RunSpec>
      production;  ///< set for a production run of a champion; it has no pair
  core::JobId job;
};

struct PairRow {
  core::PairId id;
  core::ExperimentId experiment;
  int check_no = 0;
  std::int64_t index = 0;
  int coin = 0;
  core::PairState state = core::PairState::open;
  std::string void_reason;
  std::optional<core::Arm> ran_first;
  std::vector<std::string> nodes;
  std::vector<core::LegResult> legs;  ///< of the run that counts; empty while open or void
  int attempts = 0;                   ///< runs planned for it so far, live or ended
};

struct NominationRow {
  double claim = 0;
  int pairs_per_check = 0;
  std::int64_t last_index = 0;
  std::int64_t at_us = 0;  ///< the database's clock; read only
};

struct ExperimentRow {
  core::ExperimentId id;
  core::JobId job;
  core::HypothesisId hypothesis;  ///< 0 for a canary
  core::ExperimentKind kind = core::ExperimentKind::trial;
  core::ExperimentState state = core::ExperimentState::registered;
  std::int64_t hold_since_us = 0;  ///< the database's clock; 0 when not on hold
  core::Protocol protocol;
  std::int64_t t = 0;
  std::optional<NominationRow> nomination;
  bool extension_registered = false;
  std::string hold_reason;  ///< empty = not on hold
  bool paused = false;
  bool abort_requested = false;  ///< its live runs are being stopped; then it is aborted
  std::vector<PairRow> pairs;    ///< by index
};

struct CommandRow {
  std::string key;
  std::string
      verb;  ///< `add_job`, `propose`, `approve`, `abort`, `pause`, `resume`, `run_champion`
  nlohmann::json args;
};

/// Everything a cycle needs, read in one statement and one snapshot.
struct Snapshot {
  Head head;
  bool paused = false;
  std::int64_t now_us = 0;  ///< the database's clock
  std::vector<JobRow> jobs;
  std::vector<HypothesisRow> hypotheses;   ///< proposed, awaiting approval or registered
  std::vector<ExperimentRow> experiments;  ///< registered, discovering or refuting
  std::vector<RunRow> live_runs;           ///< not ended
  std::vector<CommandRow> commands;        ///< not done, oldest first, bounded
  std::int64_t deliveries_pending = 0;
  std::int64_t deliveries_upto = 0;  ///< the newest of them
  std::int64_t wins = 0;             ///< R of the FDR stream
  std::int64_t next_t = 1;
  double gpu_us_reserved = 0;       ///< by live runs
  double gpu_us_charged_today = 0;  ///< by runs that ended in the last 24 h
};

}  // namespace amdahl::ledger
