-- Orders (S6-S20). Read by server/order; times are milliseconds UTC, 0: not yet.
-- subject, agent, purchase: one sealed JSON object each (core/crypt.h, place "orders.subject:<id>" and so on).
-- open_key is what makes a second open order of one identity number impossible (S10): it is the keyed digest of
-- the number while the order is open, and NULL from FINISHED (18) on. Channels are tenants of their own, so
-- each has its own claim on a number.
CREATE TABLE IF NOT EXISTS orders (
  id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  channel_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind TINYINT NOT NULL,
  subject_kind TINYINT NOT NULL,
  state TINYINT NOT NULL,
  version BIGINT NOT NULL,
  method TINYINT NOT NULL,
  medium TINYINT NOT NULL,
  paper_route TINYINT NOT NULL,
  subject_key BINARY(32) NULL COMMENT 'keyed digest of USCC or identity number',
  subject BLOB NULL COMMENT 'sealed',
  agent BLOB NULL COMMENT 'sealed',
  purchase BLOB NULL COMMENT 'sealed',
  quote TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'frozen at confirmation',
  price_fen BIGINT NOT NULL CHECK (price_fen >= 0),
  signed_digest BINARY(32) NULL COMMENT 'SHA-256 of the newest order_signature.text in clear',
  verification_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  submitted_ms BIGINT NOT NULL COMMENT 'to review',
  due_ms BIGINT NOT NULL COMMENT 'review promised by (S18)',
  ended TINYINT AS (IF(state >= 18, 1, 0)) PERSISTENT,
  open_key BINARY(32) AS (IF(state >= 18, NULL, subject_key)) PERSISTENT,
  UNIQUE KEY orders_open (open_key, channel_id, subject_kind, kind),
  KEY orders_mine (account_id, ended, id),
  KEY orders_queue (state, due_ms, id)
) ENGINE=InnoDB;
-- Every application signature ever given (S14), also those that a correction replaced.
CREATE TABLE IF NOT EXISTS order_signature (
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version BIGINT NOT NULL COMMENT 'of the order after it',
  text MEDIUMBLOB NOT NULL COMMENT 'sealed canonical JSON',
  digest BINARY(32) NOT NULL,
  signed_ms BIGINT NOT NULL,
  PRIMARY KEY (order_id, version)
) ENGINE=InnoDB;
