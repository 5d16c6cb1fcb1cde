-- When an experiment was nominated, on the database's clock: the later replication waits from then on.
ALTER TABLE amdahl.experiment ADD COLUMN nominated_at timestamptz;
