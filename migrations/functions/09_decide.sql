-- Verdicts: written once, with a tally that the database recounts.
CREATE OR REPLACE FUNCTION amdahl._decide(p_item jsonb, p_fence bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_id bigint := (p_item->>'experiment')::bigint;
  v_outcome smallint := (p_item->>'outcome')::smallint;
  v_experiment amdahl.experiment;
  v_verdict amdahl.verdict;
  v_released boolean := false;
  v_events amdahl.event_draft[] := '{}';
BEGIN
  SELECT * INTO v_experiment FROM experiment WHERE experiment_id = v_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'experiment % cannot be decided: there is none', v_id USING ERRCODE = 'AM007';
  END IF;
  SELECT * INTO v_verdict FROM verdict WHERE experiment_id = v_id;
  IF FOUND THEN
    IF v_verdict.outcome = v_outcome THEN RETURN; END IF;  -- the same call again
    RAISE EXCEPTION 'experiment % already has the verdict %', v_id,
      amdahl._word('outcome', v_verdict.outcome) USING ERRCODE = 'AM009';
  END IF;
  UPDATE check_ c SET vote = i.vote, mean = i.mean
  FROM jsonb_to_recordset(p_item->'votes') AS i(check_no smallint, vote smallint, mean double precision)
  WHERE c.experiment_id = v_id AND c.check_no = i.check_no AND c.kind <> 7;
  INSERT INTO verdict (experiment_id, outcome, reason, upholds, refutes, e_value, e_needed, effect,
                       lower, upper, wins_before, evidence, salt, fence)
  VALUES (v_id, v_outcome, p_item->>'reason', (p_item->>'upholds')::smallint,
          (p_item->>'refutes')::smallint, (p_item->>'e_value')::double precision,
          (p_item->>'e_needed')::double precision, (p_item->>'effect')::double precision,
          (p_item->>'lower')::double precision, (p_item->>'upper')::double precision,
          (p_item->>'wins_before')::bigint, p_item->'evidence',
          (SELECT salt FROM experiment_salt WHERE experiment_id = v_id), p_fence)
  RETURNING * INTO v_verdict;
  UPDATE experiment SET state = 3, ended_at = v_verdict.decided_at, hold_reason = '', hold_since = NULL
  WHERE experiment_id = v_id;
  UPDATE hypothesis SET state = 3, reason = left(v_verdict.reason, 2000)
  WHERE hypothesis_id = v_experiment.hypothesis_id;
  IF (p_item->>'release_fingerprint')::boolean THEN
    v_released := amdahl._release_key(v_id);
  END IF;
  v_events := v_events || amdahl._event('verdict_recorded', 'exp-' || v_id, jsonb_build_object(
    'outcome', amdahl._word('outcome', v_outcome), 'reason', v_verdict.reason,
    'upholds', v_verdict.upholds, 'refutes', v_verdict.refutes, 'e_value', v_verdict.e_value,
    'e_needed', v_verdict.e_needed, 'effect', v_verdict.effect, 'lower', v_verdict.lower,
    'upper', v_verdict.upper, 'wins_before', v_verdict.wins_before, 'salt', v_verdict.salt,
    'evidence_sha', encode(amdahl._digest(v_verdict.evidence), 'hex'),
    'fingerprint_released', v_released));
  UPDATE job SET sigma0 = coalesce((p_item->>'sigma0')::double precision, sigma0),
    sigma0_from = CASE WHEN p_item->>'sigma0' IS NULL THEN sigma0_from ELSE v_id END,
    phase_share = coalesce(nullif(p_item->'phase_share', 'null'), phase_share)
  WHERE job_id = v_experiment.job_id
    AND (p_item->>'sigma0' IS NOT NULL OR jsonb_typeof(p_item->'phase_share') = 'object');
  -- A baseline that cannot be measured is a person's to mend: adding the job again lets it go.
  IF v_experiment.kind = 1 AND v_outcome = 5 THEN
    UPDATE job SET paused = true WHERE job_id = v_experiment.job_id AND NOT paused;
    IF FOUND THEN
      v_events := v_events || amdahl._event('job_paused', 'job-' || v_experiment.job_id,
        jsonb_build_object('reason', v_verdict.reason));
    END IF;
  END IF;
  IF v_outcome = 0 AND jsonb_typeof(p_item->'champion') = 'object' THEN
    UPDATE job SET champion = p_item->'champion', champion_moves = champion_moves + 1,
      champion_wins = champion_wins || v_id
    WHERE job_id = v_experiment.job_id;
    v_events := v_events || amdahl._event('champion_moved', 'job-' || v_experiment.job_id,
      jsonb_build_object('experiment', v_id, 'champion', p_item->'champion'));
  END IF;
  PERFORM amdahl._append(v_events);
END
$$;

CREATE OR REPLACE FUNCTION amdahl.decide(p_term uuid, p_fence bigint, p_items jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_item jsonb;
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  FOR v_item IN SELECT value FROM jsonb_array_elements(p_items) LOOP
    PERFORM amdahl._decide(v_item, p_fence);
  END LOOP;
  PERFORM amdahl._seal();
END
$$;

-- What the verdict claims is recounted here, below the application.
CREATE OR REPLACE FUNCTION amdahl._check_verdict() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_experiment amdahl.experiment;
  v_upholds integer;
  v_refutes integer;
BEGIN
  SELECT * INTO v_experiment FROM experiment WHERE experiment_id = NEW.experiment_id;
  IF v_experiment.state > 2 THEN
    RAISE EXCEPTION 'experiment % cannot be decided: it is %', NEW.experiment_id,
      amdahl._word('experiment_state', v_experiment.state) USING ERRCODE = 'AM002';
  END IF;
  IF EXISTS (SELECT FROM worker_run WHERE experiment_id = NEW.experiment_id AND state <> 9) THEN
    RAISE EXCEPTION 'experiment % cannot be decided: it has live runs', NEW.experiment_id
      USING ERRCODE = 'AM008', HINT = 'wait for its runs, or abort it';
  END IF;
  SELECT count(*) FILTER (WHERE vote = 0), count(*) FILTER (WHERE vote = 1)
  INTO v_upholds, v_refutes FROM check_ WHERE experiment_id = NEW.experiment_id;
  IF NEW.upholds <> v_upholds OR NEW.refutes <> v_refutes THEN
    RAISE EXCEPTION 'the tally of experiment % is false: % to % claimed, % to % counted',
      NEW.experiment_id, NEW.upholds, NEW.refutes, v_upholds, v_refutes USING ERRCODE = 'AM006';
  END IF;
  IF NEW.outcome = 0 AND (v_upholds * 2 <= v_experiment.checks OR v_experiment.kind = 1
                          OR NEW.e_value < NEW.e_needed) THEN
    RAISE EXCEPTION 'experiment % is no win: % of % checks uphold it, E = % of % needed',
      NEW.experiment_id, v_upholds, v_experiment.checks, NEW.e_value, NEW.e_needed
      USING ERRCODE = 'AM006';
  END IF;
  IF NEW.outcome = 0 AND v_experiment.kind = 0 THEN
    UPDATE fdr_stream SET wins = wins + 1
    WHERE stream_id = v_experiment.stream_id AND wins = NEW.wins_before;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'experiment % was judged with % wins before it, but the count has moved',
        NEW.experiment_id, NEW.wins_before
        USING ERRCODE = 'AM003', HINT = 'read again and judge it with the wins of now';
    END IF;
  END IF;
  RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER check_verdict BEFORE INSERT ON amdahl.verdict
  FOR EACH ROW EXECUTE FUNCTION amdahl._check_verdict();
