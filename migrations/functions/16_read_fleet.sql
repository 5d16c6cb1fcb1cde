-- The loop at a glance: counts come from partial indexes, money from running sums.
DROP FUNCTION IF EXISTS amdahl._loop_json();
CREATE OR REPLACE FUNCTION amdahl._loop_json(p_lease_s double precision) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    -- A holder renews several times in a lease; one of silence on the database's clock is no holder.
    'state', CASE WHEN released OR touched_at < clock_timestamp() - make_interval(secs => p_lease_s)
                  THEN 'no_leader' WHEN paused THEN 'paused' ELSE 'running' END,
    'holder', nullif(holder, ''), 'term', term, 'fence', fence, 'renew_seq', renew_seq,
    'head_seq', head_seq, 'head_hash', encode(head_hash, 'hex'), 'paused', paused,
    'paused_reason', CASE WHEN paused THEN paused_reason END, 'touched_at', amdahl._ts(touched_at))
  FROM amdahl.loop_head
$$;

-- What the chain decides: it is the same as long as the head is.
CREATE OR REPLACE FUNCTION amdahl._status_at_head() RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object(
    'jobs', (SELECT count(*) FROM job),
    'experiments', (SELECT amdahl._counts('experiment_state', array_agg(state), array_agg(n))
      FROM (SELECT state, count(*) AS n FROM experiment GROUP BY state) AS c),
    'open', (SELECT coalesce(jsonb_agg(amdahl._summary(experiment_id) ORDER BY experiment_id), '[]')
      FROM (SELECT experiment_id FROM experiment WHERE state IN (0, 1, 2)
            ORDER BY experiment_id LIMIT 200) AS open),
    'hypotheses', (SELECT amdahl._counts('hypothesis_state', array_agg(state), array_agg(n))
      FROM (SELECT state, count(*) AS n FROM hypothesis GROUP BY state) AS c),
    'awaiting', (SELECT coalesce(jsonb_agg(amdahl._hypothesis_json(awaiting)
                                           ORDER BY hypothesis_id), '[]')
      FROM (SELECT * FROM hypothesis WHERE state IN (0, 1, 2) AND state = 1
            ORDER BY hypothesis_id LIMIT 50) AS awaiting),
    'runs', (SELECT amdahl._counts('run_state', array_agg(state), array_agg(n)) - 'ended'
      FROM (SELECT state, count(*) AS n FROM worker_run WHERE state <> 9 GROUP BY state) AS c),
    'bank', amdahl._bank_totals(),
    'verdicts', (SELECT amdahl._counts('outcome', array_agg(outcome), array_agg(n))
      FROM (SELECT outcome, count(*) AS n FROM verdict GROUP BY outcome) AS c),
    'reserved_gpu_hours', (SELECT amdahl._hours(coalesce(sum(gpu_us_reserved), 0)) FROM worker_run
      WHERE state <> 9 AND experiment_id IS NOT NULL))
$$;

-- Whoever has seen it names the hash that the head had (`unless_head`), and is told what goes on without
-- the chain.
CREATE OR REPLACE FUNCTION amdahl.read_status(p_args jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_now jsonb := jsonb_build_object('schema', 'amdahl.status/v1',
    'loop', amdahl._loop_json(coalesce((p_args->>'lease_ttl_s')::double precision, 15)),
    'spent_gpu_hours_24h', (SELECT amdahl._hours(coalesce(sum(gpu_us), 0)) FROM spend
      WHERE bucket_at > now() - interval '24 hours'),
    'deliveries_pending', (SELECT count(*) FROM delivery_waiting),
    'commands_pending', (SELECT count(*) FROM command WHERE NOT done));
BEGIN
  IF p_args->'unless_head' = v_now#>'{loop,head_hash}' THEN RETURN v_now; END IF;
  RETURN v_now || amdahl._status_at_head();
END
$$;

CREATE OR REPLACE FUNCTION amdahl.read_bank(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('schema', 'amdahl.bank/v1') || amdahl._bank_totals()
    || jsonb_build_object('entries', entries, 'next_cursor', amdahl._next(
      'bank', p_args, jsonb_array_length(entries), (entries->-1->>'entry')::bigint))
  FROM amdahl._bank_entries((p_args->>'since')::timestamptz, NULL, (amdahl._after('bank', p_args))[1],
                            amdahl._limit(p_args)) AS entries
$$;

-- By waste: what a month of production pays for beyond computing. Unknown is last, never zero.
CREATE OR REPLACE FUNCTION amdahl._rank_row(p_job amdahl.job) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  WITH shares AS (
    SELECT key AS phase, value::double precision AS share FROM jsonb_each_text(p_job.phase_share)),
  largest AS (
    SELECT phase, share FROM shares WHERE phase NOT IN ('compute', 'unknown')
    ORDER BY share DESC, phase LIMIT 1),
  paid AS (
    SELECT (p_job.spec->>'runs_per_month')::double precision AS runs,
           amdahl._gpu_us_per_run(p_job.job_id) / 3.6e9 AS hours)
  SELECT jsonb_build_object(
    'job', p_job.slug, 'cluster', p_job.cluster, 'runs_per_month', paid.runs,
    'gpu_hours_per_run', paid.hours, 'gpu_hours_per_month', paid.runs * paid.hours,
    'waste_gpu_hours_per_month', paid.runs * paid.hours
      * CASE WHEN (SELECT share FROM shares WHERE phase = 'unknown') < 1 OR p_job.phase_share ? 'compute'
             THEN 1 - coalesce((SELECT share FROM shares WHERE phase = 'compute'), 0) END,
    'phase_share', p_job.phase_share, 'largest_phase', (SELECT phase FROM largest),
    'ceiling', (SELECT 1 / nullif(1 - share, 0) FROM largest),
    'explained_share', 1 - (SELECT coalesce(sum(share) FILTER (WHERE phase = 'unknown'), 0)
                            FROM shares HAVING count(*) > 0),
    'next', coalesce(
      (SELECT format('EXP-%s %s', experiment_id, amdahl._word('experiment_state', state))
       FROM amdahl.experiment WHERE job_id = p_job.job_id AND state IN (0, 1, 2)
       ORDER BY experiment_id LIMIT 1),
      (SELECT format('hypothesis %s %s', hypothesis_id, amdahl._word('hypothesis_state', state))
       FROM amdahl.hypothesis WHERE job_id = p_job.job_id AND state IN (0, 1, 2) AND state < 2
       ORDER BY state, hypothesis_id LIMIT 1)))
  FROM paid
$$;
