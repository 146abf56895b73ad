-- An order whose money is on its way back (20 REFUNDING) has not ended: its identity number stays taken until it is
-- CANCELLED (S10).
ALTER TABLE orders MODIFY ended TINYINT AS (IF(state IN (18, 19), 1, 0)) PERSISTENT;
ALTER TABLE orders MODIFY open_key BINARY(32) AS (IF(state IN (18, 19), NULL, subject_key)) PERSISTENT;
