-- A number is held while it is checked and once it was (S10): an order whose data did not match, or that waits for them
-- again (1 SUBJECT), keeps nobody else out. It is held again when it is submitted again, or goes on by paper.
ALTER TABLE orders MODIFY open_key BINARY(32) AS (IF(state IN (1, 18, 19), NULL, subject_key)) PERSISTENT;
