-- Accounts, the rest of S2-S4: sessions that know how they were made, challenges for UKEYs, bindings, tickets for a
-- change of phone, allowances by address and channel, and the keys by which old rows are found (core/prune.h).
ALTER TABLE session
  ADD COLUMN IF NOT EXISTS how TINYINT NOT NULL DEFAULT 0 COMMENT '1 SMS, 2 password, 3 UKEY; 0 staff, and before this column',
  ADD COLUMN IF NOT EXISTS certificate_id VARCHAR(32) NOT NULL DEFAULT '' COMMENT 'of the UKEY that made it',
  ADD KEY IF NOT EXISTS session_expires (expires_ms);
ALTER TABLE sms_code ADD KEY IF NOT EXISTS sms_code_created (created_ms);
ALTER TABLE sms_allowance ADD KEY IF NOT EXISTS sms_allowance_sent (sent_ms);
-- What a UKEY is asked to sign; used by compare-and-set.
CREATE TABLE IF NOT EXISTS challenge (
  id VARCHAR(32) NOT NULL PRIMARY KEY,
  purpose TINYINT NOT NULL COMMENT '1 login, 2 bind',
  channel_id VARCHAR(32) NOT NULL,
  account_id VARCHAR(32) NOT NULL COMMENT 'who may use it; empty: a login',
  text VARBINARY(400) NOT NULL COMMENT 'exactly what is signed',
  used TINYINT NOT NULL DEFAULT 0,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  KEY challenge_created (created_ms)
) ENGINE=InnoDB;
-- A certificate of a channel opens one account of it at a time.
CREATE TABLE IF NOT EXISTS binding (
  channel_id VARCHAR(32) NOT NULL,
  certificate_id VARCHAR(32) NOT NULL,
  account_id VARCHAR(32) NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (channel_id, certificate_id),
  KEY binding_account (account_id, created_ms, certificate_id)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS phone_ticket (
  ticket BINARY(32) NOT NULL PRIMARY KEY COMMENT 'SHA-256',
  account_id VARCHAR(32) NOT NULL,
  session_id VARCHAR(32) NOT NULL,
  used TINYINT NOT NULL DEFAULT 0,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  KEY phone_ticket_account (account_id),
  KEY phone_ticket_created (created_ms)
) ENGINE=InnoDB;
-- How much of something somebody had since the window began (account/allowance.h).
CREATE TABLE IF NOT EXISTS allowance (
  kind TINYINT NOT NULL,
  who BINARY(32) NOT NULL COMMENT 'keyed digest',
  start_ms BIGINT NOT NULL,
  taken INT NOT NULL,
  PRIMARY KEY (kind, who),
  KEY allowance_start (start_ms)
) ENGINE=InnoDB;
