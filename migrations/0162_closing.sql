-- A code that is being closed because another way to pay was chosen (9 CLOSING) can still be paid.
ALTER TABLE payment MODIFY open_key VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin AS (IF(state IN (1, 2, 9), order_id, NULL)) PERSISTENT;
