-- Every method of verification (S6-S9, S11, S17). Read by server/identity; times are milliseconds UTC, 0: none.
-- number_digest is of the identity number that a verification is about: attempts of a day are counted over all
-- orders of the channel, so that cancelling and beginning again gives no new ones.
ALTER TABLE verification
  ADD COLUMN IF NOT EXISTS channel_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS number_digest BINARY(32) NULL,
  ADD KEY IF NOT EXISTS verification_number (channel_id, number_digest, created_ms);
ALTER TABLE verification_evidence
  ADD KEY IF NOT EXISTS verification_evidence_day (checked_ms);
-- A liveness session at a supplier (S8). token and url are sealed; what they open is over with expires_ms, and
-- the url goes when the session ends. No picture is asked for or kept.
CREATE TABLE IF NOT EXISTS face_session (
  id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY COMMENT 'also our number at the supplier',
  verification_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state TINYINT NOT NULL COMMENT '1 opening, 2 open, 3 passed, 4 refused, 5 ended, 6 failed',
  version BIGINT NOT NULL,
  ways TINYINT NOT NULL COMMENT '1 link by SMS, 2 shown on site, 3 both',
  provider VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  token VARBINARY(255) NULL,
  token_digest BINARY(32) NULL,
  url VARBINARY(1200) NULL,
  expires_ms BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  open_key VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin AS (IF(state IN (1, 2), verification_id, NULL)) PERSISTENT,
  UNIQUE KEY face_session_open (open_key),
  UNIQUE KEY face_session_token (provider, token_digest),
  KEY face_session_verification (verification_id, id)
) ENGINE=InnoDB;
-- A deposit of 0.01 yuan with a secret in its remark, or of a random amount (S6). purpose_key makes it once: a
-- verification has one deposit, a certificate's PIN one. secret is sealed until the money is sent, payee as long
-- as the deposit may have to be written again.
CREATE TABLE IF NOT EXISTS deposit (
  id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY COMMENT 'our number in the bank''s files',
  purpose TINYINT NOT NULL COMMENT '1 verification, 2 PIN',
  purpose_key VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  verification_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state TINYINT NOT NULL COMMENT '1 waiting, 2 ordered, 3 sent, 4 failed, 5 used, 6 dropped, 7 doubtful',
  version BIGINT NOT NULL,
  provider VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'remittance, or a supplier that sends a random amount',
  batch BIGINT NULL,
  flow VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'the supplier''s number',
  secret VARBINARY(255) NULL,
  secret_digest BINARY(32) NULL,
  payee VARBINARY(2048) NULL,
  tries_left INT NOT NULL,
  entered_fen INT NULL COMMENT 'random amount: what is being tried',
  bank_reference VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  sent_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  UNIQUE KEY deposit_purpose (purpose_key),
  UNIQUE KEY deposit_flow (provider, flow),
  KEY deposit_batch (batch, id),
  KEY deposit_waiting (state, provider, id)
) ENGINE=InnoDB;
-- What was handed to the bank together. A batch's rows are those that name it; a row names one batch at most.
CREATE TABLE IF NOT EXISTS remittance_batch (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  n INT NOT NULL,
  created_ms BIGINT NOT NULL,
  answered_ms BIGINT NOT NULL
) ENGINE=InnoDB;
-- What suppliers told us of sessions and transfers, once per event: a hint, by which the next look is made at once.
CREATE TABLE IF NOT EXISTS identity_event (
  provider VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_key BINARY(32) NOT NULL COMMENT 'digest of the supplier''s id of the event, or of its body',
  object_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'fac_..., dep_..., or empty: nobody''s',
  body VARBINARY(8192) NOT NULL COMMENT 'sealed',
  received_ms BIGINT NOT NULL,
  PRIMARY KEY (provider, event_key)
) ENGINE=InnoDB;
