-- Recomputes what must hold: the chain first, then the tables against it. Answers the first fault.

-- Faults of the chain between two events, in order.
CREATE OR REPLACE FUNCTION amdahl._chain_faults(p_after bigint)
RETURNS TABLE (seq bigint, problem text) LANGUAGE sql STABLE AS $$
  SELECT e.seq, CASE
      WHEN e.seq <> e.expected_seq THEN format('event %s is missing', e.expected_seq)
      WHEN e.prev_hash <> e.expected_prev THEN 'it does not follow the event before it'
      ELSE 'its hash is not that of its content' END
  FROM (SELECT *,
          coalesce(lag(event.seq) OVER chain + 1, p_after + 1) AS expected_seq,
          coalesce(lag(event.hash) OVER chain,
                   (SELECT hash FROM amdahl.event WHERE seq = p_after),
                   decode(repeat('00', 32), 'hex')) AS expected_prev
        FROM amdahl.event WHERE event.seq > p_after WINDOW chain AS (ORDER BY event.seq)) AS e
  WHERE e.seq <> e.expected_seq OR e.prev_hash <> e.expected_prev
    OR e.hash <> amdahl._event_hash(e.prev_hash, e.seq, e.fence, e.kind, e.ref, e.at, e.payload)
  UNION ALL
  SELECT h.head_seq, 'the head is not the last event' FROM amdahl.loop_head h
  WHERE h.head_seq <> (SELECT coalesce(max(event.seq), 0) FROM amdahl.event)
    OR (h.head_seq > 0 AND h.head_hash <> (SELECT hash FROM amdahl.event WHERE event.seq = h.head_seq))
  ORDER BY 1 LIMIT 1
$$;

-- The tables against the events that made them.
CREATE OR REPLACE FUNCTION amdahl._table_faults()
RETURNS TABLE (seq bigint, name text, problem text) LANGUAGE sql STABLE AS $$
  SELECT e.seq, 'verdict', format('the verdict of EXP-%s is not the one that was recorded', v.experiment_id)
  FROM amdahl.verdict v
  LEFT JOIN amdahl.event e ON e.kind = 'verdict_recorded' AND e.ref = 'exp-' || v.experiment_id
  WHERE e.seq IS NULL OR (e.payload::jsonb->>'outcome') <> amdahl._word('outcome', v.outcome)
    OR (e.payload::jsonb->>'evidence_sha') <> encode(amdahl._digest(v.evidence), 'hex')
    OR (e.payload::jsonb->>'reason') <> v.reason
    OR (e.payload::jsonb->>'lower')::double precision IS DISTINCT FROM v.lower
  UNION ALL
  SELECT e.seq, 'worker_run', format('the end of run %s is not the one that was recorded', r.run_id)
  FROM amdahl.worker_run r
  LEFT JOIN amdahl.event e ON e.kind = 'run_ended' AND e.ref = 'run-' || r.run_id
  WHERE r.state = 9 AND (e.seq IS NULL
    OR (e.payload::jsonb->>'outcome') <> amdahl._word('run_outcome', r.outcome)
    OR (e.payload::jsonb->>'gpu_us')::bigint <> r.gpu_us_charged)
  UNION ALL
  SELECT e.seq, 'measurement', format('the legs of run %s are not those that were measured', r.run_id)
  FROM amdahl.worker_run r
  JOIN amdahl.event e ON e.kind = 'run_ended' AND e.ref = 'run-' || r.run_id
  WHERE (e.payload::jsonb->>'legs_sha') <> encode(amdahl._legs_digest(r.run_id), 'hex')
  UNION ALL
  SELECT NULL, 'experiment', format('the salt of EXP-%s is not the one it was registered with', x.experiment_id)
  FROM amdahl.experiment x JOIN amdahl.verdict v USING (experiment_id)
  WHERE x.salt_hash <> sha256(convert_to(v.salt, 'UTF8'))
  UNION ALL
  SELECT NULL, 'pair', format('the coin of pair %s of EXP-%s is not that of its salt', p.index, p.experiment_id)
  FROM amdahl.pair p JOIN amdahl.experiment_salt s USING (experiment_id)
  WHERE p.coin <> get_byte(sha256(convert_to(
    format('exp-%s:%s:%s', p.experiment_id, s.salt, p.index), 'UTF8')), 0) & 1
  UNION ALL
  SELECT NULL, 'experiment', format('the counts of EXP-%s are not those of its pairs and runs', x.experiment_id)
  FROM amdahl.experiment x
  LEFT JOIN (SELECT experiment_id, count(*) AS registered, count(*) FILTER (WHERE state = 1) AS complete,
               count(*) FILTER (WHERE state = 2) AS void
             FROM amdahl.pair GROUP BY experiment_id) AS p USING (experiment_id)
  LEFT JOIN (SELECT experiment_id, sum(gpu_us_charged) AS spent
             FROM amdahl.worker_run GROUP BY experiment_id) AS r USING (experiment_id)
  WHERE (x.pairs_registered, x.pairs_complete, x.pairs_void, x.spent_gpu_us) IS DISTINCT FROM
        (coalesce(p.registered, 0), coalesce(p.complete, 0), coalesce(p.void, 0), coalesce(r.spent, 0))
  UNION ALL
  SELECT NULL, 'loop_total', 'the sums are not those of the runs and the bank'
  FROM amdahl.loop_total t
  WHERE t.spent_gpu_us <> (SELECT coalesce(sum(gpu_us_charged), 0) FROM amdahl.worker_run
                           WHERE experiment_id IS NOT NULL)
    OR t.banked_gpu_us <> (SELECT coalesce(sum(gpu_us), 0) FROM amdahl.bank WHERE debit = 'bank')
    OR t.clawed_back_gpu_us <> (SELECT coalesce(sum(gpu_us), 0) FROM amdahl.bank WHERE credit = 'bank')
  ORDER BY 1 NULLS LAST LIMIT 1
$$;

CREATE OR REPLACE FUNCTION amdahl.read_verify(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, amdahl, pg_temp SET work_mem = '64MB' AS $$
  SELECT jsonb_build_object('schema', 'amdahl.verify/v1', 'ok', f.problem IS NULL,
    'events', (SELECT head_seq FROM loop_head),
    'first_bad', CASE WHEN f.problem IS NOT NULL THEN jsonb_build_object(
      'seq', f.seq, 'table', f.name, 'problem', f.problem) END)
  FROM (SELECT 1) AS one LEFT JOIN LATERAL (
    SELECT * FROM (
      SELECT 1 AS turn, seq, 'event' AS name, problem
      FROM amdahl._chain_faults(coalesce((p_args->>'after')::bigint, 0))
      UNION ALL
      SELECT 2, seq, name, problem FROM amdahl._table_faults()) AS faults
    ORDER BY turn LIMIT 1) AS f ON true
$$;
