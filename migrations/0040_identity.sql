-- Proof of identity (S6-S9, S11). Read by server/identity; times are milliseconds UTC.
CREATE TABLE IF NOT EXISTS verification (
  id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  of_agent TINYINT NOT NULL,
  method TINYINT NOT NULL,
  state TINYINT NOT NULL,
  version BIGINT NOT NULL,
  input_digest BINARY(32) NOT NULL COMMENT 'keyed digest of what was to be checked',
  mismatched VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  attempts_left INT NOT NULL COMMENT 'of this day, after this one',
  sent_to VARBINARY(255) NULL COMMENT 'sealed phone',
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  KEY verification_order (order_id, of_agent, created_ms)
) ENGINE=InnoDB;
-- What a provider answered, once per check of a verification: never asked, and never billed, twice.
CREATE TABLE IF NOT EXISTS verification_evidence (
  verification_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'enterprise4, phone3',
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  provider VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  outcome VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'MATCH, MISMATCH, ...',
  provider_code VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  provider_request VARCHAR(96) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  billed TINYINT NOT NULL,
  input_digest BINARY(32) NOT NULL,
  checked_ms BIGINT NOT NULL,
  PRIMARY KEY (verification_id, name),
  KEY verification_evidence_order (order_id, checked_ms)
) ENGINE=InnoDB;
