-- Schedulers use their ids again: an id and the time of its submit are the identity, not the id alone.
-- A run that took the id of a lost one could not be recorded before.
DROP INDEX amdahl.worker_run_native;
CREATE UNIQUE INDEX worker_run_native ON amdahl.worker_run (cluster, native_id, native_at_us)
  WHERE state <> 9;

-- Since when a leader knows that a submit in doubt has not arrived: from then on, not from the arming,
-- the quiet period counts. The process that armed it may have sent it much later, just before it died.
ALTER TABLE amdahl.worker_run ADD COLUMN absent_since timestamptz;
