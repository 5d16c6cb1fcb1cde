-- Pairs, worker runs and the two-phase submission.
CREATE OR REPLACE FUNCTION amdahl.open_pairs(p_term uuid, p_fence bigint, p_items jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_item record;
  v_experiment amdahl.experiment;
  v_pair amdahl.pair;
  v_run bigint;
  v_events amdahl.event_draft[] := '{}';
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  FOR v_item IN SELECT * FROM jsonb_to_recordset(p_items)
      AS x(experiment bigint, check_no smallint, cluster text, run_key text, worker_run_id text,
           gpu_us_reserved bigint) LOOP
    CONTINUE WHEN EXISTS (SELECT FROM worker_run WHERE run_key = v_item.run_key);
    SELECT * INTO v_experiment FROM experiment WHERE experiment_id = v_item.experiment;
    IF NOT FOUND OR v_experiment.state > 2 OR v_experiment.abort_requested THEN
      RAISE EXCEPTION 'no pair can be opened for experiment %: it is %', v_item.experiment,
        CASE WHEN v_experiment.abort_requested THEN 'being aborted'
             ELSE coalesce(amdahl._word('experiment_state', v_experiment.state), 'unknown') END
        USING ERRCODE = 'AM002';
    END IF;
    IF v_item.check_no > 0 AND NOT EXISTS (SELECT FROM check_ WHERE check_no = v_item.check_no
                                           AND experiment_id = v_item.experiment) THEN
      RAISE EXCEPTION 'no pair can be opened for check % of experiment %: it is not registered',
        v_item.check_no, v_item.experiment USING ERRCODE = 'AM007';
    END IF;
    IF v_experiment.state = 0 THEN
      v_events := v_events || amdahl._event('experiment_started', 'exp-' || v_item.experiment, '{}');
    END IF;
    UPDATE experiment SET pairs_registered = pairs_registered + 1, state = greatest(state, 1::smallint)
    WHERE experiment_id = v_item.experiment RETURNING * INTO v_experiment;
    INSERT INTO pair (experiment_id, check_no, index, coin)
    VALUES (v_item.experiment, v_item.check_no, v_experiment.pairs_registered,
            amdahl._coin(v_item.experiment, v_experiment.pairs_registered))
    RETURNING * INTO v_pair;
    INSERT INTO worker_run (job_id, pair_id, experiment_id, part, attempt, run_key, worker_run_id,
                            cluster, gpu_us_reserved)
    VALUES (v_experiment.job_id, v_pair.pair_id, v_item.experiment, 1, 1, v_item.run_key,
            v_item.worker_run_id, v_item.cluster, v_item.gpu_us_reserved)
    RETURNING run_id INTO v_run;
    v_events := v_events
      || amdahl._event('pair_opened', 'pair-' || v_pair.pair_id, jsonb_build_object('experiment',
           v_item.experiment, 'check_no', v_pair.check_no, 'index', v_pair.index, 'coin', v_pair.coin))
      || amdahl._event('run_planned', 'run-' || v_run, jsonb_build_object('pair', v_pair.pair_id,
           'part', 1, 'attempt', 1, 'run_key', v_item.run_key));
  END LOOP;
  PERFORM amdahl._append(v_events);
  PERFORM amdahl._seal();
END
$$;

CREATE OR REPLACE FUNCTION amdahl.retry_runs(p_term uuid, p_fence bigint, p_items jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_item record;
  v_last amdahl.worker_run;
  v_run bigint;
  v_events amdahl.event_draft[] := '{}';
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  FOR v_item IN SELECT * FROM jsonb_to_recordset(p_items)
      AS x(pair bigint, part smallint, cluster text, run_key text, worker_run_id text,
           gpu_us_reserved bigint) LOOP
    CONTINUE WHEN EXISTS (SELECT FROM worker_run WHERE run_key = v_item.run_key);
    SELECT * INTO v_last FROM worker_run WHERE pair_id = v_item.pair AND part = v_item.part
    ORDER BY attempt DESC LIMIT 1;
    IF NOT FOUND OR v_last.state <> 9 OR (SELECT state FROM pair WHERE pair_id = v_item.pair) <> 0
       OR (SELECT abort_requested FROM experiment WHERE experiment_id = v_last.experiment_id) THEN
      RAISE EXCEPTION 'pair % cannot be run again: it is closed, being aborted, or an attempt is live',
        v_item.pair USING ERRCODE = 'AM002';
    END IF;
    INSERT INTO worker_run (job_id, pair_id, experiment_id, part, attempt, run_key, worker_run_id,
                            cluster, gpu_us_reserved)
    VALUES (v_last.job_id, v_item.pair, v_last.experiment_id, v_item.part, v_last.attempt + 1,
            v_item.run_key, v_item.worker_run_id, v_item.cluster, v_item.gpu_us_reserved)
    RETURNING run_id INTO v_run;
    v_events := v_events || amdahl._event('run_planned', 'run-' || v_run, jsonb_build_object(
      'pair', v_item.pair, 'part', v_item.part, 'attempt', v_last.attempt + 1,
      'run_key', v_item.run_key));
  END LOOP;
  PERFORM amdahl._append(v_events);
  PERFORM amdahl._seal();
END
$$;

-- The champion once, as production: a run without a pair.
CREATE OR REPLACE FUNCTION amdahl.plan_production(p_term uuid, p_fence bigint, p_items jsonb)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_events amdahl.event_draft[];
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  WITH planned AS (
    INSERT INTO worker_run (job_id, production, champion_wins, part, attempt, run_key, worker_run_id,
                            cluster, gpu_us_reserved)
    SELECT i.job, i.spec, j.champion_wins, 1, 1, i.run_key, i.worker_run_id, i.cluster,
           i.gpu_us_reserved
    FROM jsonb_to_recordset(p_items) AS i(job bigint, spec jsonb, run_key text, worker_run_id text,
                                          cluster text, gpu_us_reserved bigint)
    JOIN job j ON j.job_id = i.job
    WHERE NOT EXISTS (SELECT FROM worker_run r WHERE r.run_key = i.run_key)
    RETURNING run_id, job_id, run_key)
  SELECT array_agg(amdahl._event('production_planned', 'run-' || run_id,
    jsonb_build_object('job', job_id, 'run_key', run_key)) ORDER BY run_id)
  INTO v_events FROM planned;
  PERFORM amdahl._append(v_events);
  PERFORM amdahl._seal();
END
$$;

-- The intent, committed before the first byte leaves. Arming again after an answer, after absence was
-- seen or by another leader is a new try, whose quiet period begins anew; arming twice without any of
-- these is the same intent. Answers the head with it.
DO $$
BEGIN
  IF to_regprocedure('amdahl.arm_submits(uuid, bigint, jsonb)')::oid IN
     (SELECT oid FROM pg_proc WHERE prorettype = 'void'::regtype) THEN
    DROP FUNCTION amdahl.arm_submits(uuid, bigint, jsonb);
  END IF;
END
$$;
CREATE OR REPLACE FUNCTION amdahl.arm_submits(p_term uuid, p_fence bigint, p_items jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_events amdahl.event_draft[];
  v_bad bigint;
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  SELECT i.run INTO v_bad FROM jsonb_to_recordset(p_items) AS i(run bigint)
  LEFT JOIN worker_run r ON r.run_id = i.run WHERE r.state IS NULL OR r.state > 1 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'run % cannot be submitted: it is unknown or already submitted', v_bad
      USING ERRCODE = 'AM002';
  END IF;
  WITH armed AS (
    UPDATE worker_run r SET state = 1, spec_sha = i.spec_sha, intent_xid = pg_current_xact_id(),
      intent_fence = p_fence, armed_at = clock_timestamp(), submit_try = submit_try + 1,
      submit_answer = NULL, submit_message = '', misses = 0, absent_since = NULL
    FROM jsonb_to_recordset(p_items) AS i(run bigint, spec_sha text)
    WHERE r.run_id = i.run
      AND (r.state = 0 OR r.submit_answer IS NOT NULL OR r.absent_since IS NOT NULL
           OR r.intent_fence <> p_fence)
    RETURNING r.run_id, r.submit_try, r.spec_sha)
  SELECT array_agg(amdahl._event('run_armed', 'run-' || run_id,
    jsonb_build_object('try', submit_try, 'spec_sha', spec_sha)) ORDER BY run_id)
  INTO v_events FROM armed;
  PERFORM amdahl._append(v_events);
  PERFORM amdahl._seal();
  RETURN amdahl._head_json();
END
$$;

CREATE OR REPLACE FUNCTION amdahl.record_submits(p_term uuid, p_fence bigint, p_items jsonb)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_item record;
  v_run amdahl.worker_run;
  v_events amdahl.event_draft[] := '{}';
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  FOR v_item IN SELECT * FROM jsonb_to_recordset(p_items)
      AS x(run bigint, kind text, native_id text, native_at_us bigint, message text) LOOP
    SELECT * INTO v_run FROM worker_run WHERE run_id = v_item.run;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'the answer for run % cannot be recorded: there is no such run', v_item.run
        USING ERRCODE = 'AM007';
    END IF;
    IF v_item.kind = 'accepted' THEN
      CONTINUE WHEN v_run.native_id = v_item.native_id;
      UPDATE worker_run SET state = CASE WHEN state = 1 THEN 2::smallint ELSE state END,
        native_id = v_item.native_id, native_at_us = v_item.native_at_us,
        submit_answer = 'accepted', submit_message = left(v_item.message, 2000)
      WHERE run_id = v_item.run;
      v_events := v_events || amdahl._event('run_submitted', 'run-' || v_item.run,
        jsonb_build_object('native_id', v_item.native_id, 'native_at_us', v_item.native_at_us));
    ELSIF v_item.kind = 'rejected' THEN
      CONTINUE WHEN v_run.state = 9;
      UPDATE worker_run SET submit_answer = 'rejected', submit_message = left(v_item.message, 2000)
      WHERE run_id = v_item.run;
      v_events := v_events
        || amdahl._end_run(v_item.run, 9::smallint, 3::smallint, left(v_item.message, 2000), 0)
        || amdahl._close_pair(v_run.pair_id, v_item.run, 2::smallint,
                              'rejected: ' || left(v_item.message, 500), '');
      PERFORM amdahl._settle(ARRAY[v_item.run], ARRAY[v_run.pair_id]);
    ELSIF v_run.state = 1 AND v_run.submit_answer IS DISTINCT FROM v_item.kind THEN
      UPDATE worker_run SET submit_answer = v_item.kind, submit_message = left(v_item.message, 2000)
      WHERE run_id = v_item.run;
      v_events := v_events || amdahl._event(
        CASE v_item.kind WHEN 'retry' THEN 'submit_postponed' ELSE 'submit_unclear' END,
        'run-' || v_item.run, jsonb_build_object('message', left(v_item.message, 500)));
    END IF;
  END LOOP;
  PERFORM amdahl._append(v_events);
  PERFORM amdahl._finish_aborts(ARRAY(SELECT DISTINCT experiment_id FROM worker_run WHERE run_id IN
    (SELECT run FROM jsonb_to_recordset(p_items) AS x(run bigint))));
  PERFORM amdahl._seal();
END
$$;

CREATE OR REPLACE FUNCTION amdahl._request_cancel(p_runs bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_events amdahl.event_draft[];
BEGIN
  WITH asked AS (
    UPDATE worker_run SET cancel_requested = true
    WHERE run_id = ANY (p_runs) AND state <> 9 AND NOT cancel_requested RETURNING run_id)
  SELECT array_agg(amdahl._event('cancel_requested', 'run-' || run_id, '{}') ORDER BY run_id)
  INTO v_events FROM asked;
  PERFORM amdahl._append(v_events);
END
$$;

CREATE OR REPLACE FUNCTION amdahl.request_cancel(p_term uuid, p_fence bigint, p_runs jsonb)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  PERFORM amdahl._request_cancel(ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(p_runs)));
  PERFORM amdahl._seal();
END
$$;
