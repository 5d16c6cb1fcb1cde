-- Registration freezes the protocol; abort and release give a fingerprint back once.

-- A coin of a registered pair: lowest bit of byte 0 of SHA-256("exp-12:salt:index"), 1 = variant first.
CREATE OR REPLACE FUNCTION amdahl._coin(p_experiment bigint, p_index bigint) RETURNS smallint
LANGUAGE sql STABLE AS $$
  SELECT (get_byte(sha256(convert_to(format('exp-%s:%s:%s', experiment_id, salt, p_index), 'UTF8')), 0)
          & 1)::smallint
  FROM amdahl.experiment_salt WHERE experiment_id = p_experiment
$$;

-- Which decided experiment stands in the way of this change on another baseline. What was decided on
-- other code says nothing about this code (p_code; null = whatever code).
DROP FUNCTION IF EXISTS amdahl._near_duplicate(bigint, jsonb);
CREATE OR REPLACE FUNCTION amdahl._near_duplicate(p_job bigint, p_change jsonb, p_code text)
RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT e.experiment_id
  FROM amdahl.experiment e
  JOIN amdahl.job j USING (job_id)
  JOIN amdahl.verdict v USING (experiment_id)
  WHERE e.job_id = p_job AND e.change_sha = amdahl._digest(p_change) AND e.kind = 0
    AND EXISTS (SELECT FROM amdahl.experiment_key k
                WHERE k.experiment_id = e.experiment_id AND NOT k.released)
    AND (v.outcome <> 0 OR e.experiment_id = ANY (j.champion_wins))
    AND (p_code IS NULL OR e.protocol->>'code_digest' = p_code)
    -- What resources a job can feed changes with every win.
    AND NOT (j.champion_moves > 0
             AND NOT EXISTS (SELECT FROM jsonb_array_elements(p_change) AS part
                             WHERE part->>'kind' <> 'resource'))
  ORDER BY e.experiment_id DESC LIMIT 1
$$;

CREATE OR REPLACE FUNCTION amdahl._verdict_words(p_experiment bigint) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT amdahl._word('outcome', outcome) FROM amdahl.verdict
                   WHERE experiment_id = p_experiment),
                  (SELECT amdahl._word('experiment_state', state) FROM amdahl.experiment
                   WHERE experiment_id = p_experiment))
$$;

CREATE OR REPLACE FUNCTION amdahl._new_salt(p_asked text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  IF p_asked IS NULL THEN
    -- 16 bytes of the server's strong random source; a version 4 UUID alone has 6 fixed bits.
    RETURN left(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex'), 32);
  END IF;
  -- current_user is the owner here: the functions run with the owner's rights.
  IF NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
    RAISE EXCEPTION 'role % may not choose a salt: it would know the coins', session_user
      USING ERRCODE = 'AM005', HINT = 'register without a salt; only the owner role may supply one';
  END IF;
  RETURN p_asked;
END
$$;

-- Registers one; answers its number, or 0 where it was a duplicate.
CREATE OR REPLACE FUNCTION amdahl._register(p_item jsonb, p_fence bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_hypothesis bigint := nullif((p_item->>'hypothesis')::bigint, 0);
  v_job bigint := (p_item->>'job')::bigint;
  v_kind smallint := (p_item->>'kind')::smallint;
  v_fp_version smallint := (p_item->>'fp_version')::smallint;
  v_fingerprint bytea := decode(p_item->>'fingerprint', 'hex');
  v_replicate integer := (p_item->>'replicate')::integer;
  v_protocol jsonb := p_item->'protocol';
  v_salt text := p_item->>'salt';
  v_state smallint;
  v_old amdahl.experiment;
  v_new amdahl.experiment;
  v_reason text;
  v_t bigint := 0;
BEGIN
  SELECT e.* INTO v_old FROM experiment_key k JOIN experiment e USING (experiment_id)
  WHERE k.fp_version = v_fp_version AND k.fingerprint = v_fingerprint AND k.replicate = v_replicate
    AND NOT k.released;
  IF FOUND AND v_old.hypothesis_id IS NOT DISTINCT FROM v_hypothesis AND v_old.state < 3 THEN
    RETURN v_old.experiment_id;  -- the same call again
  END IF;
  IF v_hypothesis IS NOT NULL THEN
    SELECT state INTO v_state FROM hypothesis WHERE hypothesis_id = v_hypothesis AND job_id = v_job;
    IF v_state = 4 THEN RETURN 0; END IF;  -- the same call again, found a duplicate before
    IF v_state IS DISTINCT FROM 0 THEN
      RAISE EXCEPTION 'hypothesis % of job % cannot be registered: it is %', v_hypothesis, v_job,
        coalesce(amdahl._word('hypothesis_state', v_state), 'unknown') USING ERRCODE = 'AM002';
    END IF;
  END IF;
  IF v_old.experiment_id IS NOT NULL THEN
    v_reason := format('duplicate of EXP-%s: %s', v_old.experiment_id,
                       amdahl._verdict_words(v_old.experiment_id));
  ELSIF v_kind = 0 AND v_replicate = 0 AND NOT (p_item->>'near_duplicate_ok')::boolean THEN
    v_old.experiment_id := amdahl._near_duplicate(v_job, v_protocol->'changes',
                                                     v_protocol->>'code_digest');
    v_reason := format('near duplicate of EXP-%s on another baseline: %s', v_old.experiment_id,
                       amdahl._verdict_words(v_old.experiment_id));
  END IF;
  IF v_old.experiment_id IS NOT NULL THEN
    UPDATE hypothesis SET state = 4, reason = v_reason, duplicate_of = v_old.experiment_id
    WHERE hypothesis_id = v_hypothesis;
    IF FOUND THEN
      PERFORM amdahl._append(ARRAY[amdahl._event('hypothesis_rejected', 'hypothesis-' || v_hypothesis,
        jsonb_build_object('reason', v_reason, 'duplicate_of', v_old.experiment_id))]);
    END IF;
    RETURN 0;
  END IF;

  IF v_kind = 0 THEN
    UPDATE fdr_stream SET next_t = next_t + 1 WHERE stream_id = 1 RETURNING next_t - 1 INTO v_t;
  END IF;
  v_salt := amdahl._new_salt(v_salt);
  INSERT INTO experiment (job_id, hypothesis_id, kind, protocol, protocol_sha, change, change_sha,
                          baseline_sha, checks, stream_id, t, salt_hash, created_fence)
  VALUES (v_job, v_hypothesis, v_kind, jsonb_set(v_protocol, '{t}', to_jsonb(v_t)),
          p_item->>'protocol_sha', v_protocol->'changes', amdahl._digest(v_protocol->'changes'),
          amdahl._digest(v_protocol->'baseline'), jsonb_array_length(v_protocol->'checks'),
          CASE WHEN v_kind = 0 THEN 1 END, v_t, sha256(convert_to(v_salt, 'UTF8')), p_fence)
  RETURNING * INTO v_new;
  INSERT INTO experiment_salt VALUES (v_new.experiment_id, v_salt);
  INSERT INTO experiment_key (fp_version, fingerprint, replicate, experiment_id)
  VALUES (v_fp_version, v_fingerprint, v_replicate, v_new.experiment_id);
  UPDATE hypothesis SET state = 2, experiment_id = v_new.experiment_id
  WHERE hypothesis_id = v_hypothesis;
  PERFORM amdahl._append(ARRAY[amdahl._event('experiment_registered', 'exp-' || v_new.experiment_id,
    jsonb_build_object('job', v_job, 'hypothesis', v_hypothesis,
      'kind', amdahl._word('experiment_kind', v_kind), 'protocol_sha', v_new.protocol_sha,
      'fingerprint', encode(v_fingerprint, 'hex'), 'replicate', v_replicate, 't', v_t,
      'checks', v_new.checks, 'salt_hash', encode(v_new.salt_hash, 'hex')))]);
  RETURN v_new.experiment_id;
END
$$;

CREATE OR REPLACE FUNCTION amdahl.register_experiments(p_term uuid, p_fence bigint, p_items jsonb)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_item jsonb;
  v_ids bigint[] := '{}';
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  FOR v_item IN SELECT value FROM jsonb_array_elements(p_items) LOOP
    v_ids := v_ids || amdahl._register(v_item, p_fence);
  END LOOP;
  PERFORM amdahl._seal();
  RETURN to_jsonb(v_ids);
END
$$;

-- Gives the fingerprint back for one more try; the second time it stays taken.
CREATE OR REPLACE FUNCTION amdahl._release_key(p_experiment bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE experiment_key k SET released = true
  WHERE k.experiment_id = p_experiment AND NOT k.released
    -- Noise may be measured as often as needed; anything else gets one more try.
    AND (EXISTS (SELECT FROM experiment e WHERE e.experiment_id = p_experiment AND e.kind = 1)
         OR NOT EXISTS (SELECT FROM experiment_key o WHERE o.fp_version = k.fp_version
                        AND o.fingerprint = k.fingerprint AND o.replicate = k.replicate
                        AND o.released));
  RETURN FOUND;
END
$$;

-- Nomination, extension, hold.
CREATE OR REPLACE FUNCTION amdahl.advance(p_term uuid, p_fence bigint, p_items jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_item jsonb;
  v_id bigint;
  v_row amdahl.experiment;
  v_nomination jsonb;
  v_events amdahl.event_draft[] := '{}';
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  FOR v_item IN SELECT value FROM jsonb_array_elements(p_items) LOOP
    v_id := (v_item->>'experiment')::bigint;
    SELECT * INTO v_row FROM experiment WHERE experiment_id = v_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'experiment % cannot advance: there is none', v_id USING ERRCODE = 'AM007';
    END IF;
    v_nomination := nullif(v_item->'nomination', 'null');
    IF v_nomination IS NOT NULL AND v_row.claim IS NULL THEN
      UPDATE experiment SET state = 2, nominated_at = clock_timestamp(),
        claim = (v_nomination->>'claim')::double precision,
        pairs_per_check = (v_nomination->>'pairs_per_check')::integer,
        last_index = (v_nomination->>'last_index')::bigint
      WHERE experiment_id = v_id RETURNING * INTO v_row;
      INSERT INTO check_ (experiment_id, check_no, kind, pairs_planned)
      SELECT v_id, place, amdahl._number('check_kind', plan->>'kind'), v_row.pairs_per_check
      FROM jsonb_array_elements(v_row.protocol->'checks') WITH ORDINALITY AS c(plan, place);
      v_events := v_events || amdahl._event('experiment_nominated', 'exp-' || v_id, v_nomination);
    END IF;
    IF (v_item->>'register_extension')::boolean AND NOT v_row.extension_registered THEN
      UPDATE experiment SET extension_registered = true WHERE experiment_id = v_id;
      INSERT INTO check_ (experiment_id, check_no, kind, pairs_planned)
      VALUES (v_id, v_row.checks + 1, 7, (v_row.protocol->>'extension_pairs')::integer);
      v_events := v_events || amdahl._event('extension_registered', 'exp-' || v_id, '{}');
    END IF;
    IF v_item->>'hold' IS NOT NULL AND v_item->>'hold' <> v_row.hold_reason THEN
      UPDATE experiment SET hold_reason = left(v_item->>'hold', 500),
        hold_since = CASE WHEN v_item->>'hold' = '' THEN NULL
                          ELSE coalesce(hold_since, clock_timestamp()) END
      WHERE experiment_id = v_id;
      v_events := v_events || amdahl._event(
        CASE WHEN v_item->>'hold' = '' THEN 'hold_lifted' ELSE 'experiment_held' END, 'exp-' || v_id,
        jsonb_build_object('reason', left(v_item->>'hold', 500)));
    END IF;
  END LOOP;
  PERFORM amdahl._append(v_events);
  PERFORM amdahl._seal();
END
$$;

-- Ends what was asked to abort and has no live run left.
CREATE OR REPLACE FUNCTION amdahl._finish_aborts(p_experiments bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_row record;
  v_events amdahl.event_draft[] := '{}';
  v_released boolean;
BEGIN
  FOR v_row IN
    UPDATE experiment e SET state = 4, ended_at = clock_timestamp(), hold_reason = '', hold_since = NULL
    WHERE e.experiment_id = ANY (p_experiments) AND e.abort_requested AND e.state < 3
      AND NOT EXISTS (SELECT FROM worker_run r
                      WHERE r.experiment_id = e.experiment_id AND r.state <> 9)
    RETURNING e.experiment_id, e.hypothesis_id, e.abort_reason, e.job_id, e.kind
  LOOP
    WITH closed AS (
      UPDATE pair SET state = 2, void_reason = 'operator: ' || v_row.abort_reason,
        closed_at = clock_timestamp()
      WHERE experiment_id = v_row.experiment_id AND state = 0 RETURNING index)
    UPDATE experiment SET pairs_void = pairs_void + (SELECT count(*) FROM closed)
    WHERE experiment_id = v_row.experiment_id;
    v_released := amdahl._release_key(v_row.experiment_id);
    UPDATE hypothesis SET state = 5, reason = v_row.abort_reason
    WHERE hypothesis_id = v_row.hypothesis_id;
    -- Without its noise a job stands still until a person adds it again.
    UPDATE job SET paused = true WHERE job_id = v_row.job_id AND v_row.kind = 1 AND NOT paused;
    IF FOUND THEN
      v_events := v_events || amdahl._event('job_paused', 'job-' || v_row.job_id,
        jsonb_build_object('reason', v_row.abort_reason));
    END IF;
    v_events := v_events || amdahl._event('experiment_aborted', 'exp-' || v_row.experiment_id,
      jsonb_build_object('reason', v_row.abort_reason, 'fingerprint_released', v_released));
  END LOOP;
  PERFORM amdahl._append(v_events);
END
$$;

CREATE OR REPLACE FUNCTION amdahl.abort_experiments(p_term uuid, p_fence bigint, p_ids jsonb,
                                                    p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_ids bigint[] := ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(p_ids));
  v_runs bigint[];
  v_events amdahl.event_draft[];
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  WITH asked AS (
    UPDATE experiment SET abort_requested = true, abort_reason = left(p_reason, 500)
    WHERE experiment_id = ANY (v_ids) AND state < 3 AND NOT abort_requested
    RETURNING experiment_id)
  SELECT array_agg(amdahl._event('abort_requested', 'exp-' || experiment_id,
                                 jsonb_build_object('reason', left(p_reason, 500)))
                   ORDER BY experiment_id)
  INTO v_events FROM asked;
  PERFORM amdahl._append(v_events);
  -- What never left us ends here; the scheduler is asked about the rest.
  SELECT array_agg(amdahl._end_run(run_id, 4::smallint, 4::smallint, left(p_reason, 500), 0)
                   ORDER BY run_id)
  INTO v_events FROM worker_run WHERE experiment_id = ANY (v_ids) AND state = 0;
  PERFORM amdahl._append(v_events);
  v_runs := ARRAY(SELECT run_id FROM worker_run
                  WHERE experiment_id = ANY (v_ids) AND state <> 9 AND NOT cancel_requested);
  PERFORM amdahl._request_cancel(v_runs);
  PERFORM amdahl._finish_aborts(v_ids);
  PERFORM amdahl._seal();
END
$$;
