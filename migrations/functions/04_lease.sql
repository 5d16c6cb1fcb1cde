-- Leading: one row is lease, fence and chain end.
CREATE OR REPLACE FUNCTION amdahl._head_json() RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('term', coalesce(term::text, ''), 'fence', fence, 'renew_seq', renew_seq,
    'head_seq', head_seq, 'head_hash', encode(head_hash, 'hex'), 'holder', holder,
    'released', released)
  FROM amdahl.loop_head
$$;

CREATE OR REPLACE FUNCTION amdahl.read_head() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT amdahl._head_json()
$$;

-- Takes the lease if the head is still as seen; answers the new fence, or null when somebody lives.
CREATE OR REPLACE FUNCTION amdahl.acquire_lease(p_seen_term uuid, p_seen_renew_seq bigint,
                                                p_new_term uuid, p_holder text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_head amdahl.loop_head;
BEGIN
  SELECT * INTO v_head FROM loop_head FOR UPDATE;
  IF v_head.term = p_new_term AND NOT v_head.released THEN RETURN v_head.fence; END IF;
  IF v_head.term IS DISTINCT FROM p_seen_term OR v_head.renew_seq <> p_seen_renew_seq
     OR v_head.term = p_new_term THEN
    RETURN NULL;
  END IF;
  UPDATE loop_head SET term = p_new_term, fence = fence + 1, renew_seq = renew_seq + 1,
    holder = left(p_holder, 200), released = false, touched_at = clock_timestamp()
  RETURNING * INTO v_head;
  PERFORM amdahl._append(ARRAY[amdahl._event('lease_acquired', 'loop-1',
    jsonb_build_object('term', p_new_term, 'holder', v_head.holder))]);
  RETURN v_head.fence;
END
$$;

CREATE OR REPLACE FUNCTION amdahl.renew_lease(p_term uuid, p_fence bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  UPDATE loop_head SET renew_seq = renew_seq + 1, touched_at = clock_timestamp();
END
$$;

CREATE OR REPLACE FUNCTION amdahl.release_lease(p_term uuid, p_fence bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  PERFORM 1 FROM loop_head WHERE term = p_term AND fence = p_fence AND released FOR UPDATE;
  IF FOUND THEN RETURN; END IF;
  PERFORM amdahl._lead(p_term, p_fence);
  PERFORM amdahl._append(ARRAY[amdahl._event('lease_released', 'loop-1',
    jsonb_build_object('term', p_term))]);
  UPDATE loop_head SET released = true, renew_seq = renew_seq + 1;
END
$$;

CREATE OR REPLACE FUNCTION amdahl.set_paused(p_term uuid, p_fence bigint, p_paused boolean,
                                             p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  UPDATE loop_head SET paused = p_paused,
    paused_reason = CASE WHEN p_paused THEN left(p_reason, 500) ELSE '' END
  WHERE paused <> p_paused;
  IF FOUND THEN
    PERFORM amdahl._append(ARRAY[amdahl._event(
      CASE WHEN p_paused THEN 'loop_paused' ELSE 'loop_resumed' END, 'loop-1',
      jsonb_build_object('reason', left(p_reason, 500)))]);
  END IF;
END
$$;

-- An event without a row of its own.
CREATE OR REPLACE FUNCTION amdahl.note(p_term uuid, p_fence bigint, p_kind text, p_ref text,
                                       p_payload jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  PERFORM amdahl._append(ARRAY[amdahl._event(p_kind, p_ref, p_payload)]);
END
$$;
