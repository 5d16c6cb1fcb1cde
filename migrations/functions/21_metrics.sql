-- What /metrics shows of the ledger: read at each scrape, so that a counter survives the service.

-- How a change acts. Without a sublink, so that it is inlined: it is asked once per experiment.
CREATE OR REPLACE FUNCTION amdahl._mechanism(p_change jsonb) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN jsonb_array_length(p_change) = 0 THEN 'none'
    WHEN jsonb_array_length(p_change) = 1 THEN p_change->0->>'kind'
    WHEN jsonb_path_exists(p_change, '$[*] ? (@.kind != $first)',
                           jsonb_build_object('first', p_change->0->'kind')) THEN 'several'
    ELSE p_change->0->>'kind' END
$$;

-- How long the checks of those experiments took that were decided after event `p_after`, first pair
-- opened to last pair closed. Of the last 100,000 events only: who asks rarely misses some.
CREATE OR REPLACE FUNCTION amdahl._checks_since(p_after bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('kind', amdahl._word('check_kind', c.kind),
    'vote', amdahl._word('vote', c.vote), 'seconds', p.seconds)), '[]')
  FROM amdahl.event v
  JOIN amdahl.check_ c ON c.experiment_id = substr(v.ref, 5)::bigint AND c.vote IS NOT NULL,
  LATERAL (SELECT extract(epoch FROM max(closed_at) - min(opened_at)) AS seconds FROM amdahl.pair
           WHERE experiment_id = c.experiment_id AND check_no = c.check_no) AS p
  WHERE v.seq > greatest(p_after, (SELECT head_seq FROM amdahl.loop_head) - 100000)
    AND v.kind = 'verdict_recorded' AND p.seconds IS NOT NULL
$$;

-- What waits, and for how long the longest. On the database's clock, which stamped it.
CREATE OR REPLACE FUNCTION amdahl._queue(p_depth bigint, p_oldest timestamptz) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('depth', p_depth, 'oldest_s',
    coalesce(greatest(extract(epoch FROM clock_timestamp() - p_oldest), 0), 0))
$$;

-- No plan of these is worth a compiler.
CREATE OR REPLACE FUNCTION amdahl.read_metrics(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp SET jit = off AS $$
  WITH tried AS MATERIALIZED (
    SELECT e.experiment_id, e.state, e.spent_gpu_us, j.cluster,
           amdahl._mechanism(e.change) AS mechanism
    FROM experiment e JOIN job j USING (job_id)),
  banked AS (
    SELECT experiment_id, sum(gpu_us) FILTER (WHERE debit = 'bank') AS banked,
           sum(gpu_us) FILTER (WHERE debit = 'production') AS clawed_back
    FROM bank GROUP BY experiment_id)
  SELECT jsonb_build_object('schema', 'amdahl.metrics/v1',
    'head_seq', (SELECT head_seq FROM loop_head),
    'experiments', (SELECT amdahl._counts('experiment_state', array_agg(state), array_agg(n))
      FROM (SELECT state, count(*) AS n FROM tried GROUP BY state) AS c),
    'cost', (SELECT coalesce(jsonb_agg(jsonb_build_object('cluster', cluster, 'gpu_us', n)), '[]')
      FROM (SELECT cluster, sum(spent_gpu_us) AS n FROM tried GROUP BY cluster) AS c),
    'verdicts', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'verdict', amdahl._word('outcome', outcome), 'mechanism', mechanism, 'count', n)), '[]')
      FROM (SELECT outcome, mechanism, count(*) AS n FROM verdict JOIN tried USING (experiment_id)
            GROUP BY outcome, mechanism) AS c),
    -- A win has no veto.
    'guardrails', (SELECT coalesce(jsonb_agg(jsonb_build_object('guardrail', name, 'count', n)), '[]')
      FROM (SELECT g->>'gate' AS name, count(*) AS n
            FROM verdict v, jsonb_path_query(v.evidence, '$.gates[*] ? (@.outcome == "veto")') AS g
            WHERE v.outcome <> 0 GROUP BY 1) AS c),
    'votes', (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', amdahl._word('check_kind', kind),
        'vote', amdahl._word('vote', vote), 'count', n)), '[]')
      FROM (SELECT kind, vote, count(*) AS n FROM check_ WHERE vote IS NOT NULL
            GROUP BY kind, vote) AS c),
    'checks', CASE WHEN p_args ? 'after'
      THEN amdahl._checks_since((p_args->>'after')::bigint) END,
    'after', p_args->'after',
    'bank', (SELECT coalesce(jsonb_agg(jsonb_build_object('cluster', cluster, 'mechanism', mechanism,
        'banked_gpu_us', banked, 'clawed_back_gpu_us', clawed_back)), '[]')
      FROM (SELECT cluster, mechanism, coalesce(sum(banked), 0) AS banked,
                   coalesce(sum(clawed_back), 0) AS clawed_back
            FROM banked JOIN tried USING (experiment_id) GROUP BY cluster, mechanism) AS c),
    'queues', jsonb_build_object(
      'deliveries', (SELECT amdahl._queue(count(*), min(received_at)) FROM delivery_waiting),
      'commands', (SELECT amdahl._queue(count(*), min(asked_at)) FROM command WHERE NOT done),
      'runs', (SELECT amdahl._queue(count(*), min(planned_at)) FROM worker_run
               WHERE state <> 9 AND state < 5)))
$$;
