-- People and the desk's staff, sessions, codes (S2-S4). Read by server/account and server/staff.
CREATE TABLE IF NOT EXISTS account (
  id VARCHAR(32) NOT NULL PRIMARY KEY,
  channel_id VARCHAR(32) NOT NULL,
  user_name VARCHAR(64) NOT NULL,
  phone_digest BINARY(32) NOT NULL,
  phone VARBINARY(255) NOT NULL COMMENT 'sealed',
  password VARCHAR(200) NOT NULL COMMENT 'scrypt',
  initial_password TINYINT NOT NULL COMMENT 'must be changed first',
  failures INT NOT NULL DEFAULT 0 COMMENT 'wrong passwords in a row',
  locked_until_ms BIGINT NOT NULL DEFAULT 0,
  version BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  UNIQUE KEY account_phone (channel_id, phone_digest),
  UNIQUE KEY account_user_name (channel_id, user_name)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS staff (
  id VARCHAR(32) NOT NULL PRIMARY KEY,
  login VARCHAR(64) NOT NULL,
  name VARCHAR(80) NOT NULL,
  roles INT UNSIGNED NOT NULL,
  password VARCHAR(200) NOT NULL COMMENT 'scrypt',
  totp VARBINARY(255) NOT NULL COMMENT 'sealed secret',
  totp_step BIGINT NOT NULL DEFAULT 0 COMMENT 'last 30 s step used: a code is good once',
  failures INT NOT NULL DEFAULT 0,
  locked_until_ms BIGINT NOT NULL DEFAULT 0,
  disabled TINYINT NOT NULL DEFAULT 0,
  version BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  UNIQUE KEY staff_login (login)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS session (
  token_digest BINARY(32) NOT NULL PRIMARY KEY COMMENT 'SHA-256 of the bearer token',
  id VARCHAR(32) NOT NULL,
  caller_kind TINYINT NOT NULL,
  owner_id VARCHAR(32) NOT NULL,
  channel_id VARCHAR(32) NOT NULL,
  roles INT UNSIGNED NOT NULL,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  ended_ms BIGINT NOT NULL DEFAULT 0,
  KEY session_owner (owner_id)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS captcha (
  id VARCHAR(32) NOT NULL PRIMARY KEY,
  answer BINARY(32) NOT NULL COMMENT 'keyed digest',
  expires_ms BIGINT NOT NULL,
  used TINYINT NOT NULL DEFAULT 0,
  KEY captcha_expires (expires_ms)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS sms_code (
  id VARCHAR(32) NOT NULL PRIMARY KEY,
  phone_digest BINARY(32) NOT NULL,
  purpose TINYINT NOT NULL,
  scope VARCHAR(64) NOT NULL,
  code BINARY(32) NOT NULL COMMENT 'keyed digest',
  tries INT NOT NULL DEFAULT 0,
  used TINYINT NOT NULL DEFAULT 0,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  KEY sms_code_phone (phone_digest, created_ms)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS sms_allowance (
  phone_digest BINARY(32) NOT NULL,
  purpose TINYINT NOT NULL,
  sent_ms BIGINT NOT NULL,
  hour_start_ms BIGINT NOT NULL,
  hour_count INT NOT NULL,
  day_start_ms BIGINT NOT NULL,
  day_count INT NOT NULL,
  PRIMARY KEY (phone_digest, purpose)
) ENGINE=InnoDB;
