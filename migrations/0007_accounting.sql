-- What a scheduler's accounting knows of production, imported in bulk and again and again
-- (docs/decisions/0016-imported-accounting.md). Copies of records that others keep: not chained, recounted.

-- Runs that are the same but for seeds and dates, and the sums of those attempts that count, in GPU-seconds:
-- what a ranking reads, however many attempts there are.
CREATE TABLE amdahl.accounting_family (
  family_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  cluster text COLLATE "C" NOT NULL,
  account text COLLATE "C" NOT NULL,
  user_name text COLLATE "C" NOT NULL,
  partition text COLLATE "C" NOT NULL,
  gpus bigint NOT NULL CHECK (gpus >= 0),
  runs bigint NOT NULL DEFAULT 0,
  over_gpu_s bigint NOT NULL DEFAULT 0,
  launch_gpu_s bigint NOT NULL DEFAULT 0,
  failed_gpu_s bigint NOT NULL DEFAULT 0,
  timed_out_gpu_s bigint NOT NULL DEFAULT 0,
  cancelled_gpu_s bigint NOT NULL DEFAULT 0,
  redo_gpu_s bigint NOT NULL DEFAULT 0,
  unknown_gpu_s bigint NOT NULL DEFAULT 0,
  queue_gpu_s bigint NOT NULL DEFAULT 0,
  UNIQUE (name, cluster, account, user_name, partition, gpus)
) WITH (fillfactor = 50);

-- One attempt. A requeued job keeps its id and is submitted anew, and ids are given out again: slurmdbd
-- tells its records apart by id and time of submission, and so do we. Times are Unix seconds.
-- No foreign key: it would be half of the price of a row, and the recount finds what it would.
CREATE TABLE amdahl.accounting_attempt (
  cluster text COLLATE "C" NOT NULL CHECK (cluster <> ''),
  native_id text COLLATE "C" NOT NULL CHECK (native_id <> ''),
  submit_s bigint NOT NULL CHECK (submit_s > 0),
  family_id bigint NOT NULL,
  name text NOT NULL,
  eligible_s bigint,
  start_s bigint,
  end_s bigint,
  first_step_s bigint,
  gpus bigint,
  step_gpus bigint,
  outcome smallint CHECK (outcome IN (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
  standing smallint NOT NULL CHECK (standing IN (0, 1, 2, 3, 4)),
  part smallint CHECK (part IN (0, 1, 2, 3, 4)),  -- where the rest of its GPU-seconds goes
  over_gpu_s bigint NOT NULL CHECK (over_gpu_s >= 0),
  launch_gpu_s bigint NOT NULL CHECK (launch_gpu_s >= 0),
  rest_gpu_s bigint NOT NULL CHECK (rest_gpu_s >= 0),
  queue_gpu_s bigint NOT NULL CHECK (queue_gpu_s >= 0),
  PRIMARY KEY (cluster, native_id, submit_s),
  CHECK ((standing = 0) = (part IS NOT NULL)),
  CHECK (standing = 0 OR over_gpu_s + launch_gpu_s + rest_gpu_s + queue_gpu_s = 0)
) WITH (fillfactor = 90);

-- How many attempts there are, by standing, and from when to when those last that are counted.
CREATE TABLE amdahl.accounting_total (
  total_id smallint PRIMARY KEY DEFAULT 1 CHECK (total_id = 1),
  attempts bigint NOT NULL DEFAULT 0,
  not_ended bigint NOT NULL DEFAULT 0,
  without_gpus bigint NOT NULL DEFAULT 0,
  without_times bigint NOT NULL DEFAULT 0,
  experiments bigint NOT NULL DEFAULT 0,
  first_s bigint,
  last_s bigint
) WITH (fillfactor = 10);
INSERT INTO amdahl.accounting_total DEFAULT VALUES;
