-- From this version on every stage seals the rows that it changed (functions/18_seal.sql), and the
-- migrator seals those that were there: an older binary, which would change rows unsealed, must not
-- lead here any more.
COMMENT ON TABLE amdahl.event IS 'Hash chain; events of kind rows_changed hold the digests of rows.';
