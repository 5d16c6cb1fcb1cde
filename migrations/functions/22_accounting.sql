-- Attempts from a scheduler's accounting: open to everybody with the service's role, since nothing is
-- decided or banked by them.

-- How much a record knows: an end goes before none, then steps before none. One that knows less than what
-- is there, as of an older file, changes nothing.
CREATE OR REPLACE FUNCTION amdahl._accounting_knows(p_outcome smallint, p_first_step_s bigint,
                                                    p_step_gpus bigint) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_outcome IS NULL THEN 0 ELSE 2 END
    + CASE WHEN p_first_step_s IS NULL AND p_step_gpus IS NULL THEN 0 ELSE 1 END
$$;

-- Stores one batch and moves the sums by what it changed, in one transaction: killed between two batches,
-- an import is complete as far as it came. Rows name their family by its place (from 1) in the first six
-- arrays. One import at a time holds the row of totals. How many were new and how many changed. Nested loops
-- by index, however the planner sees tables that were empty a moment ago.
CREATE OR REPLACE FUNCTION amdahl.put_accounting(
  p_family_name text[], p_cluster text[], p_account text[], p_user_name text[], p_partition text[],
  p_family_gpus bigint[], p_family integer[], p_native_id text[], p_submit_s bigint[], p_name text[],
  p_eligible_s bigint[], p_start_s bigint[], p_end_s bigint[], p_first_step_s bigint[], p_gpus bigint[],
  p_step_gpus bigint[], p_outcome smallint[], p_standing smallint[], p_part smallint[],
  p_over_gpu_s bigint[], p_launch_gpu_s bigint[], p_rest_gpu_s bigint[], p_queue_gpu_s bigint[])
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
  v_ids bigint[];
  v_fresh bigint;
  v_changed bigint;
  v_recount boolean;
BEGIN
  PERFORM FROM accounting_total FOR UPDATE;
  FOR turn IN 1..2 LOOP
    v_ids := array(
      SELECT f.family_id
      FROM unnest(p_family_name, p_cluster, p_account, p_user_name, p_partition, p_family_gpus)
        WITH ORDINALITY AS g(name, cluster, account, user_name, partition, gpus, place)
      LEFT JOIN accounting_family AS f ON f.name = g.name AND f.cluster = g.cluster
        AND f.account = g.account AND f.user_name = g.user_name AND f.partition = g.partition
        AND f.gpus = g.gpus
      ORDER BY place);
    EXIT WHEN turn = 2 OR array_position(v_ids, NULL) IS NULL;
    INSERT INTO accounting_family (name, cluster, account, user_name, partition, gpus)
    SELECT DISTINCT name, cluster, account, user_name, partition, gpus
    FROM unnest(p_family_name, p_cluster, p_account, p_user_name, p_partition, p_family_gpus, v_ids)
      AS g(name, cluster, account, user_name, partition, gpus, id)
    WHERE id IS NULL;
  END LOOP;

  WITH given AS (
    SELECT DISTINCT ON (p_cluster[family] COLLATE "C", native_id COLLATE "C", submit_s)
      p_cluster[family] AS cluster, v_ids[family] AS family_id, g.*
    FROM unnest(p_family, p_native_id, p_submit_s, p_name, p_eligible_s, p_start_s, p_end_s, p_first_step_s,
      p_gpus, p_step_gpus, p_outcome, p_standing, p_part, p_over_gpu_s, p_launch_gpu_s, p_rest_gpu_s,
      p_queue_gpu_s) WITH ORDINALITY
      AS g(family, native_id, submit_s, name, eligible_s, start_s, end_s, first_step_s, gpus, step_gpus,
        outcome, standing, part, over_gpu_s, launch_gpu_s, rest_gpu_s, queue_gpu_s, place)
    ORDER BY p_cluster[family] COLLATE "C", native_id COLLATE "C", submit_s,
      amdahl._accounting_knows(outcome, first_step_s, step_gpus) DESC, place DESC),
  placed AS MATERIALIZED (
    SELECT g.*, o.cluster IS NULL AS is_new, o.standing AS old_standing, o.family_id AS old_family_id,
      o.part AS old_part, o.over_gpu_s AS old_over_gpu_s, o.launch_gpu_s AS old_launch_gpu_s,
      o.rest_gpu_s AS old_rest_gpu_s, o.queue_gpu_s AS old_queue_gpu_s,
      (o.start_s, o.end_s) IS DISTINCT FROM (g.start_s, g.end_s) AS moved,
      amdahl._accounting_knows(g.outcome, g.first_step_s, g.step_gpus)
        >= amdahl._accounting_knows(o.outcome, o.first_step_s, o.step_gpus)
      AND (o.family_id, o.name, o.eligible_s, o.start_s, o.end_s, o.first_step_s, o.gpus, o.step_gpus,
           o.outcome, o.standing)
        IS DISTINCT FROM (g.family_id, g.name, g.eligible_s, g.start_s, g.end_s, g.first_step_s, g.gpus,
           g.step_gpus, g.outcome, g.standing) AS changes
    FROM given AS g
    LEFT JOIN accounting_attempt AS o ON o.cluster = g.cluster AND o.native_id = g.native_id
      AND o.submit_s = g.submit_s),
  fresh AS (
    INSERT INTO accounting_attempt (cluster, native_id, submit_s, family_id, name, eligible_s, start_s, end_s,
      first_step_s, gpus, step_gpus, outcome, standing, part, over_gpu_s, launch_gpu_s, rest_gpu_s,
      queue_gpu_s)
    SELECT cluster, native_id, submit_s, family_id, name, eligible_s, start_s, end_s, first_step_s, gpus,
      step_gpus, outcome, standing, part, over_gpu_s, launch_gpu_s, rest_gpu_s, queue_gpu_s
    FROM placed WHERE is_new),
  changed AS (
    UPDATE accounting_attempt AS a SET (family_id, name, eligible_s, start_s, end_s, first_step_s, gpus,
      step_gpus, outcome, standing, part, over_gpu_s, launch_gpu_s, rest_gpu_s, queue_gpu_s) = (p.family_id,
      p.name, p.eligible_s, p.start_s, p.end_s, p.first_step_s, p.gpus, p.step_gpus, p.outcome, p.standing,
      p.part, p.over_gpu_s, p.launch_gpu_s, p.rest_gpu_s, p.queue_gpu_s)
    FROM placed AS p
    WHERE NOT p.is_new AND p.changes AND a.cluster = p.cluster AND a.native_id = p.native_id
      AND a.submit_s = p.submit_s),
  moves AS (
    SELECT 1 AS sign, standing, family_id, part, over_gpu_s, launch_gpu_s, rest_gpu_s, queue_gpu_s
    FROM placed WHERE is_new OR changes
    UNION ALL
    SELECT -1, old_standing, old_family_id, old_part, old_over_gpu_s, old_launch_gpu_s, old_rest_gpu_s,
      old_queue_gpu_s
    FROM placed WHERE NOT is_new AND changes),
  sums AS (
    SELECT family_id, sum(sign) AS runs, sum(sign * over_gpu_s) AS over, sum(sign * launch_gpu_s) AS launch,
      coalesce(sum(sign * rest_gpu_s) FILTER (WHERE part = 0), 0) AS unknown,
      coalesce(sum(sign * rest_gpu_s) FILTER (WHERE part = 1), 0) AS failed,
      coalesce(sum(sign * rest_gpu_s) FILTER (WHERE part = 2), 0) AS timed_out,
      coalesce(sum(sign * rest_gpu_s) FILTER (WHERE part = 3), 0) AS cancelled,
      coalesce(sum(sign * rest_gpu_s) FILTER (WHERE part = 4), 0) AS redo,
      sum(sign * queue_gpu_s) AS queue
    FROM moves WHERE standing = 0 GROUP BY family_id),
  families AS (
    UPDATE accounting_family AS f SET runs = f.runs + s.runs, over_gpu_s = f.over_gpu_s + s.over,
      launch_gpu_s = f.launch_gpu_s + s.launch, failed_gpu_s = f.failed_gpu_s + s.failed,
      timed_out_gpu_s = f.timed_out_gpu_s + s.timed_out, cancelled_gpu_s = f.cancelled_gpu_s + s.cancelled,
      redo_gpu_s = f.redo_gpu_s + s.redo, unknown_gpu_s = f.unknown_gpu_s + s.unknown,
      queue_gpu_s = f.queue_gpu_s + s.queue
    FROM sums AS s WHERE f.family_id = s.family_id),
  totals AS (
    UPDATE accounting_total AS t SET attempts = t.attempts + m.attempts, not_ended = t.not_ended + m.not_ended,
      without_gpus = t.without_gpus + m.without_gpus, without_times = t.without_times + m.without_times,
      experiments = t.experiments + m.experiments, first_s = least(t.first_s, p.first_s),
      last_s = greatest(t.last_s, p.last_s)
    FROM (SELECT coalesce(sum(sign), 0) AS attempts,
            coalesce(sum(sign) FILTER (WHERE standing = 1), 0) AS not_ended,
            coalesce(sum(sign) FILTER (WHERE standing = 2), 0) AS without_gpus,
            coalesce(sum(sign) FILTER (WHERE standing = 3), 0) AS without_times,
            coalesce(sum(sign) FILTER (WHERE standing = 4), 0) AS experiments FROM moves) AS m,
         (SELECT min(start_s) AS first_s, max(end_s) AS last_s FROM placed
          WHERE standing = 0 AND (is_new OR changes)) AS p
    WHERE t.total_id = 1 AND EXISTS (SELECT FROM moves))
  SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new AND changes),
    coalesce(bool_or(NOT is_new AND changes AND old_standing = 0 AND (moved OR standing <> 0)), false)
  INTO v_fresh, v_changed, v_recount FROM placed;

  -- What was the first or the last may be it no more: rare, so all are looked at.
  IF v_recount THEN
    UPDATE accounting_total SET (first_s, last_s) =
      (SELECT min(start_s), max(end_s) FROM accounting_attempt WHERE standing = 0);
  END IF;
  RETURN jsonb_build_object('fresh', v_fresh, 'changed', v_changed);
END
$$;

-- The shares of a family as `amdahl rank --from` prints them, with the same arithmetic.
CREATE OR REPLACE FUNCTION amdahl._fleet_row(p_family amdahl.accounting_family, p_months double precision)
RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  WITH hours AS (
    SELECT (p_family.over_gpu_s + p_family.launch_gpu_s + p_family.failed_gpu_s + p_family.timed_out_gpu_s
        + p_family.cancelled_gpu_s + p_family.redo_gpu_s + p_family.unknown_gpu_s)::double precision
        / 3600 AS paid,
      (p_family.over_gpu_s + p_family.launch_gpu_s + p_family.failed_gpu_s + p_family.timed_out_gpu_s
        + p_family.cancelled_gpu_s + p_family.redo_gpu_s)::double precision / 3600 AS waste),
  parts AS (
    SELECT phase, gpu_s::double precision / 3600 AS hours, (gpu_s::double precision / 3600) / nullif(paid, 0)
      AS share
    FROM hours, (VALUES ('cancelled', p_family.cancelled_gpu_s), ('failed', p_family.failed_gpu_s),
      ('launch', p_family.launch_gpu_s), ('over', p_family.over_gpu_s), ('redo', p_family.redo_gpu_s),
      ('timed_out', p_family.timed_out_gpu_s), ('unknown', p_family.unknown_gpu_s)) AS p(phase, gpu_s)),
  largest AS (
    SELECT phase, share FROM parts WHERE phase <> 'unknown' AND share > 0 ORDER BY share DESC, phase LIMIT 1)
  SELECT jsonb_build_object('job', p_family.name, 'cluster', p_family.cluster, 'user', p_family.user_name,
    'account', p_family.account, 'partition', p_family.partition, 'gpus', p_family.gpus,
    'runs', p_family.runs,
    'gpu_hours', (SELECT jsonb_object_agg(phase, parts.hours) FROM parts)
      || jsonb_build_object('paid', paid, 'queue', p_family.queue_gpu_s::double precision / 3600),
    'waste_gpu_hours', waste, 'runs_per_month', p_family.runs::double precision / p_months,
    'gpu_hours_per_month', paid / p_months, 'waste_gpu_hours_per_month', waste / p_months,
    'phase_share', CASE WHEN paid > 0 THEN (SELECT jsonb_object_agg(phase, share) FROM parts) END,
    'largest_phase', (SELECT phase FROM largest),
    'ceiling', (SELECT 1 / (1 - share) FROM largest WHERE share < 1),
    'explained_share', 1 - (SELECT share FROM parts WHERE phase = 'unknown'), 'next', NULL)
  FROM hours
$$;

-- Null where nothing was imported. A month is told from a day or more, as on the command line. The page
-- goes on after the family `p_after`, wherever that stands by now.
DROP FUNCTION IF EXISTS amdahl._fleet(integer);
CREATE OR REPLACE FUNCTION amdahl._fleet(p_cluster text, p_after bigint, p_limit integer) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  WITH placed AS MATERIALIZED (
    SELECT family_id, row_number() OVER (ORDER BY over_gpu_s + launch_gpu_s + failed_gpu_s + timed_out_gpu_s
        + cancelled_gpu_s + redo_gpu_s DESC, unknown_gpu_s DESC, name, cluster, account, user_name, partition,
        gpus) AS place
    FROM amdahl.accounting_family WHERE runs > 0),
  page AS (
    SELECT f, placed.family_id, place FROM placed JOIN amdahl.accounting_family AS f USING (family_id)
    WHERE (p_cluster IS NULL OR f.cluster = p_cluster)
      AND (p_after IS NULL OR place > (SELECT place FROM placed WHERE family_id = p_after))
    ORDER BY place LIMIT p_limit)
  SELECT jsonb_build_object('days', days, 'attempts', t.attempts,
    'families', (SELECT count(*) FROM placed),
    'left_out', jsonb_build_object('not_ended', t.not_ended, 'without_gpus', t.without_gpus,
      'without_times', t.without_times, 'experiments', t.experiments),
    'jobs', (SELECT coalesce(jsonb_agg(amdahl._fleet_row(f, CASE WHEN days >= 1 THEN days / 30.44e0 END)
        ORDER BY place), '[]') FROM page),
    'last', (SELECT family_id FROM page ORDER BY place DESC LIMIT 1))
  FROM (SELECT *, (last_s - first_s)::double precision / 86400 AS days
        FROM amdahl.accounting_total) AS t
  WHERE t.attempts > 0
$$;

-- Jobs of the loop, and beside them what accounting alone knows of everybody's: two lists that are read side
-- by side, each a page. The cursor holds the last of both, 0 where there was none.
CREATE OR REPLACE FUNCTION amdahl.read_rank(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  WITH given AS MATERIALIZED (SELECT amdahl._after('rank', p_args, 2) AS ids),
  placed AS MATERIALIZED (
    SELECT job_id, row, row_number() OVER (
      ORDER BY (row->>'waste_gpu_hours_per_month')::double precision DESC NULLS LAST, row->>'job') AS place
    FROM (SELECT job_id, amdahl._rank_row(job) AS row FROM job) AS rows),
  page AS (
    SELECT job_id, row, place FROM placed, given
    WHERE (p_args->>'cluster' IS NULL OR row->>'cluster' = p_args->>'cluster')
      AND (ids IS NULL OR place > (SELECT place FROM placed WHERE job_id = ids[1]))
    ORDER BY place LIMIT amdahl._limit(p_args)),
  jobs AS (
    SELECT coalesce(jsonb_agg(row ORDER BY place), '[]') AS rows, count(*) AS count,
      (array_agg(job_id ORDER BY place DESC))[1] AS last
    FROM page),
  fleet AS (
    SELECT amdahl._fleet(p_args->>'cluster', ids[2], amdahl._limit(p_args)) AS document FROM given)
  SELECT jsonb_build_object('schema', 'amdahl.rank/v1', 'jobs', rows, 'fleet', document - 'last',
    'next_cursor', amdahl._next('rank', p_args, greatest(count, jsonb_array_length(document->'jobs')),
      coalesce(last, ids[1], 0), coalesce((document->>'last')::bigint, ids[2], 0)))
  FROM given, jobs, fleet
$$;

CREATE OR REPLACE FUNCTION amdahl.read_waste(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('schema', 'amdahl.waste/v1') || amdahl._rank_row(job)
  FROM job WHERE slug = p_args->>'name'
$$;

-- Sums over the jobs of the loop; null where no job is known.
CREATE OR REPLACE FUNCTION amdahl.read_fleet(p_args jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp AS $$
  SELECT jsonb_build_object('schema', 'amdahl.fleet_summary/v1', 'jobs', count(*),
    'jobs_unknown', count(*) FILTER (WHERE row->>'waste_gpu_hours_per_month' IS NULL),
    'gpu_hours_per_month', sum((row->>'gpu_hours_per_month')::double precision),
    'waste_gpu_hours_per_month', sum((row->>'waste_gpu_hours_per_month')::double precision))
  FROM (SELECT amdahl._rank_row(job) AS row FROM job
        WHERE p_args->>'cluster' IS NULL OR cluster = p_args->>'cluster') AS rows
$$;

-- The first sum that is not that of the attempts; null where all are.
CREATE OR REPLACE FUNCTION amdahl.accounting_fault() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, amdahl, pg_temp
SET work_mem = '64MB' AS $$
  WITH sums AS (
    SELECT family_id, count(*) AS runs, sum(over_gpu_s) AS over, sum(launch_gpu_s) AS launch,
      coalesce(sum(rest_gpu_s) FILTER (WHERE part = 0), 0) AS unknown,
      coalesce(sum(rest_gpu_s) FILTER (WHERE part = 1), 0) AS failed,
      coalesce(sum(rest_gpu_s) FILTER (WHERE part = 2), 0) AS timed_out,
      coalesce(sum(rest_gpu_s) FILTER (WHERE part = 3), 0) AS cancelled,
      coalesce(sum(rest_gpu_s) FILTER (WHERE part = 4), 0) AS redo,
      sum(queue_gpu_s) AS queue, min(start_s) AS first_s, max(end_s) AS last_s, standing
    FROM accounting_attempt GROUP BY family_id, standing),
  counts AS (
    SELECT coalesce(sum(runs), 0) AS attempts, coalesce(sum(runs) FILTER (WHERE standing = 1), 0) AS not_ended,
      coalesce(sum(runs) FILTER (WHERE standing = 2), 0) AS without_gpus,
      coalesce(sum(runs) FILTER (WHERE standing = 3), 0) AS without_times,
      coalesce(sum(runs) FILTER (WHERE standing = 4), 0) AS experiments,
      min(first_s) FILTER (WHERE standing = 0) AS first_s, max(last_s) FILTER (WHERE standing = 0) AS last_s
    FROM sums)
  SELECT fault FROM (
    SELECT coalesce(f.family_id, s.family_id) AS family_id, jsonb_build_object(
      'table', 'accounting_family', 'key', coalesce(f.family_id, s.family_id)::text,
      'problem', 'the sums are not those of its attempts') AS fault
    FROM accounting_family AS f FULL JOIN (SELECT * FROM sums WHERE standing = 0) AS s USING (family_id)
    WHERE f.family_id IS NULL OR (f.runs, f.over_gpu_s, f.launch_gpu_s, f.unknown_gpu_s, f.failed_gpu_s,
        f.timed_out_gpu_s, f.cancelled_gpu_s, f.redo_gpu_s, f.queue_gpu_s) IS DISTINCT FROM
      (coalesce(s.runs, 0), coalesce(s.over, 0), coalesce(s.launch, 0), coalesce(s.unknown, 0),
       coalesce(s.failed, 0), coalesce(s.timed_out, 0), coalesce(s.cancelled, 0), coalesce(s.redo, 0),
       coalesce(s.queue, 0))
    UNION ALL
    SELECT NULL, jsonb_build_object('table', 'accounting_total', 'key', '1',
      'problem', 'the counts are not those of the attempts')
    FROM counts AS c
    WHERE NOT EXISTS (SELECT FROM accounting_total AS t
      WHERE (t.attempts, t.not_ended, t.without_gpus, t.without_times, t.experiments, t.first_s, t.last_s)
        IS NOT DISTINCT FROM (c.attempts, c.not_ended, c.without_gpus, c.without_times, c.experiments,
                              c.first_s, c.last_s))) AS faults
  ORDER BY family_id NULLS LAST LIMIT 1
$$;
