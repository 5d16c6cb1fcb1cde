-- The fence check: every stage calls it first. It locks the head row, so there is one writer.
CREATE OR REPLACE FUNCTION amdahl._lead(p_term uuid, p_fence bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM loop_head WHERE term = p_term AND fence = p_fence AND NOT released FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'fence % is past: another loop leads, or the lease was given back', p_fence
      USING ERRCODE = 'AM001', HINT = 'stop leading and take the lease again';
  END IF;
  PERFORM set_config('amdahl.changed_rows', '', true);  -- what _seal will find is this stage's
END
$$;

CREATE OR REPLACE FUNCTION amdahl._event_hash(p_prev bytea, p_seq bigint, p_fence bigint, p_kind text,
                                              p_ref text, p_at timestamptz, p_payload text)
RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(p_prev || convert_to(concat_ws(E'\n', p_seq, p_fence, p_kind, p_ref, amdahl._ts(p_at),
                                               p_payload), 'UTF8'))
$$;

CREATE OR REPLACE FUNCTION amdahl._refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% of table % refused: its rows are written once', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'AM010';
END
$$;

-- A partition of a million events. TRUNCATE triggers do not reach partitions: each needs its own.
-- Attaching takes a weaker lock than CREATE ... PARTITION OF, so readers are not disturbed.
CREATE OR REPLACE FUNCTION amdahl._add_event_partition(p_number bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_name text := format('event_%s', lpad(p_number::text, 6, '0'));
  v_from bigint := p_number * 1000000;
BEGIN
  IF to_regclass('amdahl.' || v_name) IS NOT NULL THEN RETURN; END IF;
  EXECUTE format('CREATE TABLE amdahl.%I (LIKE amdahl.event INCLUDING ALL)', v_name);
  EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON amdahl.%I '
                 'FOR EACH STATEMENT EXECUTE FUNCTION amdahl._refuse_change()', v_name);
  EXECUTE format('ALTER TABLE amdahl.event ATTACH PARTITION amdahl.%I FOR VALUES FROM (%s) TO (%s)',
                 v_name, v_from, v_from + 1000000);
END
$$;
SELECT amdahl._add_event_partition(0);

-- Appends to the chain; the caller holds the head row. Nothing to append changes nothing.
CREATE OR REPLACE FUNCTION amdahl._append(p_events amdahl.event_draft[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_head amdahl.loop_head;
  v_event amdahl.event_draft;
  v_at timestamptz := clock_timestamp();
  v_payload text;
  v_hash bytea;
BEGIN
  IF coalesce(cardinality(p_events), 0) = 0 THEN RETURN; END IF;
  SELECT * INTO v_head FROM loop_head FOR UPDATE;
  FOREACH v_event IN ARRAY p_events LOOP
    CONTINUE WHEN v_event.kind IS NULL;
    v_head.head_seq := v_head.head_seq + 1;
    IF v_head.head_seq % 1000000 = 0 THEN
      PERFORM amdahl._add_event_partition(v_head.head_seq / 1000000);
    END IF;
    v_payload := coalesce(v_event.payload, '{}')::text;
    v_hash := amdahl._event_hash(v_head.head_hash, v_head.head_seq, v_head.fence, v_event.kind,
                                 v_event.ref, v_at, v_payload);
    INSERT INTO event (seq, fence, kind, ref, at, payload, prev_hash, hash)
    VALUES (v_head.head_seq, v_head.fence, v_event.kind, v_event.ref, v_at, v_payload,
            v_head.head_hash, v_hash);
    v_head.head_hash := v_hash;
  END LOOP;
  UPDATE loop_head SET head_seq = v_head.head_seq, head_hash = v_head.head_hash, touched_at = v_at;
END
$$;

CREATE OR REPLACE FUNCTION amdahl._event(p_kind text, p_ref text, p_payload jsonb)
RETURNS amdahl.event_draft LANGUAGE sql IMMUTABLE AS $$
  SELECT ROW(p_kind, p_ref, p_payload)::amdahl.event_draft
$$;
