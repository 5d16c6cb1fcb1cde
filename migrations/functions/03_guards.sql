-- Rules that hold whoever writes: append-only tables, forward-only states, write-once ids.
CREATE OR REPLACE FUNCTION amdahl._guard_head() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  IF NEW.fence < OLD.fence OR NEW.renew_seq < OLD.renew_seq OR NEW.head_seq < OLD.head_seq
     OR (NEW.term IS DISTINCT FROM OLD.term) <> (NEW.fence <> OLD.fence)
     OR NEW.fence > OLD.fence + 1
     OR (NEW.head_seq = OLD.head_seq) <> (NEW.head_hash = OLD.head_hash) THEN
    RAISE EXCEPTION 'the head may only move forward' USING ERRCODE = 'AM011';
  END IF;
  RETURN NEW;
END
$$;

-- Columns that never change; its trigger fires only for statements that name one of them.
CREATE OR REPLACE FUNCTION amdahl._guard_identity() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'what a row of table % is does not change', TG_TABLE_NAME USING ERRCODE = 'AM010';
END
$$;

CREATE OR REPLACE FUNCTION amdahl._guard_run_state() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  IF NEW.state <> OLD.state AND NOT amdahl._may_follow(OLD.state, NEW.state) THEN
    RAISE EXCEPTION 'run % cannot become % after %', OLD.run_id, amdahl._word('run_state', NEW.state),
      amdahl._word('run_state', OLD.state) USING ERRCODE = 'AM002';
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION amdahl._guard_run_submit() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  IF OLD.spec_sha IS NOT NULL AND NEW.spec_sha IS DISTINCT FROM OLD.spec_sha THEN
    RAISE EXCEPTION 'run % already has a spec: the same run key never runs another', OLD.run_id
      USING ERRCODE = 'AM010';
  END IF;
  IF OLD.native_id IS NOT NULL AND NEW.native_id IS DISTINCT FROM OLD.native_id THEN
    RAISE EXCEPTION 'run % already has the scheduler''s id %, not %', OLD.run_id, OLD.native_id,
      NEW.native_id USING ERRCODE = 'AM010';
  END IF;
  -- The intent must have been durable before anything could leave: committed by an earlier transaction.
  IF OLD.native_id IS NULL AND NEW.native_id IS NOT NULL
     AND (OLD.intent_xid IS NULL OR OLD.intent_xid = pg_current_xact_id()) THEN
    RAISE EXCEPTION 'run % has no committed intent to submit', OLD.run_id
      USING ERRCODE = 'AM004', HINT = 'arm the submit first, in a transaction of its own';
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION amdahl._guard_run_end() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'run % has ended: its row is final', OLD.run_id USING ERRCODE = 'AM010';
END
$$;

CREATE OR REPLACE FUNCTION amdahl._guard_experiment_state() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  IF NEW.state < OLD.state OR (OLD.state >= 3 AND NEW.state <> OLD.state) THEN
    RAISE EXCEPTION 'experiment % cannot become % after %', OLD.experiment_id,
      amdahl._word('experiment_state', NEW.state), amdahl._word('experiment_state', OLD.state)
      USING ERRCODE = 'AM002';
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION amdahl._guard_nomination() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  IF OLD.claim IS NOT NULL AND (NEW.claim, NEW.pairs_per_check, NEW.last_index)
     IS DISTINCT FROM (OLD.claim, OLD.pairs_per_check, OLD.last_index) THEN
    RAISE EXCEPTION 'the claim of experiment % is frozen since its nomination', OLD.experiment_id
      USING ERRCODE = 'AM010';
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION amdahl._guard_pair() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  IF OLD.state <> 0 OR (NEW.experiment_id, NEW.check_no, NEW.index, NEW.coin)
     IS DISTINCT FROM (OLD.experiment_id, OLD.check_no, OLD.index, OLD.coin) THEN
    RAISE EXCEPTION 'pair % is closed, or its coin is drawn: neither changes', OLD.pair_id
      USING ERRCODE = 'AM010';
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION amdahl._guard_hypothesis() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  IF OLD.state >= 3 OR (NEW.job_id, NEW.change, NEW.change_sha, NEW.replicate, NEW.source)
     IS DISTINCT FROM (OLD.job_id, OLD.change, OLD.change_sha, OLD.replicate, OLD.source)
     OR (NEW.state < OLD.state AND NOT (OLD.state = 1 AND NEW.state = 0)) THEN
    RAISE EXCEPTION 'hypothesis % is %: it changes no more', OLD.hypothesis_id,
      amdahl._word('hypothesis_state', OLD.state) USING ERRCODE = 'AM002';
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION amdahl._guard_key() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  IF OLD.released OR (NEW.fp_version, NEW.fingerprint, NEW.replicate, NEW.experiment_id)
     IS DISTINCT FROM (OLD.fp_version, OLD.fingerprint, OLD.replicate, OLD.experiment_id) THEN
    RAISE EXCEPTION 'a fingerprint can only be released, once' USING ERRCODE = 'AM010';
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION amdahl._guard_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  IF OLD.vote IS NOT NULL OR (NEW.experiment_id, NEW.check_no, NEW.kind, NEW.pairs_planned)
     IS DISTINCT FROM (OLD.experiment_id, OLD.check_no, OLD.kind, OLD.pairs_planned) THEN
    RAISE EXCEPTION 'check % of experiment % has voted or is fixed', OLD.check_no, OLD.experiment_id
      USING ERRCODE = 'AM010';
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION amdahl._guard_attempt_end() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, amdahl, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'attempt % of % has ended: it does not begin again', OLD.native_id, OLD.cluster
    USING ERRCODE = 'AM002';
END
$$;

DO $$
DECLARE
  v_table text;
  v_guard text[];
BEGIN
  -- Written once.
  FOREACH v_table IN ARRAY ARRAY['event', 'measurement', 'verdict', 'ruling', 'bank', 'production_run',
                                 'experiment_salt', 'schema_migration'] LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER no_change BEFORE UPDATE OR DELETE ON amdahl.%I '
                   'FOR EACH ROW EXECUTE FUNCTION amdahl._refuse_change()', v_table);
  END LOOP;
  -- Changed only as its guards allow: each fires only where its columns are named.
  FOREACH v_guard SLICE 1 IN ARRAY ARRAY[
      ['loop_head', 'guard', '', '', '_guard_head'],
      ['worker_run', 'identity', 'OF run_id, job_id, pair_id, experiment_id, production, part, attempt, '
        'run_key, worker_run_id, cluster', '', '_guard_identity'],
      ['worker_run', 'guard_end', '', 'WHEN (OLD.state = 9 AND OLD IS DISTINCT FROM NEW)',
        '_guard_run_end'],
      ['worker_run', 'guard_state', 'OF state', '', '_guard_run_state'],
      ['worker_run', 'guard_submit', 'OF native_id, spec_sha', '', '_guard_run_submit'],
      ['experiment', 'identity', 'OF experiment_id, job_id, hypothesis_id, kind, protocol, protocol_sha, '
        'change, change_sha, baseline_sha, checks, stream_id, t, salt_hash', '', '_guard_identity'],
      ['experiment', 'guard_state', 'OF state', '', '_guard_experiment_state'],
      ['experiment', 'guard_nomination', 'OF claim, pairs_per_check, last_index', '',
        '_guard_nomination'],
      ['pair', 'guard', '', '', '_guard_pair'],
      ['hypothesis', 'guard', '', '', '_guard_hypothesis'],
      ['experiment_key', 'guard', '', '', '_guard_key'],
      ['check_', 'guard', '', '', '_guard_check'],
      ['accounting_attempt', 'identity', 'OF cluster, native_id, submit_s', '', '_guard_identity'],
      ['accounting_attempt', 'guard_end', 'OF outcome',
        'WHEN (OLD.outcome IS NOT NULL AND NEW.outcome IS NULL)', '_guard_attempt_end'],
      ['accounting_family', 'identity', 'OF family_id, name, cluster, account, user_name, partition, gpus',
        '', '_guard_identity']] LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER %I BEFORE UPDATE %s ON amdahl.%I '
                   'FOR EACH ROW %s EXECUTE FUNCTION amdahl.%I()',
                   v_guard[2], v_guard[3], v_guard[1], v_guard[4], v_guard[5]);
    EXECUTE format('CREATE OR REPLACE TRIGGER no_delete BEFORE DELETE ON amdahl.%I '
                   'FOR EACH ROW EXECUTE FUNCTION amdahl._refuse_change()', v_guard[1]);
  END LOOP;
  -- Changed by the stages alone, and never deleted.
  FOREACH v_table IN ARRAY ARRAY['job', 'fdr_stream', 'loop_total', 'spend', 'accounting_total'] LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER no_delete BEFORE DELETE ON amdahl.%I '
                   'FOR EACH ROW EXECUTE FUNCTION amdahl._refuse_change()', v_table);
  END LOOP;
  -- Never emptied.
  FOR v_table IN SELECT tablename FROM pg_tables WHERE schemaname = 'amdahl'
                 AND tablename NOT IN ('delivery', 'delivery_mark', 'command', 'api_token', 'posted_result') LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON amdahl.%I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION amdahl._refuse_change()', v_table);
  END LOOP;
END
$$;
