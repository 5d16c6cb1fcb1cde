-- The ledger's tables. Forward only: never edit this file, add the next number.
-- States are numbered as in core/states.hpp (a test compares them); GPU time is GPU-microseconds.

-- One row: lease, fence and end of the hash chain. Every stage locks it, so there is one writer.
CREATE TABLE amdahl.loop_head (
  loop_id smallint PRIMARY KEY DEFAULT 1 CHECK (loop_id = 1),
  term uuid,
  fence bigint NOT NULL DEFAULT 0,
  renew_seq bigint NOT NULL DEFAULT 0,
  head_seq bigint NOT NULL DEFAULT 0,
  head_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (octet_length(head_hash) = 32),
  holder text NOT NULL DEFAULT '',
  released boolean NOT NULL DEFAULT true,
  paused boolean NOT NULL DEFAULT false,
  paused_reason text NOT NULL DEFAULT '',
  touched_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 10);
INSERT INTO amdahl.loop_head DEFAULT VALUES;

-- Running sums, so that no question about money scans history.
CREATE TABLE amdahl.loop_total (
  loop_id smallint PRIMARY KEY DEFAULT 1 CHECK (loop_id = 1),
  spent_gpu_us bigint NOT NULL DEFAULT 0 CHECK (spent_gpu_us >= 0),
  banked_gpu_us bigint NOT NULL DEFAULT 0 CHECK (banked_gpu_us >= 0),
  clawed_back_gpu_us bigint NOT NULL DEFAULT 0 CHECK (clawed_back_gpu_us >= 0)
) WITH (fillfactor = 10);
INSERT INTO amdahl.loop_total DEFAULT VALUES;

-- GPU time charged per ten minutes: the last 24 hours are at most 145 rows.
CREATE TABLE amdahl.spend (
  bucket_at timestamptz PRIMARY KEY,
  gpu_us bigint NOT NULL CHECK (gpu_us >= 0)
);

CREATE TYPE amdahl.event_draft AS (kind text, ref text, payload jsonb);

CREATE TABLE amdahl.event (
  seq bigint PRIMARY KEY,
  fence bigint NOT NULL,
  kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,62}$'),
  ref text NOT NULL CHECK (length(ref) <= 200 AND ref !~ '[\n\r]'),
  at timestamptz NOT NULL,
  payload text NOT NULL,
  prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32)
) PARTITION BY RANGE (seq);
CREATE INDEX event_at ON amdahl.event USING brin (at);

CREATE TABLE amdahl.job (
  job_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  slug text NOT NULL UNIQUE CHECK (slug <> ''),
  cluster text NOT NULL,
  spec jsonb NOT NULL,
  spec_sha bytea NOT NULL,
  baseline jsonb NOT NULL,
  champion jsonb NOT NULL,
  champion_moves integer NOT NULL DEFAULT 0,
  champion_wins bigint[] NOT NULL DEFAULT '{}',
  sigma0 double precision,
  sigma0_from bigint,
  phase_share jsonb,
  paused boolean NOT NULL DEFAULT false,
  proposed_for text NOT NULL DEFAULT '',    -- what knob proposals were last made for
  added_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE amdahl.hypothesis (
  hypothesis_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id bigint NOT NULL REFERENCES amdahl.job,
  source smallint NOT NULL CHECK (source IN (0, 1, 2, 3)),
  state smallint NOT NULL CHECK (state IN (0, 1, 2, 3, 4, 5)),
  phase text NOT NULL DEFAULT '',
  ceiling double precision,
  change jsonb NOT NULL,
  change_sha bytea NOT NULL,
  rationale text NOT NULL DEFAULT '',
  replicate integer NOT NULL DEFAULT 0 CHECK (replicate >= 0),
  approved boolean NOT NULL DEFAULT false,
  reason text NOT NULL DEFAULT '',
  duplicate_of bigint,
  experiment_id bigint,
  proposed_at timestamptz NOT NULL DEFAULT now()
);
-- An idea is open once; a decided one may be proposed again, and registration recognises it.
CREATE UNIQUE INDEX hypothesis_once ON amdahl.hypothesis (job_id, change_sha, replicate)
  WHERE state IN (0, 1, 2);
CREATE INDEX hypothesis_open ON amdahl.hypothesis (hypothesis_id) WHERE state IN (0, 1, 2);
CREATE INDEX hypothesis_job ON amdahl.hypothesis (job_id, hypothesis_id);

CREATE TABLE amdahl.fdr_stream (
  stream_id smallint PRIMARY KEY,
  alpha double precision NOT NULL CHECK (alpha > 0 AND alpha < 1),
  gamma_rule text NOT NULL,
  horizon integer NOT NULL,
  cap double precision NOT NULL,
  next_t bigint NOT NULL DEFAULT 1,
  wins bigint NOT NULL DEFAULT 0
);
INSERT INTO amdahl.fdr_stream (stream_id, alpha, gamma_rule, horizon, cap)
  VALUES (1, 0.10, 'e-LOND, half LORD half uniform', 500, 0.01);

CREATE TABLE amdahl.experiment (
  experiment_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id bigint NOT NULL REFERENCES amdahl.job,
  hypothesis_id bigint REFERENCES amdahl.hypothesis,
  kind smallint NOT NULL CHECK (kind IN (0, 1, 2)),
  state smallint NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2, 3, 4)),
  protocol jsonb NOT NULL,
  protocol_sha text NOT NULL,
  change jsonb NOT NULL,
  change_sha bytea NOT NULL,
  baseline_sha bytea NOT NULL,
  checks smallint NOT NULL CHECK (CASE WHEN kind = 1 THEN checks = 0 ELSE checks % 2 = 1 END),
  stream_id smallint REFERENCES amdahl.fdr_stream,
  t bigint NOT NULL DEFAULT 0 CHECK ((kind = 0) = (t > 0)),
  salt_hash bytea NOT NULL CHECK (octet_length(salt_hash) = 32),
  claim double precision,
  pairs_per_check integer,
  last_index bigint,
  extension_registered boolean NOT NULL DEFAULT false,
  hold_reason text NOT NULL DEFAULT '',
  hold_since timestamptz,
  paused boolean NOT NULL DEFAULT false,
  abort_requested boolean NOT NULL DEFAULT false,
  abort_reason text NOT NULL DEFAULT '',
  pairs_registered integer NOT NULL DEFAULT 0,
  pairs_complete integer NOT NULL DEFAULT 0,
  pairs_void integer NOT NULL DEFAULT 0,
  spent_gpu_us bigint NOT NULL DEFAULT 0,
  created_fence bigint NOT NULL,
  registered_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  UNIQUE (stream_id, t),
  CHECK (num_nulls(claim, pairs_per_check, last_index) IN (0, 3)),
  CHECK (kind = 1 OR state <> 2 OR claim IS NOT NULL)
) WITH (fillfactor = 80);
CREATE INDEX experiment_open ON amdahl.experiment (experiment_id) WHERE state IN (0, 1, 2);
CREATE INDEX experiment_job ON amdahl.experiment (job_id, experiment_id);
CREATE INDEX experiment_change ON amdahl.experiment (job_id, change_sha);
ALTER TABLE amdahl.hypothesis ADD FOREIGN KEY (experiment_id) REFERENCES amdahl.experiment,
  ADD FOREIGN KEY (duplicate_of) REFERENCES amdahl.experiment;

-- Kept where the service's role cannot read it; the verdict reveals it.
CREATE TABLE amdahl.experiment_salt (
  experiment_id bigint PRIMARY KEY REFERENCES amdahl.experiment,
  salt text NOT NULL CHECK (length(salt) BETWEEN 1 AND 64)
);

-- Nothing is tried twice. A new canonical form gets a new fp_version and a row of its own.
CREATE TABLE amdahl.experiment_key (
  fp_version smallint NOT NULL,
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  replicate integer NOT NULL CHECK (replicate >= 0),
  experiment_id bigint NOT NULL REFERENCES amdahl.experiment,
  released boolean NOT NULL DEFAULT false,
  PRIMARY KEY (fp_version, fingerprint, replicate, experiment_id)
);
CREATE UNIQUE INDEX experiment_key_once ON amdahl.experiment_key
  (fp_version, fingerprint, replicate) WHERE NOT released;
CREATE INDEX experiment_key_experiment ON amdahl.experiment_key (experiment_id);

CREATE TABLE amdahl.check_ (
  experiment_id bigint NOT NULL REFERENCES amdahl.experiment,
  check_no smallint NOT NULL CHECK (check_no > 0),
  kind smallint NOT NULL CHECK (kind IN (1, 2, 3, 4, 5, 6, 7)),
  pairs_planned integer NOT NULL CHECK (pairs_planned > 0),
  vote smallint CHECK (vote IN (0, 1, 2)),
  mean double precision,
  PRIMARY KEY (experiment_id, check_no),
  CHECK (kind <> 7 OR vote IS NULL)         -- the extension is evidence, not a voter
);

CREATE TABLE amdahl.pair (
  pair_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  experiment_id bigint NOT NULL REFERENCES amdahl.experiment,
  check_no smallint NOT NULL CHECK (check_no >= 0),
  index bigint NOT NULL CHECK (index > 0),  -- experiment-wide: no two pairs share a coin
  coin smallint NOT NULL CHECK (coin IN (0, 1)),
  state smallint NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
  void_reason text NOT NULL DEFAULT '',
  cause text NOT NULL DEFAULT '',
  run_id bigint,                            -- the run that counts
  ran_first smallint CHECK (ran_first IN (0, 1)),
  nodes text[] NOT NULL DEFAULT '{}',
  opened_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  UNIQUE (experiment_id, index),
  CHECK ((state = 1) = (run_id IS NOT NULL)),
  CHECK ((state = 0) = (closed_at IS NULL))
) WITH (fillfactor = 80);

CREATE TABLE amdahl.worker_run (
  run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id bigint NOT NULL REFERENCES amdahl.job,
  pair_id bigint REFERENCES amdahl.pair,    -- null for a production run of a champion
  experiment_id bigint REFERENCES amdahl.experiment,
  production jsonb,                         -- its frozen run spec
  champion_wins bigint[],                   -- of the champion it runs
  part smallint NOT NULL CHECK (part IN (1, 2)),
  attempt smallint NOT NULL CHECK (attempt BETWEEN 1 AND 20),
  run_key text NOT NULL UNIQUE CHECK (run_key ~ '^al-[a-z2-7]{26}-[0-9]{1,2}$'),
  worker_run_id text NOT NULL UNIQUE,
  cluster text NOT NULL,
  state smallint NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)),
  outcome smallint CHECK (outcome IN (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
  cause smallint NOT NULL DEFAULT 0 CHECK (cause IN (0, 1, 2, 3, 4)),
  reason text NOT NULL DEFAULT '',
  native_id text CHECK (native_id <> ''),
  native_at_us bigint,
  spec_sha text,
  intent_xid xid8,                          -- the transaction that committed the intent to submit
  intent_fence bigint,
  armed_at timestamptz,
  submit_try integer NOT NULL DEFAULT 0,
  submit_answer text CHECK (submit_answer IN ('accepted', 'rejected', 'retry', 'unknown')),
  submit_message text NOT NULL DEFAULT '',
  released boolean NOT NULL DEFAULT false,
  cancel_requested boolean NOT NULL DEFAULT false,
  misses integer NOT NULL DEFAULT 0,
  nodes text[] NOT NULL DEFAULT '{}',
  gpu_us_reserved bigint NOT NULL CHECK (gpu_us_reserved >= 0),
  gpu_us_charged bigint NOT NULL DEFAULT 0 CHECK (gpu_us_charged >= 0),
  planned_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  UNIQUE (pair_id, part, attempt),
  CHECK (num_nulls(pair_id, experiment_id) IN (0, 2)),
  CHECK ((pair_id IS NULL) = (production IS NOT NULL)),
  CHECK ((state = 9) = (outcome IS NOT NULL) AND (state = 9) = (ended_at IS NOT NULL)),
  CHECK (state NOT BETWEEN 2 AND 8 OR native_id IS NOT NULL),
  CHECK (state = 0 OR state = 9 OR (intent_xid IS NOT NULL AND spec_sha IS NOT NULL))
) WITH (fillfactor = 80);
-- One live attempt per part, and per id of the scheduler (Slurm uses its ids again).
CREATE UNIQUE INDEX worker_run_live ON amdahl.worker_run (pair_id, part) WHERE state <> 9;
CREATE UNIQUE INDEX worker_run_native ON amdahl.worker_run (cluster, native_id) WHERE state <> 9;
-- All that a cycle scans, with the open experiments.
CREATE INDEX worker_run_outstanding ON amdahl.worker_run (run_id) WHERE state <> 9;
CREATE INDEX worker_run_experiment ON amdahl.worker_run (experiment_id, run_id);
ALTER TABLE amdahl.pair ADD FOREIGN KEY (run_id) REFERENCES amdahl.worker_run;

CREATE TABLE amdahl.measurement (
  run_id bigint NOT NULL REFERENCES amdahl.worker_run,
  arm smallint NOT NULL CHECK (arm IN (0, 1)),
  position smallint NOT NULL CHECK (position BETWEEN 1 AND 2),  -- in executed order
  started boolean NOT NULL,
  window_us bigint NOT NULL CHECK (window_us >= 0),
  gpus integer NOT NULL CHECK (gpus >= 0),
  units double precision,
  gpu_us_per_unit double precision,
  quality double precision,
  phases jsonb NOT NULL,
  sample_digest text,
  leg jsonb NOT NULL,                       -- everything the shim reported
  PRIMARY KEY (run_id, arm)
);

CREATE TABLE amdahl.verdict (
  experiment_id bigint PRIMARY KEY REFERENCES amdahl.experiment,
  outcome smallint NOT NULL CHECK (outcome IN (0, 1, 2, 3, 4, 5)),
  reason text NOT NULL CHECK (reason <> ''),
  upholds smallint NOT NULL CHECK (upholds >= 0),
  refutes smallint NOT NULL CHECK (refutes >= 0),
  e_value double precision NOT NULL,
  e_needed double precision NOT NULL,
  effect double precision,
  lower double precision,
  upper double precision,
  wins_before bigint NOT NULL,
  evidence jsonb NOT NULL,
  salt text NOT NULL,
  fence bigint NOT NULL,
  decided_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX verdict_outcome ON amdahl.verdict (outcome);

-- What happens to a verdict later: a promotion or a revocation, never an update.
CREATE TABLE amdahl.ruling (
  ruling_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  experiment_id bigint NOT NULL REFERENCES amdahl.verdict,
  kind text NOT NULL CHECK (kind IN ('promoted', 'revoked')),
  reason text NOT NULL CHECK (reason <> ''),
  evidence jsonb NOT NULL DEFAULT '{}',
  fence bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (experiment_id, kind)
);

CREATE TABLE amdahl.production_run (
  production_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cluster text NOT NULL,
  native_id text NOT NULL,
  submitted_at_us bigint NOT NULL,
  attempt integer NOT NULL,
  job_id bigint REFERENCES amdahl.job,
  start_us bigint NOT NULL,
  end_us bigint NOT NULL,
  gpus integer NOT NULL CHECK (gpus >= 0),
  state text NOT NULL,
  units double precision,
  champion boolean NOT NULL,
  wins bigint[] NOT NULL,                   -- of the champion it ran
  gpu_us bigint NOT NULL CHECK (gpu_us >= 0),
  recorded_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (cluster, native_id, submitted_at_us, attempt),
  CHECK (end_us >= start_us)
);
CREATE INDEX production_run_job ON amdahl.production_run (job_id, production_id);

-- Double entry: hours move from one account to another, and back only by a reversal.
CREATE TABLE amdahl.bank (
  entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  debit text NOT NULL CHECK (debit IN ('bank', 'production')),
  credit text NOT NULL CHECK (credit IN ('bank', 'production') AND credit <> debit),
  gpu_us bigint NOT NULL CHECK (gpu_us > 0),
  experiment_id bigint NOT NULL REFERENCES amdahl.experiment,
  production_id bigint REFERENCES amdahl.production_run,
  reverses bigint UNIQUE REFERENCES amdahl.bank,
  period text NOT NULL,                     -- the month the hours were run in: 2026-08
  note text NOT NULL DEFAULT '',
  at timestamptz NOT NULL DEFAULT now(),
  UNIQUE NULLS NOT DISTINCT (experiment_id, production_id, debit, credit, reverses),
  CHECK ((debit = 'bank') = (reverses IS NULL))
);
CREATE INDEX bank_at ON amdahl.bank (at);

-- A webhook, stored before it is acknowledged.
CREATE TABLE amdahl.delivery (
  source text NOT NULL,
  delivery_id text NOT NULL,
  body jsonb NOT NULL,
  native_id text,
  done boolean NOT NULL DEFAULT false,
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source, delivery_id)
);
CREATE INDEX delivery_pending ON amdahl.delivery (received_at) WHERE NOT done;

-- Operators ask here; the leader executes.
CREATE TABLE amdahl.command (
  command_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key text NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 200),
  verb text NOT NULL CHECK (verb ~ '^[a-z][a-z_]{0,62}$'),
  args jsonb NOT NULL CHECK (octet_length(args::text) <= 4194304),
  done boolean NOT NULL DEFAULT false,
  answer jsonb,
  asked_by text NOT NULL DEFAULT session_user,
  asked_at timestamptz NOT NULL DEFAULT now(),
  done_at timestamptz,
  CHECK (done = (answer IS NOT NULL))
);
CREATE INDEX command_pending ON amdahl.command (command_id) WHERE NOT done;
