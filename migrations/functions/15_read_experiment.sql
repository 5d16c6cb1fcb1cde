-- One experiment with all its evidence: enough to recompute its verdict.
CREATE OR REPLACE FUNCTION amdahl._pair_details(p_experiment bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'pair', p.pair_id, 'index', p.index, 'check_no', p.check_no, 'coin', p.coin,
    'state', amdahl._word('pair_state', p.state), 'void_reason', nullif(p.void_reason, ''),
    'cause', nullif(p.cause, ''), 'ran_first', amdahl._word('arm', p.ran_first),
    'nodes', to_jsonb(p.nodes), 'run', r.run_id, 'run_key', r.run_key,
    'worker_run_id', r.worker_run_id, 'native_id', r.native_id, 'attempt', r.attempt,
    'run_state', amdahl._word('run_state', r.state),
    'run_outcome', amdahl._word('run_outcome', r.outcome),
    'legs', (SELECT coalesce(jsonb_agg(m.leg ORDER BY m.position), '[]')
             FROM amdahl.measurement m WHERE m.run_id = r.run_id)) ORDER BY p.index), '[]')
  FROM amdahl.pair p
  LEFT JOIN LATERAL (SELECT * FROM amdahl.worker_run w WHERE w.pair_id = p.pair_id
                     ORDER BY w.attempt DESC LIMIT 1) AS r ON true
  WHERE p.experiment_id = p_experiment
$$;

CREATE OR REPLACE FUNCTION amdahl.read_experiment(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('schema', 'amdahl.experiment/v1') || amdahl._summary(e.experiment_id)
    || jsonb_build_object(
    'protocol', e.protocol, 'protocol_sha', e.protocol_sha,
    'salt_hash', encode(e.salt_hash, 'hex'), 'extension_registered', e.extension_registered,
    'nomination', CASE WHEN e.claim IS NOT NULL THEN jsonb_build_object('claim', e.claim,
      'pairs_per_check', e.pairs_per_check, 'last_index', e.last_index) END,
    'checks', (SELECT coalesce(jsonb_agg(jsonb_build_object('check_no', check_no,
        'kind', amdahl._word('check_kind', kind), 'planned', pairs_planned,
        'vote', amdahl._word('vote', vote), 'mean', mean,
        'delay_s', e.protocol->'checks'->(check_no - 1)->'delay_s') ORDER BY check_no), '[]')
      FROM check_ c WHERE c.experiment_id = e.experiment_id),
    'pairs', amdahl._pair_details(e.experiment_id),
    'verdict', (SELECT jsonb_build_object('outcome', amdahl._word('outcome', outcome),
        'reason', reason, 'evidence', evidence, 'e_value', e_value, 'e_needed', e_needed,
        'effect', effect, 'lower', lower, 'upper', upper, 'upholds', upholds, 'refutes', refutes,
        'wins_before', wins_before, 'decided_at', amdahl._ts(decided_at), 'salt', salt)
      FROM verdict v WHERE v.experiment_id = e.experiment_id),
    'rulings', (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'reason', reason,
        'evidence', evidence, 'at', amdahl._ts(at)) ORDER BY ruling_id), '[]')
      FROM ruling r WHERE r.experiment_id = e.experiment_id),
    'bank', amdahl._bank_entries(NULL, e.experiment_id, NULL, 200))
  FROM experiment e WHERE e.experiment_id = (p_args->>'experiment')::bigint
$$;

-- What the ledger already knows of an idea: the same experiment, or a near one that stands in its way.
CREATE OR REPLACE FUNCTION amdahl._known(p_question jsonb) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'experiment', (SELECT amdahl._summary(k.experiment_id) FROM amdahl.experiment_key k
      WHERE k.fingerprint = decode(p_question->>'fingerprint', 'hex') AND k.replicate = 0
        AND NOT k.released
      ORDER BY k.fp_version DESC LIMIT 1),
    'near', (SELECT amdahl._summary(amdahl._near_duplicate(j.job_id, p_question->'changes',
                                                            p_question->>'code_digest'))
      FROM amdahl.job j WHERE j.slug = p_question->>'job'))
$$;

-- Which of these places of the chain (event and 8 bytes of its hash) are none of this ledger's.
CREATE OR REPLACE FUNCTION amdahl.read_witnesses(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('schema', 'amdahl.witnesses/v1', 'unknown',
    coalesce(jsonb_agg(n - 1 ORDER BY n), '[]'))
  FROM jsonb_array_elements(p_args->'witnesses') WITH ORDINALITY AS asked(witness, n)
  WHERE (SELECT left(encode(e.hash, 'hex'), 16) FROM event e
         WHERE e.seq = (witness->>'head_seq')::bigint) IS DISTINCT FROM witness->>'head_hash'
$$;

-- Many questions are one round trip: answers stand in their order. Witnesses may ride along.
CREATE OR REPLACE FUNCTION amdahl.read_known(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('schema', 'amdahl.known/v1') || CASE
    WHEN p_args ? 'questions' THEN jsonb_build_object('answers',
      (SELECT coalesce(jsonb_agg(amdahl._known(question) ORDER BY n), '[]')
       FROM jsonb_array_elements(p_args->'questions') WITH ORDINALITY AS asked(question, n)))
    ELSE amdahl._known(p_args) END || CASE
    WHEN p_args ? 'witnesses' THEN jsonb_build_object('unknown', amdahl.read_witnesses(p_args)->'unknown')
    ELSE '{}' END
$$;
