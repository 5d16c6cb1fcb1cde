-- 4,000 decided experiments of 25 pairs each, as the stages would have left them. Reads the temporary
-- table `template` (spec, baseline, protocol, leg, jobs); runs as the owner, in one transaction.

-- Sealed at the end, all at once: what triggers note of each row is meant for a stage's few.
DO $$
DECLARE v_table text;
BEGIN
  FOR v_table IN SELECT name FROM amdahl._chained_tables() LOOP
    EXECUTE format('ALTER TABLE amdahl.%I DISABLE TRIGGER seal_insert, DISABLE TRIGGER seal_update', v_table);
  END LOOP;
END
$$;

INSERT INTO amdahl.job (slug, cluster, spec, spec_sha, baseline, champion)
SELECT 'job-' || n, 'fleet', spec, amdahl._digest(spec), baseline, baseline
FROM (SELECT n, jsonb_set(t.spec, '{name}', to_jsonb('job-' || n)) AS spec, t.baseline
      FROM template t, generate_series(1, t.jobs) AS n ORDER BY n) AS jobs;

-- Each experiment once, with what it tried: what is live asks other values of the same knob.
CREATE TEMP TABLE trial ON COMMIT DROP AS
SELECT n AS id, (n - 1) % t.jobs + 1 AS job_id, n % 20 = 0 AS win, 'salt of ' || n AS salt,
  jsonb_build_array(jsonb_build_object('kind', 'arg', 'name', 'knob', 'value', (100 + n)::text)) AS change,
  now() - interval '1 year' * (1 - n / 4001.0) AS at
FROM template t, generate_series(1, 4000) AS n;

INSERT INTO amdahl.hypothesis (job_id, source, state, phase, ceiling, change, change_sha, rationale, proposed_at)
SELECT job_id, 0, 2, 'input', 2, change, amdahl._digest(change),
  'knob knob attacks input, 50 % of the paid time of the champion''s runs', at
FROM trial ORDER BY id;

INSERT INTO amdahl.experiment (job_id, hypothesis_id, kind, state, protocol, protocol_sha, change, change_sha,
  baseline_sha, checks, stream_id, t, salt_hash, claim, pairs_per_check, last_index, pairs_registered,
  pairs_complete, spent_gpu_us, created_fence, registered_at)
SELECT job_id, id, 0, 2, jsonb_set(jsonb_set(p.protocol, '{t}', to_jsonb(id)), '{changes}', change),
  encode(amdahl._digest(change), 'hex'), change, amdahl._digest(change), amdahl._digest(p.protocol->'baseline'),
  5, 1, id, sha256(convert_to(salt, 'UTF8')), 0.3, 4, 5, 25, 25, 25 * 16000000, 1, at
FROM trial, template p ORDER BY id;

INSERT INTO amdahl.experiment_salt SELECT id, salt FROM trial;
INSERT INTO amdahl.experiment_key (fp_version, fingerprint, replicate, experiment_id)
SELECT 1, amdahl._digest(change), 0, id FROM trial;
INSERT INTO amdahl.check_ (experiment_id, check_no, kind, pairs_planned, vote, mean)
SELECT id, check_no, 3, 4, CASE WHEN win THEN 0 ELSE 1 END, CASE WHEN win THEN 0.5 ELSE 0.0 END
FROM trial, generate_series(1, 5) AS check_no;

-- Five pairs of discovery, four of each check; the identities run 1, 2, … in this order.
INSERT INTO amdahl.pair (experiment_id, check_no, index, coin, opened_at)
SELECT id, greatest(0, (i - 2) / 4), i, amdahl._coin(id, i), at
FROM trial, generate_series(1, 25) AS i ORDER BY id, i;

INSERT INTO amdahl.worker_run (job_id, pair_id, experiment_id, part, attempt, run_key, worker_run_id, cluster,
  state, outcome, cause, native_id, native_at_us, spec_sha, intent_xid, intent_fence, armed_at, submit_try,
  submit_answer, released, nodes, gpu_us_reserved, gpu_us_charged, planned_at, ended_at)
SELECT e.job_id, p.pair_id, e.experiment_id, 1, 1, k.key, 'fleet/fleet/' || k.key, 'fleet', 9, 0, 1,
  'h-' || p.pair_id, 1, encode(sha256(convert_to(k.key, 'UTF8')), 'hex'), '3'::xid8, 1, p.opened_at, 1,
  'accepted', true, ARRAY['node-' || p.pair_id % 50], 480000000, 16000000, p.opened_at,
  p.opened_at + interval '5 seconds'
FROM amdahl.pair p JOIN amdahl.experiment e USING (experiment_id),
  LATERAL (SELECT 'al-' || left(translate(md5(p.pair_id::text), '0189', 'ghij'), 26) || '-1' AS key) AS k
ORDER BY p.pair_id;

INSERT INTO amdahl.measurement (run_id, arm, position, started, window_us, gpus, units, gpu_us_per_unit, phases,
  sample_digest, leg)
SELECT r.run_id, a.arm, CASE WHEN a.arm = p.coin THEN 1 ELSE 2 END, true, 2000000, 4, 100, 80000,
  t.leg->'phase_seconds', t.leg->>'sample_digest', t.leg || jsonb_build_object('arm', amdahl._word('arm', a.arm))
FROM amdahl.worker_run r JOIN amdahl.pair p USING (pair_id), template t,
  (VALUES (0::smallint), (1::smallint)) AS a(arm)
ORDER BY r.run_id, a.arm;

UPDATE amdahl.pair p SET state = 1, run_id = r.run_id, ran_first = p.coin, nodes = r.nodes, closed_at = r.ended_at
FROM amdahl.worker_run r WHERE r.pair_id = p.pair_id;

-- The trigger recounts votes and wins row by row.
INSERT INTO amdahl.verdict (experiment_id, outcome, reason, upholds, refutes, e_value, e_needed, effect, lower,
  upper, wins_before, evidence, salt, fence, decided_at)
SELECT id, CASE WHEN win THEN 0 ELSE 2 END,
  CASE WHEN win THEN '5 of 5 checks uphold it' ELSE '0 of 5 checks uphold it' END,
  CASE WHEN win THEN 5 ELSE 0 END, CASE WHEN win THEN 0 ELSE 5 END,
  CASE WHEN win THEN 5000 ELSE 12 END, 400, CASE WHEN win THEN 0.5 ELSE 0.0 END,
  CASE WHEN win THEN 0.4 ELSE -0.1 END, CASE WHEN win THEN 0.6 ELSE 0.1 END, (id - 1) / 20,
  jsonb_build_object('pairs', 25, 'check_no', id, 'legs', jsonb_build_array(t.leg, t.leg)), salt, 1,
  at + interval '3 minutes'
FROM trial, template t ORDER BY id;

UPDATE amdahl.experiment x SET state = 3, ended_at = v.decided_at
FROM amdahl.verdict v WHERE v.experiment_id = x.experiment_id;
UPDATE amdahl.hypothesis h SET state = 3, experiment_id = h.hypothesis_id, reason = v.reason
FROM amdahl.verdict v WHERE v.experiment_id = h.hypothesis_id;
UPDATE amdahl.fdr_stream SET next_t = 4001;
UPDATE amdahl.job j SET champion_wins = w.wins, champion_moves = cardinality(w.wins)
FROM (SELECT job_id, array_agg(id::bigint ORDER BY id) AS wins FROM trial WHERE win GROUP BY job_id) AS w
WHERE w.job_id = j.job_id;

-- Production under the champions, and what each win banked of it.
INSERT INTO amdahl.production_run (cluster, native_id, submitted_at_us, attempt, job_id, start_us, end_us, gpus,
  state, units, champion, wins, gpu_us, recorded_at)
SELECT 'fleet', 'p-' || n, n, 1, j.job_id, n * 1000000::bigint, n * 1000000::bigint + 3600000000, 4, 'succeeded',
  100000, true, j.champion_wins, 14400000000, now() - interval '1 year' * (1 - n / 10001.0)
FROM generate_series(1, 10000) AS n, template t
JOIN amdahl.job j ON true WHERE j.job_id = n % t.jobs + 1 ORDER BY n;
INSERT INTO amdahl.bank (debit, credit, gpu_us, experiment_id, production_id, period, at)
SELECT 'bank', 'production', floor(p.gpu_us * (exp(0.4::float8) - 1))::bigint, w.id, p.production_id, '2026-01', p.recorded_at
FROM amdahl.production_run p, unnest(p.wins) AS w(id) ORDER BY p.production_id, w.id;

INSERT INTO amdahl.spend (bucket_at, gpu_us)
SELECT date_bin('10 minutes', ended_at, 'epoch'), sum(gpu_us_charged) FROM amdahl.worker_run GROUP BY 1;
UPDATE amdahl.loop_total SET spent_gpu_us = (SELECT sum(gpu_us_charged) FROM amdahl.worker_run),
  banked_gpu_us = (SELECT coalesce(sum(gpu_us), 0) FROM amdahl.bank);

INSERT INTO amdahl.command (key, verb, args, done, answer, done_at)
SELECT 'done-' || n, 'propose', '{"job":"job-1"}', true, '{"ok":true}', now() FROM generate_series(1, 2000) AS n;

-- The chain: what these rows were said to be when they were made. The aggregate is the chain's own link.
CREATE AGGREGATE pg_temp.chain(bigint, bigint, text, text, timestamptz, text) (
  sfunc = amdahl._event_hash, stype = bytea,
  initcond = '\x0000000000000000000000000000000000000000000000000000000000000000');

WITH said AS (
  SELECT p.experiment_id AS x, p.pair_id AS y, s.*
  FROM amdahl.pair p JOIN amdahl.worker_run r USING (pair_id), LATERAL (VALUES
    (1, 'pair_opened', 'pair-' || p.pair_id, p.opened_at, jsonb_build_object('experiment', p.experiment_id,
      'check_no', p.check_no, 'index', p.index, 'coin', p.coin)),
    (2, 'run_planned', 'run-' || r.run_id, p.opened_at, jsonb_build_object('pair', p.pair_id, 'part', 1,
      'attempt', 1, 'run_key', r.run_key)),
    (3, 'run_armed', 'run-' || r.run_id, p.opened_at, jsonb_build_object('try', 1, 'spec_sha', r.spec_sha)),
    (4, 'run_submitted', 'run-' || r.run_id, p.opened_at, jsonb_build_object('native_id', r.native_id,
      'native_at_us', r.native_at_us)),
    (5, 'run_released', 'run-' || r.run_id, p.opened_at, '{}'),
    (6, 'run_ended', 'run-' || r.run_id, r.ended_at, jsonb_build_object('outcome', 'succeeded', 'cause', 'app',
      'reason', '', 'gpu_us', r.gpu_us_charged, 'legs_sha', encode(amdahl._legs_digest(r.run_id), 'hex'))),
    (7, 'pair_completed', 'pair-' || p.pair_id, r.ended_at, jsonb_build_object('run', r.run_id, 'reason', '',
      'cause', ''))) AS s(place, kind, ref, at, payload)
  UNION ALL
  SELECT e.experiment_id, 0, 0, 'experiment_registered', 'exp-' || e.experiment_id, e.registered_at,
    jsonb_build_object('job', e.job_id, 'hypothesis', e.hypothesis_id, 'kind', 'trial',
      'protocol_sha', e.protocol_sha, 't', e.t, 'checks', e.checks, 'salt_hash', encode(e.salt_hash, 'hex'))
  FROM amdahl.experiment e
  UNION ALL
  SELECT v.experiment_id, 1000000000, 0, 'verdict_recorded', 'exp-' || v.experiment_id, v.decided_at,
    jsonb_build_object('outcome', amdahl._word('outcome', v.outcome), 'reason', v.reason, 'upholds', v.upholds,
      'refutes', v.refutes, 'e_value', v.e_value, 'e_needed', v.e_needed, 'effect', v.effect, 'lower', v.lower,
      'upper', v.upper, 'wins_before', v.wins_before, 'salt', v.salt,
      'evidence_sha', encode(amdahl._digest(v.evidence), 'hex'), 'fingerprint_released', false)
  FROM amdahl.verdict v),
numbered AS MATERIALIZED (
  SELECT row_number() OVER (ORDER BY x, y, place) AS seq, kind, ref, at, payload::text AS payload FROM said),
linked AS (
  SELECT *, pg_temp.chain(seq, 0::bigint, kind, ref, at, payload)
            OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS hash FROM numbered)
INSERT INTO amdahl.event (seq, fence, kind, ref, at, payload, prev_hash, hash)
SELECT seq, 0, kind, ref, at, payload, lag(hash, 1, decode(repeat('00', 32), 'hex')) OVER (ORDER BY seq), hash
FROM linked ORDER BY seq;
UPDATE amdahl.loop_head SET head_seq = e.seq, head_hash = e.hash
FROM (SELECT seq, hash FROM amdahl.event ORDER BY seq DESC LIMIT 1) AS e;

DO $$
DECLARE v_table text;
BEGIN
  FOR v_table IN SELECT name FROM amdahl._chained_tables() LOOP
    EXECUTE format('ALTER TABLE amdahl.%I ENABLE TRIGGER seal_insert, ENABLE TRIGGER seal_update', v_table);
  END LOOP;
END
$$;
SELECT amdahl._seal_old_rows();
