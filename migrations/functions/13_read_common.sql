-- Pieces of the read models (docs/reference/read-models.md).

CREATE OR REPLACE FUNCTION amdahl._limit(p_args jsonb) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
  SELECT least(greatest(coalesce((p_args->>'limit')::bigint, 50), 1), 200)::integer
$$;

-- What the cursor says: after which rows a list goes on, by their ids; null where it begins. A cursor is a
-- word of its list, so that one of another list is refused and not followed.
CREATE OR REPLACE FUNCTION amdahl._after(p_list text, p_args jsonb, p_ids integer DEFAULT 1)
RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_cursor text := p_args->>'cursor';
BEGIN
  IF v_cursor !~ format('^%s(-[0-9]{1,18}){%s}$', p_list, p_ids) THEN
    RAISE EXCEPTION 'this is no cursor of %: pass on the next_cursor of its last answer', p_list
      USING ERRCODE = '22023';
  END IF;
  RETURN string_to_array(substr(v_cursor, length(p_list) + 2), '-');
END
$$;

-- The cursor that goes on after these rows; null where the page was not full. Looks at the cursor that was
-- given, too: an empty list never asks where it begins.
CREATE OR REPLACE FUNCTION amdahl._next(p_list text, p_args jsonb, p_rows bigint, VARIADIC p_last bigint[])
RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  PERFORM amdahl._after(p_list, p_args, cardinality(p_last));
  RETURN CASE WHEN p_rows = amdahl._limit(p_args) THEN p_list || '-' || array_to_string(p_last, '-') END;
END
$$;

-- The number of a word that somebody asked for; refuses one that does not exist.
CREATE OR REPLACE FUNCTION amdahl._asked(p_enum text, p_word text) RETURNS smallint
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_number smallint := amdahl._number(p_enum, p_word);
BEGIN
  IF p_word IS NOT NULL AND v_number IS NULL THEN
    RAISE EXCEPTION '% is no %: it is one of %', p_word, replace(p_enum, '_', ' '),
      (SELECT string_agg(amdahl._word(p_enum, n::smallint), ', ' ORDER BY n)
       FROM generate_series(0, 20) AS n WHERE amdahl._word(p_enum, n::smallint) IS NOT NULL)
      USING ERRCODE = '22023';
  END IF;
  RETURN v_number;
END
$$;

-- {"word": count} for every word of an enum, zero included.
CREATE OR REPLACE FUNCTION amdahl._counts(p_enum text, p_numbers smallint[], p_counts bigint[])
RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_object_agg(amdahl._word(p_enum, n::smallint), coalesce(c.count, 0))
  FROM generate_series(0, 20) AS n
  LEFT JOIN unnest(p_numbers, p_counts) AS c(number, count) ON c.number = n
  WHERE amdahl._word(p_enum, n::smallint) IS NOT NULL
$$;

CREATE OR REPLACE FUNCTION amdahl._saving(p_effect double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE AS $$ SELECT 1 - exp(-p_effect) $$;

CREATE OR REPLACE FUNCTION amdahl._summary(p_experiment bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'experiment', e.experiment_id, 'name', 'EXP-' || e.experiment_id, 'job', j.slug,
    'kind', amdahl._word('experiment_kind', e.kind),
    'state', amdahl._word('experiment_state', e.state), 'hypothesis', e.hypothesis_id,
    'change', e.change, 'baseline', e.protocol->'baseline', 'phase', nullif(h.phase, ''),
    'source', amdahl._word('hypothesis_source', h.source),
    'pairs_complete', e.pairs_complete, 'pairs_void', e.pairs_void,
    'pairs_open', e.pairs_registered - e.pairs_complete - e.pairs_void,
    't', nullif(e.t, 0), 'outcome', amdahl._word('outcome', v.outcome))
    || jsonb_build_object(
    'reason', coalesce(v.reason, CASE WHEN e.abort_requested THEN e.abort_reason END),
    'saving', amdahl._saving(v.effect), 'saving_lower', amdahl._saving(v.lower),
    'saving_upper', amdahl._saving(v.upper), 'e_value', v.e_value, 'e_needed', v.e_needed,
    'upholds', v.upholds, 'refutes', v.refutes, 'hold_reason', nullif(e.hold_reason, ''),
    'abort_requested', e.abort_requested, 'paused', e.paused,
    'registered_at', amdahl._ts(e.registered_at), 'decided_at', amdahl._ts(v.decided_at),
    'ended_at', amdahl._ts(e.ended_at), 'spent_gpu_hours', amdahl._hours(e.spent_gpu_us))
  FROM amdahl.experiment e
  JOIN amdahl.job j USING (job_id)
  LEFT JOIN amdahl.hypothesis h ON h.hypothesis_id = e.hypothesis_id
  LEFT JOIN amdahl.verdict v ON v.experiment_id = e.experiment_id
  WHERE e.experiment_id = p_experiment
$$;

CREATE OR REPLACE FUNCTION amdahl._hypothesis_json(p_hypothesis amdahl.hypothesis) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'hypothesis', p_hypothesis.hypothesis_id, 'job', j.slug,
    'source', amdahl._word('hypothesis_source', p_hypothesis.source),
    'state', amdahl._word('hypothesis_state', p_hypothesis.state),
    'phase', nullif(p_hypothesis.phase, ''), 'ceiling', p_hypothesis.ceiling,
    'change', p_hypothesis.change, 'rationale', p_hypothesis.rationale,
    'replicate', p_hypothesis.replicate, 'reason', nullif(p_hypothesis.reason, ''),
    'experiment', p_hypothesis.experiment_id, 'duplicate_of', p_hypothesis.duplicate_of,
    'outcome', amdahl._word('outcome', v.outcome),
    'proposed_at', amdahl._ts(p_hypothesis.proposed_at))
  FROM amdahl.job j
  LEFT JOIN amdahl.verdict v
    ON v.experiment_id = coalesce(p_hypothesis.experiment_id, p_hypothesis.duplicate_of)
  WHERE j.job_id = p_hypothesis.job_id
$$;

DROP FUNCTION IF EXISTS amdahl._bank_entries(timestamptz, bigint, integer);
CREATE OR REPLACE FUNCTION amdahl._bank_entries(p_since timestamptz, p_experiment bigint,
                                                p_before bigint, p_limit integer) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'entry', entry_id, 'experiment', experiment_id, 'name', 'EXP-' || experiment_id,
    'gpu_hours', amdahl._hours(gpu_us),
    'direction', CASE debit WHEN 'bank' THEN 'credit' ELSE 'clawback' END,
    'period', period, 'note', note, 'at', amdahl._ts(at)) ORDER BY entry_id DESC), '[]')
  FROM (SELECT * FROM amdahl.bank
        WHERE (p_since IS NULL OR at >= p_since)
          AND (p_experiment IS NULL OR experiment_id = p_experiment)
          AND (p_before IS NULL OR entry_id < p_before)
        ORDER BY entry_id DESC LIMIT p_limit) AS latest
$$;

-- What one production run of the champion costs: of the last 50 that were seen, else of the legs that
-- measured this champion in tests; null when neither is known. In plpgsql, which keeps its plan: an SQL
-- function called by another is planned again for every job.
CREATE OR REPLACE FUNCTION amdahl._gpu_us_per_run(p_job bigint) RETURNS double precision
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN coalesce(
    (SELECT avg(gpu_us) FROM (SELECT gpu_us FROM amdahl.production_run
       WHERE job_id = p_job AND champion AND state = 'succeeded'
       ORDER BY production_id DESC LIMIT 50) AS seen),
    -- The winner's variant legs are the champion; before any win, the newest baseline legs are.
    (SELECT avg(m.window_us::double precision * m.gpus)
     FROM amdahl.job j
     JOIN LATERAL (
       SELECT e.experiment_id, (e.experiment_id = ANY (j.champion_wins))::integer AS arm
       FROM amdahl.experiment e
       WHERE e.job_id = j.job_id AND e.pairs_complete > 0
         AND e.experiment_id = coalesce(j.champion_wins[cardinality(j.champion_wins)], e.experiment_id)
       ORDER BY e.experiment_id DESC LIMIT 1) AS last ON true
     JOIN amdahl.pair p ON p.experiment_id = last.experiment_id AND p.state = 1 AND p.check_no = 0
     JOIN amdahl.measurement m ON m.run_id = p.run_id AND m.arm = last.arm AND m.units IS NOT NULL
     WHERE j.job_id = p_job));
END
$$;

-- Saved a month if production runs the champion as often as the job says: each win's proved lower
-- bound on the hours used. Null when nobody knows how often.
CREATE OR REPLACE FUNCTION amdahl._projected_gpu_us(p_job bigint) RETURNS double precision
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN cardinality(j.champion_wins) = 0 THEN 0
    ELSE (j.spec->>'runs_per_month')::double precision * amdahl._gpu_us_per_run(p_job)
         * (SELECT coalesce(sum(exp(v.lower) - 1), 0) FROM amdahl.verdict v
            WHERE v.experiment_id = ANY (j.champion_wins) AND v.lower > 0) END
  FROM amdahl.job j WHERE j.job_id = p_job
$$;

CREATE OR REPLACE FUNCTION amdahl._bank_totals() RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'banked_gpu_hours', amdahl._hours(banked_gpu_us),
    'clawed_back_gpu_hours', amdahl._hours(clawed_back_gpu_us),
    'spent_gpu_hours', amdahl._hours(spent_gpu_us),
    'net_gpu_hours', amdahl._hours(banked_gpu_us - clawed_back_gpu_us - spent_gpu_us),
    'projected_gpu_hours_per_month',
    (SELECT sum(amdahl._projected_gpu_us(job_id)) / 3.6e9 FROM amdahl.job))
  FROM amdahl.loop_total
$$;
