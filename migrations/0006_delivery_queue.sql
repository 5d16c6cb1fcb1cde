-- Webhooks wait in the order of their numbers: those up to the mark are done with, so that nothing is
-- written twice for each. Asked for again, one waits whatever its number.
CREATE TABLE amdahl.delivery_mark (
  mark_id smallint PRIMARY KEY DEFAULT 1 CHECK (mark_id = 1),
  upto bigint NOT NULL
);
ALTER TABLE amdahl.delivery ADD COLUMN again boolean NOT NULL DEFAULT false;
INSERT INTO amdahl.delivery_mark (upto)
  SELECT coalesce(max(delivery_no) FILTER (WHERE done), 0) FROM amdahl.delivery;
UPDATE amdahl.delivery SET again = true
WHERE NOT done AND delivery_no <= (SELECT upto FROM amdahl.delivery_mark);
DROP INDEX amdahl.delivery_pending;
DROP INDEX amdahl.delivery_received;
ALTER TABLE amdahl.delivery DROP COLUMN done;
CREATE INDEX delivery_again ON amdahl.delivery (delivery_no) WHERE again;
CREATE VIEW amdahl.delivery_waiting AS
  SELECT * FROM amdahl.delivery WHERE delivery_no > (SELECT upto FROM amdahl.delivery_mark)
  UNION ALL
  SELECT * FROM amdahl.delivery WHERE again AND delivery_no <= (SELECT upto FROM amdahl.delivery_mark);
