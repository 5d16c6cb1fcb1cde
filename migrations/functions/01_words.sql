-- Enumerators as SQL and JSON spell them; a test compares them with core/states.hpp.
CREATE OR REPLACE FUNCTION amdahl._word(p_enum text, p_value smallint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT (CASE p_enum
    WHEN 'experiment_state' THEN ARRAY['registered', 'discovering', 'refuting', 'decided', 'aborted']
    WHEN 'experiment_kind' THEN ARRAY['trial', 'canary', 'reproof']
    WHEN 'hypothesis_state' THEN
      ARRAY['proposed', 'awaiting_approval', 'registered', 'decided', 'rejected', 'withdrawn']
    WHEN 'hypothesis_source' THEN ARRAY['playbook', 'prior_win', 'agent', 'human']
    WHEN 'pair_state' THEN ARRAY['open', 'complete', 'void']
    WHEN 'run_state' THEN ARRAY['planned', 'submitting', 'submitted', 'queued', 'held', 'starting',
      'running', 'suspended', 'finishing', 'ended']
    WHEN 'run_outcome' THEN ARRAY['succeeded', 'failed', 'timed_out', 'out_of_memory', 'cancelled',
      'preempted', 'node_failed', 'launch_failed', 'unschedulable', 'rejected', 'lost']
    WHEN 'cause' THEN ARRAY['none', 'app', 'infra', 'policy', 'operator']
    WHEN 'arm' THEN ARRAY['baseline', 'variant']
    WHEN 'outcome' THEN ARRAY['win', 'provisional', 'refuted', 'no_effect', 'inconclusive', 'void']
    WHEN 'vote' THEN ARRAY['uphold', 'refute', 'inconclusive']
    WHEN 'check_kind' THEN ARRAY['discovery', 'later_replication', 'node_swap', 'seed_and_shard',
      'scale', 'clean_rebuild', 'neighbour_job', 'extension']
  END)[p_value + 1]
$$;

-- The number of a word; null when there is none.
CREATE OR REPLACE FUNCTION amdahl._number(p_enum text, p_word text) RETURNS smallint
LANGUAGE sql IMMUTABLE AS $$
  SELECT n::smallint FROM generate_series(0, 20) AS n
  WHERE amdahl._word(p_enum, n::smallint) = p_word
$$;

-- RFC 3339, UTC, microseconds.
CREATE OR REPLACE FUNCTION amdahl._ts(p_at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

CREATE OR REPLACE FUNCTION amdahl._us(p_at timestamptz) RETURNS bigint
LANGUAGE sql STABLE AS $$ SELECT (extract(epoch FROM p_at) * 1000000)::bigint $$;

CREATE OR REPLACE FUNCTION amdahl._hours(p_gpu_us numeric) RETURNS double precision
LANGUAGE sql IMMUTABLE AS $$ SELECT (p_gpu_us / 3600000000.0)::double precision $$;

-- jsonb has one text per value, so this is a digest of the value.
CREATE OR REPLACE FUNCTION amdahl._digest(p_value jsonb) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$ SELECT sha256(convert_to(p_value::text, 'UTF8')) $$;

CREATE OR REPLACE FUNCTION amdahl._texts(p_array jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(array_agg(word ORDER BY place), '{}')
  FROM jsonb_array_elements_text(p_array) WITH ORDINALITY AS e(word, place)
$$;
