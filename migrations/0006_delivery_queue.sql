-- Webhooks wait in the order of their numbers, and are forgotten in it: fewer indexes, fewer writes each.
CREATE INDEX delivery_waiting ON amdahl.delivery (delivery_no) WHERE NOT done;
DROP INDEX amdahl.delivery_pending;
DROP INDEX amdahl.delivery_received;
