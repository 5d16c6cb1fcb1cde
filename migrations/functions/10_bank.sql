-- Production runs and the savings bank (docs/decisions/0008-bank-attribution.md).
CREATE OR REPLACE FUNCTION amdahl.record_production(p_term uuid, p_fence bigint, p_items jsonb)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_item record;
  v_run amdahl.production_run;
  v_wins bigint[];
  v_banked bigint;
  v_total bigint := 0;
  v_events amdahl.event_draft[] := '{}';
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  FOR v_item IN SELECT * FROM jsonb_to_recordset(p_items)
      AS x(cluster text, native_id text, submitted_at_us bigint, attempt integer, job bigint,
           start_us bigint, end_us bigint, gpus integer, state text, units double precision,
           champion boolean) LOOP
    -- Our own run knows which champion it was planned with; of others the champion of now counts.
    SELECT coalesce(
      (SELECT champion_wins FROM worker_run WHERE cluster = v_item.cluster AND production IS NOT NULL
         AND run_key = v_item.native_id AND job_id = v_item.job ORDER BY run_id DESC LIMIT 1),
      (SELECT champion_wins FROM job WHERE job_id = v_item.job), '{}') INTO v_wins;
    INSERT INTO production_run (cluster, native_id, submitted_at_us, attempt, job_id, start_us, end_us,
                                gpus, state, units, champion, wins, gpu_us)
    VALUES (v_item.cluster, v_item.native_id, v_item.submitted_at_us, v_item.attempt,
            nullif(v_item.job, 0), v_item.start_us, v_item.end_us, v_item.gpus, v_item.state,
            v_item.units, v_item.champion,
            CASE WHEN v_item.champion THEN v_wins ELSE '{}' END,
            (v_item.end_us - v_item.start_us) * v_item.gpus)
    ON CONFLICT (cluster, native_id, submitted_at_us, attempt) DO NOTHING
    RETURNING * INTO v_run;
    CONTINUE WHEN NOT FOUND;
    -- Used hours × (e^lower − 1) for each win by itself: never compounded, never above what was proved.
    WITH credited AS (
      INSERT INTO bank (debit, credit, gpu_us, experiment_id, production_id, period)
      SELECT 'bank', 'production', floor(v_run.gpu_us * (exp(v.lower) - 1))::bigint, v.experiment_id,
             v_run.production_id, to_char(to_timestamp(v_run.end_us / 1e6) AT TIME ZONE 'UTC', 'YYYY-MM')
      FROM unnest(v_run.wins) AS w(experiment_id) JOIN verdict v USING (experiment_id)
      WHERE v_run.state = 'succeeded' AND v.lower > 0
        AND floor(v_run.gpu_us * (exp(v.lower) - 1)) >= 1
        AND NOT EXISTS (SELECT FROM ruling r WHERE r.experiment_id = v.experiment_id
                        AND r.kind = 'revoked')
      RETURNING gpu_us)
    SELECT coalesce(sum(gpu_us), 0) INTO v_banked FROM credited;
    v_total := v_total + v_banked;
    v_events := v_events || amdahl._event('production_recorded', 'production-' || v_run.production_id,
      jsonb_build_object('job', v_run.job_id, 'cluster', v_run.cluster, 'native_id', v_run.native_id,
        'gpu_us', v_run.gpu_us, 'state', v_run.state, 'champion', v_run.champion,
        'banked_gpu_us', v_banked));
  END LOOP;
  UPDATE loop_total SET banked_gpu_us = banked_gpu_us + v_total WHERE v_total > 0;
  PERFORM amdahl._append(v_events);
  PERFORM amdahl._seal();
END
$$;
