-- Money in (S15). Read by server/payment; amounts are fen, times milliseconds UTC, 0: not yet.
-- open_key keeps one payment per order and provider that somebody could still pay.
CREATE TABLE IF NOT EXISTS payment (
  id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY COMMENT 'also out_trade_no',
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  provider TINYINT NOT NULL,
  state TINYINT NOT NULL,
  version BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL CHECK (amount_fen > 0),
  code_url VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  expires_ms BIGINT NOT NULL,
  paid_ms BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  open_key VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin AS (IF(state IN (1, 2), order_id, NULL)) PERSISTENT,
  UNIQUE KEY payment_open (open_key, provider),
  KEY payment_order (order_id, id)
) ENGINE=InnoDB;
-- What providers told us, as it came (sealed body), once per event.
CREATE TABLE IF NOT EXISTS payment_event (
  provider TINYINT NOT NULL,
  event_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  type VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  body MEDIUMBLOB NOT NULL COMMENT 'sealed',
  received_ms BIGINT NOT NULL,
  PRIMARY KEY (provider, event_id)
) ENGINE=InnoDB;
-- Money that a provider says it took. state: 1 SETTLED, 2 HELD (to be given back).
CREATE TABLE IF NOT EXISTS payment_capture (
  id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  provider TINYINT NOT NULL,
  txn_no VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  payment_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'as the provider has it',
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'NULL: no payment of ours',
  amount_fen BIGINT NOT NULL,
  currency VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  state TINYINT NOT NULL,
  reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'why it is held',
  captured_ms BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  UNIQUE KEY payment_capture_txn (provider, txn_no),
  KEY payment_capture_payment (payment_id)
) ENGINE=InnoDB;
-- Which capture paid for an order: one each way, for ever (I-1, I-2).
CREATE TABLE IF NOT EXISTS payment_settlement (
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  capture_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  payment_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount_fen BIGINT NOT NULL CHECK (amount_fen > 0),
  settled_ms BIGINT NOT NULL,
  UNIQUE KEY payment_settlement_capture (capture_id),
  CONSTRAINT payment_settlement_of_capture FOREIGN KEY (capture_id) REFERENCES payment_capture (id)
) ENGINE=InnoDB;
