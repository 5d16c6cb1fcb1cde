-- Jobs and hypotheses.
CREATE OR REPLACE FUNCTION amdahl.add_jobs(p_term uuid, p_fence bigint, p_items jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_item record;
  v_job amdahl.job;
  v_events amdahl.event_draft[] := '{}';
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  FOR v_item IN SELECT * FROM jsonb_to_recordset(p_items)
      AS x(name text, cluster text, spec jsonb, baseline jsonb, champion jsonb, note text) LOOP
    SELECT * INTO v_job FROM job WHERE slug = v_item.name;
    IF NOT FOUND THEN
      INSERT INTO job (slug, cluster, spec, spec_sha, baseline, champion)
      VALUES (v_item.name, v_item.cluster, v_item.spec, amdahl._digest(v_item.spec), v_item.baseline,
              v_item.champion)
      RETURNING * INTO v_job;
      v_events := v_events || amdahl._event('job_added', 'job-' || v_job.job_id, jsonb_build_object(
        'name', v_job.slug, 'cluster', v_job.cluster, 'spec_sha', encode(v_job.spec_sha, 'hex')));
    ELSIF v_job.spec_sha <> amdahl._digest(v_item.spec) THEN
      UPDATE job SET cluster = v_item.cluster, spec = v_item.spec,
        spec_sha = amdahl._digest(v_item.spec), baseline = v_item.baseline,
        champion = v_item.champion, paused = false,
        champion_wins = CASE WHEN v_item.note = '' THEN champion_wins ELSE '{}' END,
        champion_moves = champion_moves + (v_item.note <> '')::integer
      WHERE job_id = v_job.job_id
      RETURNING * INTO v_job;
      v_events := v_events || amdahl._event('job_changed', 'job-' || v_job.job_id, jsonb_build_object(
        'name', v_job.slug, 'cluster', v_job.cluster, 'spec_sha', encode(v_job.spec_sha, 'hex'),
        'champion_reset', v_item.note));
    ELSIF v_job.paused THEN
      UPDATE job SET paused = false WHERE job_id = v_job.job_id;
      v_events := v_events || amdahl._event('job_resumed', 'job-' || v_job.job_id, '{}');
    END IF;
  END LOOP;
  PERFORM amdahl._append(v_events);
  PERFORM amdahl._seal();
END
$$;

-- Answers the ids, old or new, in order.
CREATE OR REPLACE FUNCTION amdahl.add_hypotheses(p_term uuid, p_fence bigint, p_items jsonb,
                                                 p_proposed jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_item record;
  v_row amdahl.hypothesis;
  v_ids bigint[] := '{}';
  v_answers jsonb := '[]';
  v_events amdahl.event_draft[] := '{}';
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  FOR v_item IN SELECT * FROM jsonb_to_recordset(p_items)
      AS x(job bigint, source smallint, phase text, ceiling double precision, change jsonb,
           rationale text, replicate integer, needs_approval boolean, command text) LOOP
    SELECT * INTO v_row FROM hypothesis
    WHERE job_id = v_item.job AND change_sha = amdahl._digest(v_item.change)
      AND replicate = v_item.replicate AND state IN (0, 1, 2);
    IF NOT FOUND THEN
      INSERT INTO hypothesis (job_id, source, state, phase, ceiling, change, change_sha, rationale,
                              replicate)
      VALUES (v_item.job, v_item.source, v_item.needs_approval::integer, v_item.phase, v_item.ceiling,
              v_item.change, amdahl._digest(v_item.change), v_item.rationale, v_item.replicate)
      RETURNING * INTO v_row;
      v_events := v_events || amdahl._event('hypothesis_proposed', 'hypothesis-' || v_row.hypothesis_id,
        jsonb_build_object('job', v_row.job_id, 'source', amdahl._word('hypothesis_source', v_row.source),
          'state', amdahl._word('hypothesis_state', v_row.state), 'phase', v_row.phase,
          'change', v_row.change, 'replicate', v_row.replicate));
    END IF;
    v_ids := v_ids || v_row.hypothesis_id;
    IF v_item.command IS NOT NULL THEN
      v_answers := v_answers || jsonb_build_object('key', v_item.command, 'answer',
        jsonb_build_object('ok', true, 'hypothesis', v_row.hypothesis_id));
    END IF;
  END LOOP;
  UPDATE job SET proposed_for = p.proposed_for
  FROM jsonb_to_recordset(p_proposed) AS p(job bigint, proposed_for text)
  WHERE job.job_id = p.job AND job.proposed_for <> p.proposed_for;
  PERFORM amdahl._append(v_events || amdahl._finish(v_answers));
  PERFORM amdahl._seal();
  RETURN to_jsonb(v_ids);
END
$$;

CREATE OR REPLACE FUNCTION amdahl.reject_hypotheses(p_term uuid, p_fence bigint, p_items jsonb)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_events amdahl.event_draft[];
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  WITH changed AS (
    UPDATE hypothesis h SET state = 4, reason = left(i.reason, 2000)
    FROM jsonb_to_recordset(p_items) AS i(hypothesis bigint, reason text)
    WHERE h.hypothesis_id = i.hypothesis AND h.state IN (0, 1)
    RETURNING h.hypothesis_id, h.reason)
  SELECT array_agg(amdahl._event('hypothesis_rejected', 'hypothesis-' || hypothesis_id,
                                 jsonb_build_object('reason', reason)) ORDER BY hypothesis_id)
  INTO v_events FROM changed;
  PERFORM amdahl._append(v_events);
  PERFORM amdahl._seal();
END
$$;

CREATE OR REPLACE FUNCTION amdahl.approve_hypotheses(p_term uuid, p_fence bigint, p_ids jsonb)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_events amdahl.event_draft[];
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  WITH changed AS (
    UPDATE hypothesis SET state = 0, approved = true
    WHERE hypothesis_id IN (SELECT value::bigint FROM jsonb_array_elements_text(p_ids)) AND state = 1
    RETURNING hypothesis_id)
  SELECT array_agg(amdahl._event('hypothesis_approved', 'hypothesis-' || hypothesis_id, '{}')
                   ORDER BY hypothesis_id)
  INTO v_events FROM changed;
  PERFORM amdahl._append(v_events);
  PERFORM amdahl._seal();
END
$$;
