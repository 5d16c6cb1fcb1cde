-- What the doors of the service write: open to everybody with the service's role, since none of it
-- changes a state. Deliveries wake reconciliation, tokens open doors, a posted result is looked at
-- like one on disk.

-- Several deliveries, one commit. Answers for each whether it was new; a replay is counted and has no
-- other effect. In the order of their keys, so that two batches never wait for each other in a circle.
DROP FUNCTION IF EXISTS amdahl.put_delivery(text, text, jsonb, text);
CREATE OR REPLACE FUNCTION amdahl.put_deliveries(p_items jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_item record;
  v_new boolean;
  v_all boolean[] := array_fill(false, ARRAY[jsonb_array_length(p_items)]);
BEGIN
  IF (SELECT count(*) FROM (SELECT FROM delivery WHERE NOT done LIMIT 10000) AS waiting) >= 10000 THEN
    RAISE EXCEPTION '10000 deliveries wait already: nobody leads, or it cannot keep up'
      USING ERRCODE = 'AM012', HINT = 'the sender may try again later';
  END IF;
  FOR v_item IN
    SELECT i.place, x.* FROM jsonb_array_elements(p_items) WITH ORDINALITY AS i(item, place),
      jsonb_to_record(i.item) AS x(source text, id text, cluster text, kind text, native_id text,
                                   run_key text, body jsonb)
    ORDER BY x.source, x.id, i.place
  LOOP
    INSERT INTO delivery (source, delivery_id, cluster, kind, native_id, run_key, body)
    VALUES (v_item.source, v_item.id, v_item.cluster, v_item.kind, v_item.native_id, v_item.run_key,
            v_item.body)
    ON CONFLICT (source, delivery_id) DO UPDATE SET replays = delivery.replays + 1
    RETURNING replays = 0 INTO v_new;
    v_all[v_item.place] := v_new;
  END LOOP;
  RETURN to_jsonb(v_all);
END
$$;

-- Those that were there when a cycle began to look are done with it. An id is unique for 30 days.
DROP FUNCTION IF EXISTS amdahl.finish_deliveries(uuid, bigint, jsonb);
CREATE OR REPLACE FUNCTION amdahl.finish_deliveries(p_term uuid, p_fence bigint, p_upto bigint)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  UPDATE delivery SET done = true WHERE NOT done AND delivery_no <= p_upto;
  DELETE FROM delivery WHERE (source, delivery_id) IN (
    SELECT source, delivery_id FROM delivery
    WHERE done AND received_at < now() - interval '30 days' ORDER BY received_at LIMIT 1000);
END
$$;

-- An operator asks for another look because of this delivery.
CREATE OR REPLACE FUNCTION amdahl.replay_delivery(p_number bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  UPDATE delivery SET done = false WHERE delivery_no = p_number;
  RETURN FOUND;
END
$$;

-- Whether anybody waits for the leader: cheap, asked several times a second.
CREATE OR REPLACE FUNCTION amdahl.inbox_waits() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT EXISTS (SELECT FROM delivery WHERE NOT done) OR EXISTS (SELECT FROM command WHERE NOT done)
$$;

CREATE OR REPLACE FUNCTION amdahl.put_token(p_name text, p_sha text, p_scope text, p_expires_us bigint)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_id bigint;
BEGIN
  IF (SELECT count(*) FROM api_token WHERE revoked_at IS NULL) >= 1000 THEN
    RAISE EXCEPTION 'there are 1000 tokens already' USING ERRCODE = 'AM012', HINT = 'revoke some';
  END IF;
  INSERT INTO api_token (name, token_sha, scope, expires_at)
  VALUES (p_name, decode(p_sha, 'hex'), p_scope,
          to_timestamp(p_expires_us / 1e6)) RETURNING token_id INTO v_id;
  RETURN v_id;
END
$$;

CREATE OR REPLACE FUNCTION amdahl.revoke_token(p_name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  UPDATE api_token SET revoked_at = clock_timestamp() WHERE name = p_name AND revoked_at IS NULL;
  RETURN FOUND;
END
$$;

CREATE OR REPLACE FUNCTION amdahl._token_json(p_token amdahl.api_token) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('token', p_token.token_id, 'name', p_token.name, 'scope', p_token.scope,
    'state', CASE WHEN p_token.revoked_at IS NOT NULL THEN 'revoked'
                  WHEN p_token.expires_at <= clock_timestamp() THEN 'expired' ELSE 'live' END,
    'made_by', p_token.made_by, 'made_at', amdahl._ts(p_token.made_at),
    'expires_at', amdahl._ts(p_token.expires_at), 'revoked_at', amdahl._ts(p_token.revoked_at))
$$;

-- Whose token this is; null when it opens nothing.
CREATE OR REPLACE FUNCTION amdahl.find_token(p_sha text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT amdahl._token_json(t) FROM api_token AS t WHERE token_sha = decode(p_sha, 'hex')
$$;

CREATE OR REPLACE FUNCTION amdahl.read_tokens(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('schema', 'amdahl.tokens/v1',
    'tokens', coalesce(jsonb_agg(amdahl._token_json(t) ORDER BY token_id), '[]'))
  FROM (SELECT * FROM api_token ORDER BY revoked_at IS NOT NULL, token_id LIMIT 2000) AS t
$$;

-- `new`, `same` (posted before), `other` (another one was posted before), `ended` or `unknown`.
CREATE OR REPLACE FUNCTION amdahl.post_result(p_run_key text, p_body text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_state smallint;
  v_body text;
BEGIN
  SELECT state INTO v_state FROM worker_run WHERE run_key = p_run_key;
  IF NOT FOUND THEN RETURN 'unknown'; END IF;
  SELECT body INTO v_body FROM posted_result WHERE run_key = p_run_key;
  IF FOUND THEN RETURN CASE WHEN v_body = p_body THEN 'same' ELSE 'other' END; END IF;
  IF v_state = 9 THEN RETURN 'ended'; END IF;
  INSERT INTO posted_result (run_key, body) VALUES (p_run_key, p_body) ON CONFLICT DO NOTHING;
  IF FOUND THEN RETURN 'new'; END IF;
  SELECT body INTO v_body FROM posted_result WHERE run_key = p_run_key;
  RETURN CASE WHEN v_body = p_body THEN 'same' ELSE 'other' END;
END
$$;

CREATE OR REPLACE FUNCTION amdahl.read_posted(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT to_jsonb(body) FROM posted_result WHERE run_key = p_args->>'run_key'
$$;

-- Newest first, by keyset.
CREATE OR REPLACE FUNCTION amdahl.read_deliveries(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  WITH page AS (
    SELECT * FROM delivery
    WHERE (p_args->>'source' IS NULL OR source = p_args->>'source')
      AND (p_args->>'cursor' IS NULL OR delivery_no < (p_args->>'cursor')::bigint)
    ORDER BY delivery_no DESC LIMIT amdahl._limit(p_args))
  SELECT jsonb_build_object('schema', 'amdahl.deliveries/v1',
    'deliveries', coalesce(jsonb_agg(jsonb_build_object(
      'delivery', delivery_no, 'source', source, 'id', delivery_id, 'cluster', cluster, 'kind', kind,
      'native_id', native_id, 'run_key', run_key, 'done', done, 'replays', replays,
      'received_at', amdahl._ts(received_at), 'body', body) ORDER BY delivery_no DESC), '[]'),
    'next_cursor', CASE WHEN count(*) = amdahl._limit(p_args) THEN min(delivery_no) END)
  FROM page
$$;
