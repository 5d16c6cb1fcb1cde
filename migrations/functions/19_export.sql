-- The salts as verify and export need them: what a verdict revealed, or the owner asks for, as the row's
-- text; of any other the digest of that text, which reveals nothing of its 128 random bits.
CREATE OR REPLACE FUNCTION amdahl.sealed_salts()
RETURNS TABLE (experiment bigint, digest text, row_text text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT experiment_id, encode(sha256(convert_to(text, 'UTF8')), 'hex'),
    CASE WHEN pg_has_role(session_user, current_user, 'MEMBER')
           OR EXISTS (SELECT FROM verdict v WHERE v.experiment_id = s.experiment_id)
         THEN text END
  FROM (SELECT experiment_id, to_jsonb(salted)::text AS text FROM experiment_salt AS salted) AS s
  ORDER BY experiment_id
$$;

-- The tables of an export: all but what the migrator keeps, and the tokens, which open doors.
CREATE OR REPLACE FUNCTION amdahl._exported_tables() RETURNS SETOF name
LANGUAGE sql STABLE AS $$
  SELECT relname FROM pg_catalog.pg_class
  WHERE relnamespace = 'amdahl'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    AND relname NOT LIKE 'schema\_%' AND relname <> 'api_token'
  ORDER BY relname
$$;

-- Holds the ledger and makes the temporary table that an import is copied into.
CREATE OR REPLACE FUNCTION amdahl._begin_import() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_table name;
  v_used boolean;
BEGIN
  LOCK TABLE loop_head IN ACCESS EXCLUSIVE MODE;
  FOR v_table IN SELECT amdahl._exported_tables() LOOP
    CONTINUE WHEN v_table IN ('loop_total', 'fdr_stream', 'delivery_mark',
                               'accounting_total');  -- filled by their migration
    EXECUTE format('SELECT EXISTS (SELECT FROM amdahl.%I %s)', v_table,
                   CASE v_table WHEN 'loop_head' THEN 'WHERE head_seq > 0 OR fence > 0' ELSE '' END)
      INTO v_used;
    IF v_used THEN
      RAISE EXCEPTION 'the ledger is not empty: table % has rows', v_table
        USING ERRCODE = 'AM014', HINT = 'import into a database of its own, fresh from db migrate';
    END IF;
  END LOOP;
  CREATE TEMPORARY TABLE amdahl_import (name text NOT NULL, row jsonb NOT NULL) ON COMMIT DROP;
END
$$;

-- Puts what was copied into the tables as it was: in one statement, since keys point in circles, and
-- without triggers, since nothing changes that is not sealed already.
CREATE OR REPLACE FUNCTION amdahl._import_rows() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_tables name[] := array(SELECT amdahl._exported_tables());
  v_table name;
  v_parts text[] := '{}';
  v_identity record;
BEGIN
  FOREACH v_table IN ARRAY v_tables LOOP
    EXECUTE format('ALTER TABLE amdahl.%I DISABLE TRIGGER USER', v_table);
    v_parts := v_parts || format(
      '%I AS (INSERT INTO amdahl.%I OVERRIDING SYSTEM VALUE SELECT r.* FROM pg_temp.amdahl_import AS i, '
      'jsonb_populate_record(NULL::amdahl.%I, i.row) AS r WHERE i.name = %L)',
      'put_' || v_table, v_table, v_table, v_table);
  END LOOP;
  DELETE FROM loop_head;
  DELETE FROM loop_total;
  DELETE FROM fdr_stream;
  DELETE FROM delivery_mark;
  DELETE FROM accounting_total;
  PERFORM amdahl._add_event_partition(n) FROM generate_series(0, (
    SELECT coalesce(max((row->>'seq')::bigint), 0) / 1000000 FROM pg_temp.amdahl_import
    WHERE name = 'event')) AS n;
  EXECUTE 'WITH ' || array_to_string(v_parts, ', ') || ' SELECT';
  FOREACH v_table IN ARRAY v_tables LOOP
    EXECUTE format('ALTER TABLE amdahl.%I ENABLE TRIGGER USER', v_table);
  END LOOP;
  FOR v_identity IN
    SELECT attrelid::regclass::text AS name, attname FROM pg_attribute
    WHERE attidentity <> '' AND attrelid IN (SELECT ('amdahl.' || t)::regclass FROM unnest(v_tables) AS t)
  LOOP
    EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, %L), max(%I)) FROM %s HAVING max(%I) > 0',
      v_identity.name, v_identity.attname, v_identity.attname, v_identity.name, v_identity.attname);
  END LOOP;
END
$$;
