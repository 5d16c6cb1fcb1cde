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

-- Ends a run; answers the event, or null when it had ended before. The caller settles afterwards.
CREATE OR REPLACE FUNCTION amdahl._end_run(p_run bigint, p_outcome smallint, p_cause smallint,
                                           p_reason text, p_gpu_us bigint)
RETURNS amdahl.event_draft
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE worker_run SET state = 9, outcome = p_outcome, cause = p_cause, reason = p_reason,
    gpu_us_charged = p_gpu_us, ended_at = clock_timestamp(), misses = 0
  WHERE run_id = p_run AND state <> 9;
  IF NOT FOUND THEN RETURN NULL; END IF;
  RETURN amdahl._event('run_ended', 'run-' || p_run, jsonb_build_object(
    'outcome', amdahl._word('run_outcome', p_outcome), 'cause', amdahl._word('cause', p_cause),
    'reason', left(p_reason, 500), 'gpu_us', p_gpu_us,
    'legs_sha', encode(amdahl._legs_digest(p_run), 'hex')));
END
$$;

-- Closes an open pair; a closed one stays as it is and answers null. The caller settles afterwards.
CREATE OR REPLACE FUNCTION amdahl._close_pair(p_pair bigint, p_run bigint, p_state smallint,
                                              p_void_reason text, p_cause text)
RETURNS amdahl.event_draft
LANGUAGE plpgsql AS $$
DECLARE
  v_void_reason text := CASE WHEN p_state = 2 THEN p_void_reason ELSE '' END;
BEGIN
  UPDATE pair SET state = p_state, closed_at = clock_timestamp(), cause = p_cause,
    void_reason = v_void_reason, run_id = CASE WHEN p_state = 1 THEN p_run END,
    nodes = (SELECT nodes FROM worker_run WHERE run_id = p_run),
    ran_first = (SELECT arm FROM measurement WHERE run_id = p_run ORDER BY position LIMIT 1)
  WHERE pair_id = p_pair AND state = 0;
  IF NOT FOUND THEN RETURN NULL; END IF;
  RETURN amdahl._event(
    CASE p_state WHEN 1 THEN 'pair_completed' ELSE 'pair_voided' END, 'pair-' || p_pair,
    jsonb_build_object('run', p_run, 'reason', v_void_reason, 'cause', p_cause));
END
$$;

-- Adds what just ended to the running sums: of its experiments, or of nobody for production runs.
CREATE OR REPLACE FUNCTION amdahl._settle(p_runs bigint[], p_pairs bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_gpu_us bigint;
BEGIN
  UPDATE experiment e SET spent_gpu_us = spent_gpu_us + s.gpu_us,
    pairs_complete = pairs_complete + s.complete, pairs_void = pairs_void + s.void
  FROM (SELECT experiment_id, sum(gpu_us) AS gpu_us, sum(complete) AS complete, sum(void) AS void
        FROM (SELECT experiment_id, gpu_us_charged AS gpu_us, 0 AS complete, 0 AS void
              FROM worker_run WHERE run_id = ANY (p_runs)
              UNION ALL
              SELECT experiment_id, 0, (state = 1)::integer, (state = 2)::integer
              FROM pair WHERE pair_id = ANY (p_pairs)) AS ended
        GROUP BY experiment_id) AS s
  WHERE e.experiment_id = s.experiment_id;
  SELECT sum(gpu_us_charged) INTO v_gpu_us FROM worker_run
  WHERE run_id = ANY (p_runs) AND experiment_id IS NOT NULL;
  IF v_gpu_us > 0 THEN
    UPDATE loop_total SET spent_gpu_us = spent_gpu_us + v_gpu_us;
    INSERT INTO spend (bucket_at, gpu_us)
    VALUES (date_bin('10 minutes', clock_timestamp(), 'epoch'), v_gpu_us)
    ON CONFLICT (bucket_at) DO UPDATE SET gpu_us = spend.gpu_us + excluded.gpu_us;
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION amdahl._store_legs(p_run bigint, p_legs jsonb) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO amdahl.measurement (run_id, arm, position, started, window_us, gpus, units,
                                  gpu_us_per_unit, quality, phases, sample_digest, leg)
  SELECT p_run, amdahl._number('arm', leg->>'arm'), place, (leg->>'started')::boolean,
    greatest((leg->>'window_us')::bigint, 0), greatest((leg->>'gpus')::integer, 0),
    (leg->>'units')::double precision,
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
  v_event amdahl.event_draft;
  v_events amdahl.event_draft[] := '{}';
  v_ended bigint[] := '{}';
  v_closed bigint[] := '{}';
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
      UPDATE worker_run SET misses = v_item.misses,
        absent_since = CASE WHEN v_item.misses > 0 THEN coalesce(absent_since, clock_timestamp()) END
      WHERE run_id = v_item.run;
    END IF;
    IF v_item.state = 9 THEN
      PERFORM amdahl._store_legs(v_item.run, v_item.legs);
      v_events := v_events || amdahl._end_run(v_item.run, v_item.outcome, v_item.cause,
                                              left(v_item.reason, 2000), v_item.gpu_us);
      v_ended := v_ended || v_item.run;
      IF v_item.pair <> 0 AND v_run.pair_id IS NOT NULL THEN
        v_event := amdahl._close_pair(v_run.pair_id, v_item.run, v_item.pair,
                                      left(v_item.void_reason, 500), left(v_item.reason, 500));
        IF v_event.kind IS NOT NULL THEN
          v_events := v_events || v_event;
          v_closed := v_closed || v_run.pair_id;
        END IF;
      END IF;
    ELSIF v_run.state <> v_item.state THEN
      UPDATE worker_run SET state = v_item.state WHERE run_id = v_item.run;
      v_events := v_events || amdahl._event('run_moved', 'run-' || v_item.run,
        jsonb_build_object('state', amdahl._word('run_state', v_item.state)));
    END IF;
  END LOOP;
  -- What a worker posted stands in the run now.
  DELETE FROM posted_result WHERE run_key IN (
    SELECT run_key FROM worker_run WHERE run_id = ANY (v_ended));
  PERFORM amdahl._settle(v_ended, v_closed);
  PERFORM amdahl._append(v_events);
  PERFORM amdahl._finish_aborts(ARRAY(SELECT DISTINCT experiment_id FROM worker_run WHERE run_id IN
    (SELECT run FROM jsonb_to_recordset(p_items) AS x(run bigint))));
  PERFORM amdahl._seal();
END
$$;
