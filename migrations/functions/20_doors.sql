-- What the doors of the service write: open to everybody with the service's role, since none of it
-- changes a state. Deliveries wake reconciliation, tokens open doors, a posted result is looked at
-- like one on disk.

-- Refuses deliveries where 10,000 wait; called where the numbers allow that many: counting costs more than
-- storing.
CREATE OR REPLACE FUNCTION amdahl._bound_waiting() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT count(*) FROM (SELECT FROM amdahl.delivery_waiting LIMIT 10001) AS w) > 10000 THEN
    RAISE EXCEPTION '10000 deliveries wait already: nobody leads, or it cannot keep up'
      USING ERRCODE = 'AM012', HINT = 'the sender may try again later';
  END IF;
END
$$;
DROP FUNCTION IF EXISTS amdahl._bound_waiting(bigint);

-- Several deliveries, one commit. Answers for each, in their order, whether it was new; a replay is counted
-- and has no other effect. No two items name one delivery: `copies` says how often it came. In the order of
-- their keys, so that two batches never wait for each other in a circle.
DROP FUNCTION IF EXISTS amdahl.put_delivery(text, text, jsonb, text);
CREATE OR REPLACE FUNCTION amdahl.put_deliveries(p_items jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_new jsonb;
  v_last bigint;
BEGIN
  WITH given AS MATERIALIZED (
    SELECT * FROM ROWS FROM (jsonb_to_recordset(p_items) AS (source text, id text, cluster text,
      kind text, native_id text, run_key text, body jsonb, copies integer)) WITH ORDINALITY
      AS g(source, id, cluster, kind, native_id, run_key, body, copies, place)),
  put AS (
    INSERT INTO delivery (source, delivery_id, cluster, kind, native_id, run_key, body, replays)
    SELECT source, id, cluster, kind, native_id, run_key, body, copies - 1 FROM given
    ORDER BY source, id
    ON CONFLICT (source, delivery_id) DO UPDATE SET replays = delivery.replays + excluded.replays + 1
    RETURNING source, delivery_id, replays, delivery_no)
  SELECT jsonb_agg(put.replays = given.copies - 1 ORDER BY given.place), max(put.delivery_no)
  INTO v_new, v_last
  FROM given JOIN put ON put.source = given.source AND put.delivery_id = given.id;
  IF v_last - (SELECT upto FROM amdahl.delivery_mark) > 10000 THEN PERFORM amdahl._bound_waiting(); END IF;
  RETURN v_new;
END
$$;

-- The same of one, which most commits are of: without taking a document apart.
CREATE OR REPLACE FUNCTION amdahl.put_delivery(p_source text, p_id text, p_cluster text, p_kind text,
                                               p_native_id text, p_run_key text, p_body jsonb)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_new boolean;
  v_no bigint;
BEGIN
  INSERT INTO delivery (source, delivery_id, cluster, kind, native_id, run_key, body)
  VALUES (p_source, p_id, p_cluster, p_kind, p_native_id, p_run_key, p_body)
  ON CONFLICT (source, delivery_id) DO UPDATE SET replays = delivery.replays + 1
  RETURNING replays = 0, delivery_no INTO v_new, v_no;
  IF v_no - (SELECT upto FROM amdahl.delivery_mark) > 10000 THEN PERFORM amdahl._bound_waiting(); END IF;
  RETURN v_new;
END
$$;

-- Those that were there when a cycle began to look are done with it. One that commits late, with a number
-- below the mark, was poked for by its own service; else the next cycle looks, an idle pause later at most.
-- An id is unique for 30 days.
DROP FUNCTION IF EXISTS amdahl.finish_deliveries(uuid, bigint, jsonb);
CREATE OR REPLACE FUNCTION amdahl.finish_deliveries(p_term uuid, p_fence bigint, p_upto bigint)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_before timestamptz := now() - interval '30 days';
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  UPDATE delivery_mark SET upto = p_upto WHERE upto < p_upto;
  UPDATE delivery SET again = false WHERE again AND delivery_no <= p_upto;
  IF (SELECT received_at FROM delivery ORDER BY delivery_no LIMIT 1) < v_before THEN
    DELETE FROM delivery
    WHERE delivery_no IN (SELECT delivery_no FROM delivery ORDER BY delivery_no LIMIT 1000)
      AND delivery_no <= p_upto AND received_at < v_before;
  END IF;
END
$$;

-- An operator asks for another look because of this delivery.
CREATE OR REPLACE FUNCTION amdahl.replay_delivery(p_number bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  UPDATE delivery SET again = true WHERE delivery_no = p_number;
  RETURN FOUND;
END
$$;

-- The newest delivery and the newest command that wait for the leader, 0 where none does: cheap, asked
-- several times a second. What was seen before and still waits is no news.
CREATE OR REPLACE FUNCTION amdahl.read_inbox(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_array((SELECT coalesce(max(delivery_no), 0) FROM delivery_waiting),
                           (SELECT coalesce(max(command_id), 0) FROM command WHERE NOT done))
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
  -- Held against the leader, which deletes what was posted as it records the end: none is left behind.
  SELECT state INTO v_state FROM worker_run WHERE run_key = p_run_key FOR SHARE;
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

-- What was posted for these run keys.
CREATE OR REPLACE FUNCTION amdahl.read_posted(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('posted', coalesce(jsonb_object_agg(run_key, body), '{}'))
  FROM posted_result
  WHERE run_key IN (SELECT jsonb_array_elements_text(p_args->'run_keys'))
$$;

-- What the newest 20,000 webhooks told of these runs' ends, the newest first: the members of each event.
CREATE OR REPLACE FUNCTION amdahl.read_endings(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('endings', coalesce(jsonb_agg(jsonb_build_object(
    'run_key', run_key, 'told', coalesce(body->'data', body)) ORDER BY delivery_no DESC), '[]'))
  FROM (SELECT * FROM delivery ORDER BY delivery_no DESC LIMIT 20000) AS d
  WHERE cluster = p_args->>'cluster' AND kind IN ('slurm.job.ended', 'job.ended')
    AND run_key IN (SELECT jsonb_array_elements_text(p_args->'run_keys'))
$$;

CREATE OR REPLACE FUNCTION amdahl._delivery_json(p_delivery amdahl.delivery) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'delivery', p_delivery.delivery_no, 'source', p_delivery.source, 'id', p_delivery.delivery_id,
    'cluster', p_delivery.cluster, 'kind', p_delivery.kind, 'native_id', p_delivery.native_id,
    'run_key', p_delivery.run_key,
    'done', NOT p_delivery.again AND p_delivery.delivery_no <= (SELECT upto FROM amdahl.delivery_mark),
    'replays', p_delivery.replays, 'received_at', amdahl._ts(p_delivery.received_at))
$$;

CREATE OR REPLACE FUNCTION amdahl.read_delivery(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('schema', 'amdahl.webhook_delivery/v1', 'body', body)
    || amdahl._delivery_json(delivery)
  FROM delivery WHERE delivery_no = (p_args->>'delivery')::bigint
$$;

-- Newest first, by keyset. What a webhook said is shown with it alone: it may be long.
CREATE OR REPLACE FUNCTION amdahl.read_deliveries(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  WITH page AS (
    SELECT * FROM delivery
    WHERE (p_args->>'source' IS NULL OR source = p_args->>'source')
      AND delivery_no < coalesce((SELECT (amdahl._after('deliveries', p_args))[1]), 9223372036854775807)
    ORDER BY delivery_no DESC LIMIT amdahl._limit(p_args))
  SELECT jsonb_build_object('schema', 'amdahl.deliveries/v1',
    'deliveries', coalesce(jsonb_agg(amdahl._delivery_json(page) ORDER BY delivery_no DESC), '[]'),
    'next_cursor', amdahl._next('deliveries', p_args, count(*), min(delivery_no)))
  FROM page
$$;

-- One command: what was asked, and its answer once there is one; null when there is none of this key.
CREATE OR REPLACE FUNCTION amdahl.read_command(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('schema', 'amdahl.command/v1', 'key', key, 'verb', verb, 'args', args,
    'done', done, 'answer', answer, 'asked_at', amdahl._ts(asked_at), 'done_at', amdahl._ts(done_at))
  FROM command WHERE key = p_args->>'key'
$$;

-- What waits, oldest first.
CREATE OR REPLACE FUNCTION amdahl.read_queue(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('schema', 'amdahl.queue/v1',
    'commands', (SELECT coalesce(jsonb_agg(jsonb_build_object('key', key, 'verb', verb,
        'asked_at', amdahl._ts(asked_at)) ORDER BY command_id), '[]')
      FROM (SELECT * FROM command WHERE NOT done ORDER BY command_id LIMIT 200) AS c),
    'deliveries_pending', (SELECT count(*) FROM delivery_waiting),
    'oldest_delivery_at', (SELECT amdahl._ts(min(received_at)) FROM delivery_waiting),
    'runs', (SELECT coalesce(jsonb_agg(jsonb_build_object('run', run_id, 'run_key', run_key,
        'experiment', experiment_id, 'cluster', cluster, 'state', amdahl._word('run_state', state),
        'planned_at', amdahl._ts(planned_at)) ORDER BY run_id), '[]')
      FROM (SELECT * FROM worker_run WHERE state <> 9 ORDER BY run_id LIMIT 200) AS r))
$$;

-- What came from what: the idea, the wins its baseline stood on, what stood on it.
CREATE OR REPLACE FUNCTION amdahl.read_lineage(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('schema', 'amdahl.lineage/v1',
    'experiment', amdahl._summary(e.experiment_id),
    'hypothesis', (SELECT amdahl._hypothesis_json(h) FROM hypothesis h
                   WHERE h.hypothesis_id = e.hypothesis_id),
    'parents', (SELECT coalesce(jsonb_agg(amdahl._summary(w.experiment_id) ORDER BY w.experiment_id),
                                '[]')
      FROM experiment w JOIN verdict v ON v.experiment_id = w.experiment_id AND v.outcome = 0
      WHERE w.job_id = e.job_id AND v.decided_at <= e.registered_at
        AND w.experiment_id <> e.experiment_id),
    'children', (SELECT coalesce(jsonb_agg(amdahl._summary(c.experiment_id) ORDER BY c.experiment_id),
                                 '[]')
      FROM experiment c JOIN verdict v ON v.experiment_id = e.experiment_id AND v.outcome = 0
      WHERE c.job_id = e.job_id AND c.registered_at >= v.decided_at
        AND c.experiment_id <> e.experiment_id),
    'bank', amdahl._bank_entries(NULL, e.experiment_id, NULL, 200))
  FROM experiment e WHERE e.experiment_id = (p_args->>'experiment')::bigint
$$;

-- What these clusters' webhooks told, and what they did not: runs that ended since the last one came; and,
-- of the ends recorded after event `after` and over a minute ago, those that none of them named. A webhook
-- may come later than its run was seen to end, so younger ends wait for the next question (`upto`).
CREATE OR REPLACE FUNCTION amdahl.read_hooks(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  WITH asked AS (SELECT jsonb_array_elements_text(p_args->'clusters') AS cluster),
  heard AS MATERIALIZED (SELECT cluster, native_id, run_key, received_at FROM delivery
    ORDER BY delivery_no DESC LIMIT 20000),
  last AS (SELECT cluster, max(received_at) AS at FROM heard GROUP BY cluster),
  upto AS MATERIALIZED (SELECT coalesce((SELECT seq FROM event
    WHERE at < clock_timestamp() - interval '1 minute' ORDER BY seq DESC LIMIT 1), 0) AS seq),
  ended AS (
    SELECT r.cluster, r.native_id, r.run_key
    FROM event v JOIN worker_run r ON r.run_id = substr(v.ref, 5)::bigint
    WHERE v.kind = 'run_ended' AND r.native_id IS NOT NULL
      AND v.seq > greatest((p_args->>'after')::bigint, (SELECT head_seq FROM loop_head) - 100000)
      AND v.seq <= (SELECT seq FROM upto)),
  unheard AS (
    SELECT cluster, count(*) AS n FROM ended AS e
    WHERE NOT EXISTS (SELECT FROM heard AS h WHERE h.cluster = e.cluster AND h.native_id = e.native_id)
      AND NOT EXISTS (SELECT FROM heard AS h WHERE h.run_key = e.run_key)
    GROUP BY cluster)
  SELECT jsonb_build_object('schema', 'amdahl.hooks/v1', 'upto', (SELECT seq FROM upto),
    'clusters', coalesce(jsonb_agg(jsonb_build_object(
      'cluster', asked.cluster, 'last_at', amdahl._ts(last.at),
      'silent_s', extract(epoch FROM clock_timestamp() - last.at),
      'ended_since', (SELECT count(*) FROM worker_run AS r
        WHERE r.cluster = asked.cluster AND r.native_id IS NOT NULL
          AND r.ended_at > coalesce(last.at + interval '1 minute', '-infinity')),
      'missed', CASE WHEN p_args ? 'after' THEN coalesce(unheard.n, 0) END)
      ORDER BY asked.cluster), '[]'))
  FROM asked LEFT JOIN last USING (cluster) LEFT JOIN unheard USING (cluster)
$$;
