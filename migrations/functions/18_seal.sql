-- Row sealing: every change of a chained table ends as a digest in the chain, so that tables = fold of
-- the events. Triggers note which rows a stage changed; at its end the stage appends one event
-- `rows_changed` that maps `table/key` to the SHA-256 of the row's canonical text.

-- The chained tables: the key of a row `r` as text, and how a row is found by the key `k`.
CREATE OR REPLACE FUNCTION amdahl._chained_tables()
RETURNS TABLE (name text, row_key text, has_key text) LANGUAGE sql IMMUTABLE AS $$
  SELECT t, format('r.%I', id), format('r.%I = k::bigint', id) FROM (VALUES
    ('loop_total', 'loop_id'), ('fdr_stream', 'stream_id'), ('job', 'job_id'),
    ('hypothesis', 'hypothesis_id'), ('experiment', 'experiment_id'),
    ('experiment_salt', 'experiment_id'), ('pair', 'pair_id'), ('worker_run', 'run_id'),
    ('verdict', 'experiment_id'), ('ruling', 'ruling_id'), ('production_run', 'production_id'),
    ('bank', 'entry_id')) AS by_number(t, id)
  UNION ALL VALUES
    ('spend', 'extract(epoch FROM r.bucket_at)::bigint', 'r.bucket_at = to_timestamp(k::bigint)'),
    ('check_', 'r.experiment_id || ''.'' || r.check_no',
     'r.experiment_id = split_part(k, ''.'', 1)::bigint AND r.check_no = split_part(k, ''.'', 2)::smallint'),
    ('measurement', 'r.run_id || ''.'' || r.arm',
     'r.run_id = split_part(k, ''.'', 1)::bigint AND r.arm = split_part(k, ''.'', 2)::smallint'),
    ('experiment_key',
     'r.experiment_id || ''.'' || r.fp_version || ''.'' || r.replicate || ''.'' || encode(r.fingerprint, ''hex'')',
     'r.experiment_id = split_part(k, ''.'', 1)::bigint AND r.fp_version = split_part(k, ''.'', 2)::smallint '
     'AND r.replicate = split_part(k, ''.'', 3)::integer '
     'AND r.fingerprint = decode(split_part(k, ''.'', 4), ''hex'')')
$$;

-- One trigger function a table: a plain expression, so that a row costs microseconds. Written from
-- _chained_tables, as is _digests, whose plans stay by index however much a table grows.
DO $do$
DECLARE
  v_table record;
  v_branches text := '';
BEGIN
  FOR v_table IN SELECT * FROM amdahl._chained_tables() LOOP
    EXECUTE format($f$
      CREATE OR REPLACE FUNCTION amdahl.%I() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_catalog.set_config('amdahl.changed_rows',
          coalesce(pg_catalog.current_setting('amdahl.changed_rows', true), '')
          || %L || (%s)::text || E'\n', true);
        RETURN NULL;
      END
      $$ $f$, '_changed_' || v_table.name, v_table.name || '/',
      replace(v_table.row_key, 'r.', 'NEW.'));
    EXECUTE format('CREATE OR REPLACE TRIGGER seal_insert AFTER INSERT ON amdahl.%I '
                   'FOR EACH ROW EXECUTE FUNCTION amdahl.%I()',
                   v_table.name, '_changed_' || v_table.name);
    EXECUTE format('CREATE OR REPLACE TRIGGER seal_update AFTER UPDATE ON amdahl.%I '
                   'FOR EACH ROW WHEN (OLD.* *<> NEW.*) EXECUTE FUNCTION amdahl.%I()',
                   v_table.name, '_changed_' || v_table.name);
    v_branches := v_branches || format($f$
        WHEN %L THEN RETURN (
          SELECT jsonb_object_agg(%L || k, encode(sha256(convert_to(to_jsonb(r)::text, 'UTF8')), 'hex'))
          FROM unnest(p_keys) AS k JOIN amdahl.%I AS r ON %s);$f$,
      v_table.name, v_table.name || '/', v_table.name, v_table.has_key);
  END LOOP;
  EXECUTE format($f$
    CREATE OR REPLACE FUNCTION amdahl._digests(p_table text, p_keys text[]) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, amdahl, pg_temp
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    BEGIN
      CASE p_table %s
      END CASE;
    END
    $$ $f$, v_branches);
END
$do$;

-- The end of a stage: what its triggers noted becomes one event. The text of a row depends on settings
-- of the session, so they are fixed here.
CREATE OR REPLACE FUNCTION amdahl._seal() RETURNS void
LANGUAGE plpgsql SET TimeZone = 'UTC' SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres'
SET extra_float_digits = 1 SET bytea_output = 'hex' AS $$
DECLARE
  v_changed text := current_setting('amdahl.changed_rows', true);
  v_table record;
  v_digests jsonb := '{}';
BEGIN
  IF coalesce(v_changed, '') = '' THEN RETURN; END IF;
  FOR v_table IN
    SELECT split_part(changed, '/', 1) AS name, array_agg(DISTINCT split_part(changed, '/', 2)) AS keys
    FROM string_to_table(rtrim(v_changed, E'\n'), E'\n') AS changed GROUP BY 1
  LOOP
    v_digests := v_digests || amdahl._digests(v_table.name, v_table.keys);
  END LOOP;
  PERFORM set_config('amdahl.changed_rows', '', true);
  PERFORM amdahl._append(ARRAY[amdahl._event('rows_changed', 'rows', v_digests)]);
END
$$;

-- Seals a ledger that was written before rows were sealed: once, by the migrator. What fails the checks
-- that there were is not sealed: nothing is repaired by itself.
CREATE OR REPLACE FUNCTION amdahl._seal_old_rows() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
DECLARE
  v_table record;
  v_bad jsonb;
  v_rows text;
BEGIN
  IF (SELECT head_seq FROM loop_head FOR UPDATE) = 0
     OR EXISTS (SELECT FROM event WHERE kind = 'rows_changed') THEN
    RETURN;
  END IF;
  v_bad := amdahl.read_verify('{}')->'first_bad';
  IF jsonb_typeof(v_bad) = 'object' THEN
    RAISE EXCEPTION 'the ledger was altered: % (%)', v_bad->>'problem', v_bad->>'table'
      USING ERRCODE = 'AM013', HINT = 'bring back a copy from before; an altered ledger is not migrated';
  END IF;
  FOR v_table IN SELECT * FROM amdahl._chained_tables() LOOP
    -- A thousand rows an event.
    FOR v_rows IN EXECUTE format(
        'SELECT string_agg(%L || (%s)::text || E''\n'', '''') FROM (SELECT *, row_number() OVER () / 1000 '
        'AS page FROM amdahl.%I) AS r GROUP BY page ORDER BY page',
        v_table.name || '/', v_table.row_key, v_table.name) LOOP
      PERFORM set_config('amdahl.changed_rows', v_rows, true);
      PERFORM amdahl._seal();
    END LOOP;
  END LOOP;
END
$$;
