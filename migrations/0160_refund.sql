-- Money back (S10, S15). Read by server/payment/refund_store.c. A capture is given back once and whole: the unique
-- key is the arbiter. state: 1 REQUESTED, 2 PROCESSING, 3 DONE, 4 ABNORMAL, 5 CLOSED.
CREATE TABLE IF NOT EXISTS payment_refund (
  id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY COMMENT 'also out_refund_no',
  capture_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  provider TINYINT NOT NULL,
  payment_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'as the provider has it',
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
  amount_fen BIGINT NOT NULL CHECK (amount_fen > 0),
  number INT NOT NULL COMMENT 'of its out_refund_no: the next one after the provider closed one',
  state TINYINT NOT NULL,
  version BIGINT NOT NULL,
  reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  note BLOB NULL COMMENT 'sealed: why, in the words of who asked',
  asked_by VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  error VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'what the provider said last, "" for nothing bad',
  provider_no VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  due_ms BIGINT NOT NULL COMMENT 'not sent before',
  accepted_ms BIGINT NOT NULL,
  done_ms BIGINT NOT NULL,
  bill_date VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'of the bill that has it',
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  UNIQUE KEY payment_refund_capture (capture_id),
  KEY payment_refund_order (order_id),
  KEY payment_refund_state (state, id),
  KEY payment_refund_day (provider, accepted_ms),
  CONSTRAINT payment_refund_of_capture FOREIGN KEY (capture_id) REFERENCES payment_capture (id)
) ENGINE=InnoDB;
ALTER TABLE payment_capture ADD KEY IF NOT EXISTS payment_capture_order (order_id, id);
ALTER TABLE payment_capture ADD KEY IF NOT EXISTS payment_capture_state (state, id);
ALTER TABLE payment_capture ADD KEY IF NOT EXISTS payment_capture_day (provider, captured_ms);
