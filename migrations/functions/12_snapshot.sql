-- The cold read: everything a cycle needs, in one statement and one snapshot. It touches open rows
-- only (partial indexes), so its cost does not grow with history.
CREATE OR REPLACE FUNCTION amdahl._pairs_json(p_experiment bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'id', p.pair_id, 'check_no', p.check_no, 'index', p.index, 'coin', p.coin, 'state', p.state,
    'void_reason', p.void_reason, 'ran_first', p.ran_first, 'attempts',
    (SELECT count(*) FROM amdahl.worker_run r WHERE r.pair_id = p.pair_id),
    'nodes', to_jsonb(p.nodes), 'legs',
    (SELECT coalesce(jsonb_agg(m.leg ORDER BY m.position), '[]') FROM amdahl.measurement m
     WHERE m.run_id = p.run_id)) ORDER BY p.index), '[]')
  FROM amdahl.pair p WHERE p.experiment_id = p_experiment
$$;

CREATE OR REPLACE FUNCTION amdahl.read_snapshot() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object(
    'head', amdahl._head_json(),
    'paused', (SELECT paused FROM loop_head),
    'now_us', amdahl._us(clock_timestamp()),
    'jobs', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', job_id, 'spec', spec, 'champion', champion, 'champion_moves', champion_moves,
        'champion_wins', to_jsonb(champion_wins), 'sigma0', sigma0,
        'sigma0_from', coalesce(sigma0_from, 0), 'phase_share', phase_share, 'paused', paused,
        'proposed_for', proposed_for) ORDER BY job_id), '[]') FROM job),
    'hypotheses', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', hypothesis_id, 'job', job_id, 'source', source, 'state', state, 'phase', phase,
        'ceiling', ceiling, 'changes', change, 'rationale', rationale, 'replicate', replicate,
        'approved', approved) ORDER BY hypothesis_id), '[]')
      FROM hypothesis WHERE state IN (0, 1, 2)),
    'experiments', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', experiment_id, 'job', job_id, 'hypothesis', coalesce(hypothesis_id, 0), 'kind', kind,
        'state', state, 'protocol', protocol, 't', t,
        'nomination', CASE WHEN claim IS NOT NULL THEN jsonb_build_object('claim', claim,
          'pairs_per_check', pairs_per_check, 'last_index', last_index,
          'at_us', coalesce(amdahl._us(nominated_at), 0)) END,
        'extension_registered', extension_registered, 'hold_reason', hold_reason,
        'hold_since_us', coalesce(amdahl._us(hold_since), 0), 'paused', paused,
        'abort_requested', abort_requested, 'pairs', amdahl._pairs_json(experiment_id))
        ORDER BY experiment_id), '[]')
      FROM experiment WHERE state IN (0, 1, 2)),
    'live_runs', (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', run_id, 'key', run_key, 'pair', coalesce(pair_id, 0),
        'experiment', coalesce(experiment_id, 0), 'part', part, 'attempt', attempt, 'state', state,
        'cluster', cluster, 'native_id', coalesce(native_id, ''),
        'native_at_us', coalesce(native_at_us, 0), 'spec_sha', coalesce(spec_sha, ''),
        'released', released, 'cancel_requested', cancel_requested, 'misses', misses,
        'submit_fence', coalesce(intent_fence, 0), 'armed_at_us', coalesce(amdahl._us(armed_at), 0),
        'absent_since_us', coalesce(amdahl._us(absent_since), 0),
        'gpu_us_reserved', gpu_us_reserved, 'production', production, 'job', job_id)
        ORDER BY run_id), '[]')
      FROM worker_run WHERE state <> 9),
    'commands', (SELECT coalesce(jsonb_agg(jsonb_build_object('key', key, 'verb', verb, 'args', args)
        ORDER BY command_id), '[]')
      FROM (SELECT * FROM command WHERE NOT done ORDER BY command_id LIMIT 100) AS oldest),
    'deliveries_pending', (SELECT count(*) FROM delivery_waiting),
    'deliveries_upto', (SELECT coalesce(max(delivery_no), 0) FROM delivery_waiting),
    'wins', (SELECT wins FROM fdr_stream WHERE stream_id = 1),
    'next_t', (SELECT next_t FROM fdr_stream WHERE stream_id = 1),
    'gpu_us_reserved', (SELECT coalesce(sum(gpu_us_reserved), 0) FROM worker_run
                        WHERE state <> 9 AND experiment_id IS NOT NULL),
    'gpu_us_charged_today', (SELECT coalesce(sum(gpu_us), 0) FROM spend
                             WHERE bucket_at > now() - interval '24 hours'))
$$;
