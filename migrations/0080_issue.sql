-- UKEYs, personalisations, issuance, certificates (S19, S21, S28). Read by server/issue and server/certificate.
CREATE TABLE IF NOT EXISTS token (
  medium_number VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  state TINYINT NOT NULL,
  model VARCHAR(80) NOT NULL,
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  reason VARCHAR(400) NOT NULL DEFAULT '',
  version BIGINT NOT NULL DEFAULT 1,
  updated_ms BIGINT NOT NULL,
  KEY token_state (state, medium_number)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS personalisation (
  id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  medium_number VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  algorithm TINYINT NOT NULL,
  step TINYINT NOT NULL,
  secrets VARBINARY(512) NOT NULL COMMENT 'sealed: management key, PUK, PIN',
  operator_id VARCHAR(32) NOT NULL,
  in_work TINYINT NULL DEFAULT 1 COMMENT 'NULL: finished or dropped',
  dropped TINYINT NOT NULL DEFAULT 0,
  version BIGINT NOT NULL DEFAULT 1,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  UNIQUE KEY personalisation_order (order_id, in_work),
  UNIQUE KEY personalisation_token (medium_number, in_work)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS personalisation_step (
  personalisation_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  seq INT NOT NULL,
  step TINYINT NOT NULL,
  detail VARBINARY(4096) NOT NULL,
  done_ms BIGINT NOT NULL,
  PRIMARY KEY (personalisation_id, seq)
) ENGINE=InnoDB;
-- Every serial number ever made, before it is used; never deleted (I-4).
CREATE TABLE IF NOT EXISTS serial_used (
  serial VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  made_ms BIGINT NOT NULL
) ENGINE=InnoDB;
-- The intent is stored and committed before anything is signed (I-5). One live issuance an order (I-3).
CREATE TABLE IF NOT EXISTS issuance (
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  attempt INT NOT NULL,
  personalisation_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  serial VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  spki_digest BINARY(32) NOT NULL,
  algorithm TINYINT NOT NULL,
  intent BLOB NOT NULL COMMENT 'the bytes to be signed',
  intent_digest BINARY(32) NOT NULL,
  state TINYINT NOT NULL COMMENT '1 intent, 2 issued, 3 dead: its token was put aside',
  live TINYINT AS (IF(state = 3, NULL, 1)) PERSISTENT,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (order_id, attempt),
  UNIQUE KEY issuance_live (order_id, live),
  UNIQUE KEY issuance_serial (serial)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS certificate (
  id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  channel_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  serial VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject_kind TINYINT NOT NULL,
  subject_name VARBINARY(1024) NOT NULL COMMENT 'sealed',
  algorithm TINYINT NOT NULL,
  medium TINYINT NOT NULL,
  medium_number VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  spki_digest BINARY(32) NOT NULL,
  der BLOB NOT NULL COMMENT 'sealed: the subject is in it',
  not_before_ms BIGINT NOT NULL,
  not_after_ms BIGINT NOT NULL,
  revoked_ms BIGINT NOT NULL DEFAULT 0,
  revoked_reason VARCHAR(200) NOT NULL DEFAULT '',
  created_ms BIGINT NOT NULL,
  UNIQUE KEY certificate_serial (serial),
  UNIQUE KEY certificate_key (spki_digest),
  KEY certificate_order (order_id),
  KEY certificate_mine (account_id, id),
  KEY certificate_medium (medium_number)
) ENGINE=InnoDB;
