-- Lists: newest first, by keyset.
CREATE OR REPLACE FUNCTION amdahl._job_json(p_job amdahl.job) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'job', p_job.job_id, 'name', p_job.slug, 'cluster', p_job.cluster,
    'knobs', (SELECT coalesce(jsonb_agg(knob->>'name'), '[]')
              FROM jsonb_array_elements(p_job.spec->'knobs') AS knob),
    'champion_moves', p_job.champion_moves, 'wins', to_jsonb(p_job.champion_wins),
    'sigma0', p_job.sigma0,
    'hypotheses_open', (SELECT count(*) FROM amdahl.hypothesis
                        WHERE job_id = p_job.job_id AND state IN (0, 1, 2)),
    'experiments_decided', (SELECT count(*) FROM amdahl.experiment
                            WHERE job_id = p_job.job_id AND state = 3),
    'paused', p_job.paused, 'added_at', amdahl._ts(p_job.added_at))
$$;

CREATE OR REPLACE FUNCTION amdahl.read_jobs(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  WITH page AS (
    SELECT * FROM job WHERE job_id > coalesce((SELECT (amdahl._after('jobs', p_args))[1]), 0)
    ORDER BY job_id LIMIT amdahl._limit(p_args))
  SELECT jsonb_build_object('schema', 'amdahl.jobs/v1',
    'jobs', coalesce(jsonb_agg(amdahl._job_json(page) ORDER BY job_id), '[]'),
    'next_cursor', amdahl._next('jobs', p_args, count(*), max(job_id)))
  FROM page
$$;

CREATE OR REPLACE FUNCTION amdahl.read_job(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('schema', 'amdahl.job/v1') || amdahl._job_json(job) || jsonb_build_object(
    'spec', spec, 'baseline', baseline, 'champion', champion, 'phase_share', phase_share,
    'experiments', (SELECT coalesce(jsonb_agg(amdahl._summary(experiment_id)
                                              ORDER BY experiment_id DESC), '[]')
      FROM (SELECT experiment_id FROM experiment e WHERE e.job_id = job.job_id
            ORDER BY experiment_id DESC LIMIT 200) AS latest),
    'production', (SELECT jsonb_build_object(
        'runs', count(*), 'gpu_hours', amdahl._hours(coalesce(sum(gpu_us), 0)),
        'champion_runs', count(*) FILTER (WHERE champion))
      FROM production_run p WHERE p.job_id = job.job_id))
  FROM job WHERE slug = p_args->>'name'
$$;

CREATE OR REPLACE FUNCTION amdahl.read_hypotheses(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  WITH page AS (
    SELECT h.* FROM hypothesis h JOIN job j USING (job_id)
    WHERE (p_args->>'job' IS NULL OR j.slug = p_args->>'job')
      AND (p_args->>'state' IS NULL
           OR h.state = amdahl._asked('hypothesis_state', p_args->>'state'))
      AND (p_args->>'hypothesis' IS NULL OR h.hypothesis_id = (p_args->>'hypothesis')::bigint)
      AND h.hypothesis_id < coalesce((SELECT (amdahl._after('hypotheses', p_args))[1]), 9223372036854775807)
    ORDER BY h.hypothesis_id DESC LIMIT amdahl._limit(p_args))
  SELECT jsonb_build_object('schema', 'amdahl.hypotheses/v1',
    'hypotheses', coalesce(jsonb_agg(amdahl._hypothesis_json(page) ORDER BY hypothesis_id DESC), '[]'),
    'next_cursor', amdahl._next('hypotheses', p_args, count(*), min(hypothesis_id)))
  FROM page
$$;

CREATE OR REPLACE FUNCTION amdahl.read_experiments(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  WITH page AS (
    SELECT e.experiment_id FROM experiment e JOIN job j USING (job_id)
    LEFT JOIN verdict v USING (experiment_id)
    WHERE (p_args->>'job' IS NULL OR j.slug = p_args->>'job')
      AND (p_args->>'state' IS NULL
           OR e.state = amdahl._asked('experiment_state', p_args->>'state'))
      AND (p_args->>'outcome' IS NULL OR v.outcome = amdahl._asked('outcome', p_args->>'outcome'))
      AND e.experiment_id < coalesce((SELECT (amdahl._after('experiments', p_args))[1]), 9223372036854775807)
    ORDER BY e.experiment_id DESC LIMIT amdahl._limit(p_args))
  SELECT jsonb_build_object('schema', 'amdahl.experiments/v1',
    'experiments', coalesce(jsonb_agg(amdahl._summary(experiment_id) ORDER BY experiment_id DESC), '[]'),
    'next_cursor', amdahl._next('experiments', p_args, count(*), min(experiment_id)))
  FROM page
$$;

CREATE OR REPLACE FUNCTION amdahl.read_runs(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  WITH page AS (
    SELECT * FROM worker_run
    WHERE (p_args->>'experiment' IS NULL OR experiment_id = (p_args->>'experiment')::bigint)
      AND (p_args->>'state' IS NULL OR state = amdahl._asked('run_state', p_args->>'state'))
      AND run_id < coalesce((SELECT (amdahl._after('runs', p_args))[1]), 9223372036854775807)
    ORDER BY run_id DESC LIMIT amdahl._limit(p_args))
  SELECT jsonb_build_object('schema', 'amdahl.runs/v1',
    'runs', coalesce(jsonb_agg(jsonb_build_object(
      'run', r.run_id, 'run_key', r.run_key, 'worker_run_id', r.worker_run_id,
      'job', (SELECT slug FROM job j WHERE j.job_id = r.job_id),
      'experiment', r.experiment_id, 'pair_index', p.index, 'check_no', p.check_no,
      'attempt', r.attempt, 'state', amdahl._word('run_state', r.state),
      'outcome', amdahl._word('run_outcome', r.outcome), 'cause', amdahl._word('cause', r.cause),
      'reason', nullif(r.reason, ''), 'native_id', r.native_id, 'cluster', r.cluster,
      'gpu_hours_reserved', amdahl._hours(r.gpu_us_reserved),
      'gpu_hours_charged', amdahl._hours(r.gpu_us_charged),
      'submit_message', nullif(r.submit_message, ''), 'nodes', to_jsonb(r.nodes),
      'planned_at', amdahl._ts(r.planned_at), 'ended_at', amdahl._ts(r.ended_at))
      ORDER BY r.run_id DESC), '[]'),
    'next_cursor', amdahl._next('runs', p_args, count(*), min(r.run_id)))
  FROM page r LEFT JOIN pair p USING (pair_id)
$$;

CREATE OR REPLACE FUNCTION amdahl.read_events(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('schema', 'amdahl.events/v1', 'events', coalesce(jsonb_agg(
    jsonb_build_object('seq', seq, 'fence', fence, 'kind', kind, 'ref', ref, 'at', amdahl._ts(at),
                       'payload', payload::jsonb) ORDER BY seq), '[]'),
    'next_cursor', CASE WHEN count(*) = amdahl._limit(p_args) THEN max(seq) END)
  FROM (SELECT * FROM event WHERE seq > coalesce((p_args->>'after')::bigint, 0)
          -- Seals are for verify, not for people, unless asked for.
          AND CASE WHEN p_args ? 'kind' THEN kind = p_args->>'kind'
                   ELSE kind <> 'rows_changed' OR coalesce((p_args->>'all')::boolean, false) END
        ORDER BY seq LIMIT amdahl._limit(p_args)) AS page
$$;
