-- What the provider's own desk has given back of a capture that goes on paying for its order (S15): by a person's word, in
-- all. The bills judge it. It counts while no refund gives the whole back. Read by server/payment/partial_store.c.
CREATE TABLE IF NOT EXISTS payment_partial (
  capture_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  provider TINYINT NOT NULL,
  version BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL CHECK (amount_fen >= 0),
  note BLOB NOT NULL COMMENT 'sealed: why, in the words of who recorded it',
  recorded_by VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  recorded_ms BIGINT NOT NULL,
  KEY payment_partial_day (provider, recorded_ms),
  CONSTRAINT payment_partial_of_capture FOREIGN KEY (capture_id) REFERENCES payment_capture (id)
) ENGINE=InnoDB;
