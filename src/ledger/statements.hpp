#pragma once

/// All SQL that C++ sends; what the functions do stands in migrations/functions/.
namespace amdahl::ledger::statements {

// -- leading --
inline constexpr auto head = "SELECT amdahl.read_head()";
inline constexpr auto acquire =
    "SELECT amdahl.acquire_lease($1::uuid, $2::bigint, $3::uuid, $4::text)";
inline constexpr auto renew = "SELECT amdahl.renew_lease($1::uuid, $2::bigint)";
inline constexpr auto release = "SELECT amdahl.release_lease($1::uuid, $2::bigint)";

// -- the cold read --
inline constexpr auto snapshot = "SELECT amdahl.read_snapshot()";

// -- stages: term, fence, one array of items --
inline constexpr auto add_jobs = "SELECT amdahl.add_jobs($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto add_hypotheses =
    "SELECT amdahl.add_hypotheses($1::uuid, $2::bigint, $3::jsonb, $4::jsonb)";
inline constexpr auto reject_hypotheses =
    "SELECT amdahl.reject_hypotheses($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto approve_hypotheses =
    "SELECT amdahl.approve_hypotheses($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto register_experiments =
    "SELECT amdahl.register_experiments($1::uuid, $2::bigint, $3::jsonb)";
// What stands in FROM is done before what stands in SELECT.
inline constexpr auto open_and_retry =
    "SELECT amdahl.retry_runs($1::uuid, $2::bigint, $4::jsonb) "
    "FROM amdahl.open_pairs($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto open_pairs = "SELECT amdahl.open_pairs($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto retry_runs = "SELECT amdahl.retry_runs($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto arm_submits = "SELECT amdahl.arm_submits($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto record_submits =
    "SELECT amdahl.record_submits($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto record_runs = "SELECT amdahl.record_runs($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto advance_and_decide =
    "SELECT amdahl.decide($1::uuid, $2::bigint, $4::jsonb) "
    "FROM amdahl.advance($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto advance = "SELECT amdahl.advance($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto decide = "SELECT amdahl.decide($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto abort_experiments =
    "SELECT amdahl.abort_experiments($1::uuid, $2::bigint, $3::jsonb, $4::text)";
inline constexpr auto request_cancel =
    "SELECT amdahl.request_cancel($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto set_paused =
    "SELECT amdahl.set_paused($1::uuid, $2::bigint, $3::boolean, $4::text)";
inline constexpr auto plan_production =
    "SELECT amdahl.plan_production($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto record_production =
    "SELECT amdahl.record_production($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto finish_commands =
    "SELECT amdahl.finish_commands($1::uuid, $2::bigint, $3::jsonb)";
inline constexpr auto finish_deliveries =
    "SELECT amdahl.finish_deliveries($1::uuid, $2::bigint, $3::bigint)";
inline constexpr auto note =
    "SELECT amdahl.note($1::uuid, $2::bigint, $3::text, $4::text, $5::jsonb)";

// -- open to the service's role --
inline constexpr auto put_command = "SELECT amdahl.put_command($1::text, $2::text, $3::jsonb)";
inline constexpr auto command_answer = "SELECT amdahl.command_answer($1::text)";
// -- doors --
inline constexpr auto put_deliveries = "SELECT amdahl.put_deliveries($1::jsonb)";
inline constexpr auto put_delivery =
    "SELECT amdahl.put_delivery($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, "
    "$7::jsonb)";
inline constexpr auto replay_delivery = "SELECT amdahl.replay_delivery($1::bigint)";
inline constexpr auto inbox = "SELECT amdahl.read_inbox('{}')";
inline constexpr auto put_token =
    "SELECT amdahl.put_token($1::text, $2::text, $3::text, $4::bigint)";
inline constexpr auto revoke_token = "SELECT amdahl.revoke_token($1::text)";
inline constexpr auto find_token = "SELECT amdahl.find_token($1::text)";
inline constexpr auto post_result = "SELECT amdahl.post_result($1::text, $2::text)";

// -- accounting: one array a column --
inline constexpr auto put_accounting =
    "SELECT amdahl.put_accounting($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], "
    "$6::bigint[], $7::integer[], $8::text[], $9::bigint[], $10::text[], $11::bigint[], "
    "$12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], "
    "$17::smallint[], $18::smallint[], $19::smallint[], $20::bigint[], $21::bigint[], "
    "$22::bigint[], $23::bigint[])";
inline constexpr auto accounting_fault = "SELECT amdahl.accounting_fault()";

/// The view's name is checked before it is put in.
inline constexpr auto read_prefix = "SELECT amdahl.read_";
inline constexpr auto read_suffix = "($1::jsonb)";

// -- schema --
/// Version of the ledger, oldest binary that may use it, and the digest of its functions; NULL when
/// there is no ledger here. Asked without touching tables that may not exist.
inline constexpr auto has_ledger = "SELECT to_regclass('amdahl.schema_migration')";
inline constexpr auto schema_state = R"sql(
  SELECT jsonb_build_object(
    'version', (SELECT coalesce(max(version), 0) FROM amdahl.schema_migration),
    'oldest_binary', (SELECT coalesce(max(oldest_binary), 0) FROM amdahl.schema_migration),
    'functions', (SELECT coalesce(jsonb_object_agg(name, encode(checksum, 'hex')), '{}')
                  FROM amdahl.schema_function),
    'migrations', (SELECT coalesce(jsonb_object_agg(version, encode(checksum, 'hex')), '{}')
                   FROM amdahl.schema_migration),
    'owner', (SELECT pg_has_role(session_user, nspowner, 'MEMBER') FROM pg_namespace
              WHERE nspname = 'amdahl')))sql";
inline constexpr auto bootstrap = R"sql(
  CREATE SCHEMA IF NOT EXISTS amdahl;
  CREATE TABLE IF NOT EXISTS amdahl.schema_migration (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum bytea NOT NULL CHECK (octet_length(checksum) = 32),
    oldest_binary integer NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE IF NOT EXISTS amdahl.schema_function (
    name text PRIMARY KEY,
    checksum bytea NOT NULL CHECK (octet_length(checksum) = 32),
    applied_at timestamptz NOT NULL DEFAULT now()
  ))sql";
/// Polled, never awaited: a waiting lock and a concurrent index would block each other.
inline constexpr auto try_migration_lock =
    "SELECT pg_try_advisory_xact_lock(hashtext('amdahl migrations'))";
inline constexpr auto wait_100_ms = "SELECT pg_sleep(0.1)";
inline constexpr auto applied_migrations =
    "SELECT version, name, encode(checksum, 'hex') FROM amdahl.schema_migration ORDER BY version";
inline constexpr auto insert_migration =
    "INSERT INTO amdahl.schema_migration (version, name, checksum, oldest_binary) "
    "VALUES ($1::integer, $2, decode($3, 'hex'), $1::integer)";
inline constexpr auto applied_functions =
    "SELECT name, encode(checksum, 'hex') FROM amdahl.schema_function ORDER BY name";
inline constexpr auto upsert_function =
    "INSERT INTO amdahl.schema_function (name, checksum) VALUES ($1, decode($2, 'hex')) "
    "ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now()";
inline constexpr auto seal_old_rows = "SELECT amdahl._seal_old_rows()";
inline constexpr auto forget_functions = "DELETE FROM amdahl.schema_function";

// -- roles --
/// `missing`, `owner` (may do as the owner may) or `ok`.
inline constexpr auto role_state = R"sql(
  SELECT CASE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) THEN 'missing'
              WHEN pg_has_role($1, current_user, 'MEMBER') THEN 'owner'
              ELSE 'ok' END)sql";
inline constexpr auto quote_name = "SELECT quote_ident($1)";
/// `{role}` is replaced by the quoted name. Functions whose name starts with `_` are internal.
inline constexpr auto create_role = "CREATE ROLE {role} LOGIN";
inline constexpr auto grants = R"sql(
  REVOKE ALL ON SCHEMA amdahl FROM PUBLIC;
  REVOKE ALL ON ALL TABLES IN SCHEMA amdahl FROM PUBLIC, {role};
  REVOKE ALL ON ALL FUNCTIONS IN SCHEMA amdahl FROM PUBLIC, {role};
  ALTER DEFAULT PRIVILEGES IN SCHEMA amdahl REVOKE ALL ON FUNCTIONS FROM PUBLIC;
  GRANT USAGE ON SCHEMA amdahl TO {role};
  GRANT SELECT ON ALL TABLES IN SCHEMA amdahl TO {role};
  REVOKE ALL ON amdahl.experiment_salt FROM {role};
  DO $$
  DECLARE
    v_function regprocedure;
  BEGIN
    FOR v_function IN SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'amdahl'::regnamespace AND left(proname, 1) <> '_' LOOP
      EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO {role}', v_function);
    END LOOP;
  END
  $$)sql";

// -- verify, export, import --
/// One snapshot, in which a row's text does not depend on who asks.
inline constexpr auto open_snapshot =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone = 'UTC'; "
    "SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL IntervalStyle = 'postgres'; "
    "SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'";
/// `{}`: the last event that is not wanted.
inline constexpr auto copy_events =
    "COPY (SELECT seq, fence, kind, ref, "
    "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
    "encode(prev_hash, 'hex'), encode(hash, 'hex'), payload "
    "FROM amdahl.event WHERE seq > {} ORDER BY seq) TO STDOUT";
/// `{}`: table, order.
inline constexpr auto copy_table =
    "COPY (SELECT to_jsonb(r)::text FROM amdahl.{} AS r ORDER BY {}) TO STDOUT";
inline constexpr auto copy_salts =
    "COPY (SELECT experiment, digest, row_text FROM amdahl.sealed_salts() "
    "ORDER BY experiment) TO STDOUT";

inline constexpr auto head_of_export =
    "SELECT (SELECT max(version) FROM amdahl.schema_migration) || ' ' || head_seq || ' ' || "
    "encode(head_hash, 'hex') FROM amdahl.loop_head";
inline constexpr auto begin_import =
    "BEGIN; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, MDY'; "
    "SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 1; "
    "SET LOCAL bytea_output = 'hex'; SELECT amdahl._begin_import()";
inline constexpr auto copy_import = "COPY amdahl_import (name, row) FROM STDIN";
inline constexpr auto import_rows = "SELECT amdahl._import_rows()";
inline constexpr auto commit = "COMMIT";

// -- databases of a private server --
inline constexpr auto create_database = "CREATE DATABASE";  // and its quoted name
inline constexpr auto one = "SELECT 1";
inline constexpr auto has_database = "SELECT 1 FROM pg_database WHERE datname = $1";

}  // namespace amdahl::ledger::statements
