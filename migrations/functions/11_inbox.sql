-- Open to everybody with the service's role: commands; only the leader finishes them.
CREATE OR REPLACE FUNCTION amdahl.put_command(p_key text, p_verb text, p_args jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  IF (SELECT count(*) FROM command WHERE NOT done) >= 1000 THEN
    RAISE EXCEPTION '1000 commands wait already: nobody leads, or it cannot keep up'
      USING ERRCODE = 'AM012', HINT = 'start the service, or look why it stands still';
  END IF;
  INSERT INTO command (key, verb, args) VALUES (p_key, p_verb, p_args) ON CONFLICT (key) DO NOTHING;
END
$$;

CREATE OR REPLACE FUNCTION amdahl.command_answer(p_key text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT answer FROM amdahl.command WHERE key = p_key
$$;

-- Stores the answers of commands that have none; the events that say so.
CREATE OR REPLACE FUNCTION amdahl._finish(p_items jsonb) RETURNS amdahl.event_draft[]
LANGUAGE sql AS $$
  WITH finished AS (
    UPDATE amdahl.command c SET done = true, answer = i.answer, done_at = clock_timestamp()
    FROM jsonb_to_recordset(p_items) AS i(key text, answer jsonb)
    WHERE c.key = i.key AND NOT c.done
    RETURNING c.command_id, c.verb, c.key, c.answer)
  SELECT array_agg(amdahl._event('command_finished', 'command-' || command_id, jsonb_build_object(
    'verb', verb, 'key', key, 'ok', answer->'ok')) ORDER BY command_id)
  FROM finished
$$;

CREATE OR REPLACE FUNCTION amdahl.finish_commands(p_term uuid, p_fence bigint, p_items jsonb)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  PERFORM amdahl._lead(p_term, p_fence);
  PERFORM amdahl._append(amdahl._finish(p_items));
END
$$;
