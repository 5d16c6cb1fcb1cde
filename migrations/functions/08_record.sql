-- What the scheduler and the shim reported.

-- Whether a run in one state may be recorded in another: core::may_follow (a test compares them).
CREATE OR REPLACE FUNCTION amdahl._may_follow(p_from smallint, p_to smallint) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN p_from = p_to OR p_from = 9 THEN false
    WHEN p_to = 9 THEN true
    WHEN p_to = 1 THEN p_from = 0
    WHEN p_to = 2 THEN p_from = 1
    ELSE p_from >= 2 AND p_to > 2
  END
$$;

-- What the legs of a run said, as one digest: the end of the run binds them into the chain.
CREATE OR REPLACE FUNCTION amdahl._legs_digest(p_run bigint) RETURNS bytea
LANGUAGE sql STABLE AS $$
  SELECT amdahl._digest(coalesce(jsonb_agg(leg ORDER BY position), '[]'))
  FROM amdahl.measurement WHERE run_id = p_run
$$;

-- Ends a run and charges it: to its experiment, or to nobody when it was production. Answers the
-- event, or null when it had ended before.
CREATE OR REPLACE FUNCTION amdahl._end_run(p_run bigint, p_outcome smallint, p_cause smallint,
                                           p_reason text, p_gpu_us bigint)
RETURNS amdahl.event_draft
LANGUAGE plpgsql AS $$
DECLARE
  v_run amdahl.worker_run;
BEGIN
  UPDATE worker_run SET state = 9, outcome = p_outcome, cause = p_cause, reason = p_reason,
    gpu_us_charged = p_gpu_us, ended_at = clock_timestamp(), misses = 0
  WHERE run_id = p_run AND state <> 9 RETURNING * INTO v_run;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF v_run.experiment_id IS NOT NULL AND p_gpu_us > 0 THEN
    UPDATE experiment SET spent_gpu_us = spent_gpu_us + p_gpu_us
    WHERE experiment_id = v_run.experiment_id;
    UPDATE loop_total SET spent_gpu_us = spent_gpu_us + p_gpu_us;
    INSERT INTO spend (bucket_at, gpu_us)
    VALUES (date_bin('10 minutes', v_run.ended_at, 'epoch'), p_gpu_us)
    ON CONFLICT (bucket_at) DO UPDATE SET gpu_us = spend.gpu_us + excluded.gpu_us;
  END IF;
  RETURN amdahl._event('run_ended', 'run-' || p_run, jsonb_build_object(
    'outcome', amdahl._word('run_outcome', p_outcome), 'cause', amdahl._word('cause', p_cause),
    'reason', left(p_reason, 500), 'gpu_us', p_gpu_us,
    'legs_sha', encode(amdahl._legs_digest(p_run), 'hex')));
END
$$;

-- Closes an open pair; a closed one stays as it is and answers null.
CREATE OR REPLACE FUNCTION amdahl._close_pair(p_pair bigint, p_run bigint, p_state smallint,
                                              p_void_reason text, p_cause text)
RETURNS amdahl.event_draft
LANGUAGE plpgsql AS $$
DECLARE
  v_pair amdahl.pair;
BEGIN
  UPDATE pair SET state = p_state, closed_at = clock_timestamp(), cause = p_cause,
    void_reason = CASE WHEN p_state = 2 THEN p_void_reason ELSE '' END,
    run_id = CASE WHEN p_state = 1 THEN p_run END,
    nodes = (SELECT nodes FROM worker_run WHERE run_id = p_run),
    ran_first = (SELECT arm FROM measurement WHERE run_id = p_run ORDER BY position LIMIT 1)
  WHERE pair_id = p_pair AND state = 0 RETURNING * INTO v_pair;
  IF NOT FOUND THEN RETURN NULL; END IF;
  UPDATE experiment SET pairs_complete = pairs_complete + (p_state = 1)::integer,
    pairs_void = pairs_void + (p_state = 2)::integer
  WHERE experiment_id = v_pair.experiment_id;
  RETURN amdahl._event(
    CASE p_state WHEN 1 THEN 'pair_completed' ELSE 'pair_voided' END, 'pair-' || p_pair,
    jsonb_build_object('run', p_run, 'reason', v_pair.void_reason, 'cause', p_cause));
END
$$;

CREATE OR REPLACE FUNCTION amdahl._store_legs(p_run bigint, p_legs jsonb) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO amdahl.measurement (run_id, arm, position, started, window_us, gpus, units,
                                  gpu_us_per_unit, quality, phases, sample_digest, leg)
  SELECT p_run, amdahl._number('arm', leg->>'arm'), place, (leg->>'started')::boolean,
    (leg->>'window_us')::bigint, (leg->>'gpus')::integer, (leg->>'units')::double precision,
    (leg->>'window_us')::double precision * (leg->>'gpus')::double precision
      / nullif((leg->>'units')::double precision, 0),
    (leg->>'quality')::double precision, leg->'phase_seconds', leg->>'sample_digest', leg
  FROM jsonb_array_elements(p_legs) WITH ORDINALITY AS l(leg, place)
  ON CONFLICT (run_id, arm) DO NOTHING
$$;

CREATE OR REPLACE FUNCTION amdahl.record_runs(p_term uuid, p_fence bigint, p_items jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_item record;
  v_run amdahl.worker_run;
  v_events amdahl.event_draft[] := '{}';
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  FOR v_item IN SELECT * FROM jsonb_to_recordset(p_items)
      AS x(run bigint, state smallint, outcome smallint, cause smallint, reason text, gpu_us bigint,
           nodes jsonb, legs jsonb, released boolean, misses integer, pair smallint,
           void_reason text) LOOP
    SELECT * INTO v_run FROM worker_run WHERE run_id = v_item.run;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'run % cannot be recorded: there is no such run', v_item.run
        USING ERRCODE = 'AM007';
    END IF;
    -- The same end again changes nothing.
    CONTINUE WHEN v_run.state = 9 AND v_item.state = 9 AND v_run.outcome = v_item.outcome;
    IF v_run.state <> v_item.state AND NOT amdahl._may_follow(v_run.state, v_item.state)
       OR v_run.state = 9 THEN
      RAISE EXCEPTION 'run % cannot be recorded as %: it is %', v_item.run,
        amdahl._word('run_state', v_item.state), amdahl._word('run_state', v_run.state)
        USING ERRCODE = 'AM002';
    END IF;
    IF v_item.released AND NOT v_run.released THEN
      UPDATE worker_run SET released = true WHERE run_id = v_item.run;
      v_events := v_events || amdahl._event('run_released', 'run-' || v_item.run, '{}');
    END IF;
    IF jsonb_array_length(v_item.nodes) > 0 THEN
      UPDATE worker_run SET nodes = amdahl._texts(v_item.nodes)
      WHERE run_id = v_item.run AND nodes <> amdahl._texts(v_item.nodes);
    END IF;
    IF v_item.misses IS NOT NULL AND v_item.misses <> v_run.misses THEN
      UPDATE worker_run SET misses = v_item.misses WHERE run_id = v_item.run;
    END IF;
    IF v_item.state = 9 THEN
      PERFORM amdahl._store_legs(v_item.run, v_item.legs);
      v_events := v_events || amdahl._end_run(v_item.run, v_item.outcome, v_item.cause,
                                              left(v_item.reason, 2000), v_item.gpu_us);
      IF v_item.pair <> 0 AND v_run.pair_id IS NOT NULL THEN
        v_events := v_events || amdahl._close_pair(v_run.pair_id, v_item.run, v_item.pair,
          left(v_item.void_reason, 500), left(v_item.reason, 500));
      END IF;
    ELSIF v_run.state <> v_item.state THEN
      UPDATE worker_run SET state = v_item.state WHERE run_id = v_item.run;
      v_events := v_events || amdahl._event('run_moved', 'run-' || v_item.run,
        jsonb_build_object('state', amdahl._word('run_state', v_item.state)));
    END IF;
  END LOOP;
  PERFORM amdahl._append(v_events);
  PERFORM amdahl._finish_aborts(ARRAY(SELECT DISTINCT experiment_id FROM worker_run WHERE run_id IN
    (SELECT run FROM jsonb_to_recordset(p_items) AS x(run bigint))));
END
$$;
