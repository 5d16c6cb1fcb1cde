-- What the service's doors need: deliveries in the order of their arrival, tokens, results that workers
-- without a shared disk post.

-- A delivery only wakes reconciliation. Its number says which of them were there before a look began.
ALTER TABLE amdahl.delivery ADD COLUMN delivery_no bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE amdahl.delivery ADD COLUMN cluster text;
ALTER TABLE amdahl.delivery ADD COLUMN kind text;
ALTER TABLE amdahl.delivery ADD COLUMN run_key text;
ALTER TABLE amdahl.delivery ADD COLUMN replays integer NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX delivery_number ON amdahl.delivery (delivery_no);
CREATE INDEX delivery_received ON amdahl.delivery (received_at);

-- Who may ask over HTTP. Of a token only its digest is kept; a revoked one stays, so that its name tells
-- who it was. Not chained and not exported: a copy of the ledger opens no door.
CREATE TABLE amdahl.api_token (
  token_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100 AND name !~ '[[:cntrl:]]'),
  token_sha bytea NOT NULL UNIQUE CHECK (octet_length(token_sha) = 32),
  scope text NOT NULL CHECK (scope IN ('read', 'propose', 'operate', 'admin')),
  made_by text NOT NULL DEFAULT session_user,
  made_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz
);
CREATE UNIQUE INDEX api_token_name ON amdahl.api_token (name) WHERE revoked_at IS NULL;

-- What a worker that shares no disk measured, until the leader has recorded its run. The first counts.
CREATE TABLE amdahl.posted_result (
  run_key text PRIMARY KEY,
  body text NOT NULL CHECK (octet_length(body) <= 1048576),
  posted_at timestamptz NOT NULL DEFAULT now()
);
