-- Channels by order kind, with what they decide for other parts and every file that was imported (S1, S5).
ALTER TABLE channel
  ADD COLUMN IF NOT EXISTS policy MEDIUMTEXT NOT NULL DEFAULT '{}'
    COMMENT 'JSON, as in the file: suppliers, attempts, payments, invoice, delivery, calendar, limits';
ALTER TABLE channel_offer
  ADD COLUMN IF NOT EXISTS order_kind TINYINT NOT NULL DEFAULT 1 AFTER channel_id,
  ADD COLUMN IF NOT EXISTS review TINYINT NOT NULL DEFAULT 1,
  ADD COLUMN IF NOT EXISTS delivery TINYINT NOT NULL DEFAULT 1 COMMENT '1 by the desk, 2 by download',
  DROP PRIMARY KEY,
  ADD PRIMARY KEY (channel_id, order_kind, subject_kind, medium);
ALTER TABLE channel_material
  ADD COLUMN IF NOT EXISTS order_kind TINYINT NOT NULL DEFAULT 1 AFTER channel_id,
  DROP PRIMARY KEY,
  ADD PRIMARY KEY (channel_id, order_kind, subject_kind, medium, kind);
CREATE TABLE IF NOT EXISTS channel_version (
  channel_id VARCHAR(32) NOT NULL,
  version INT NOT NULL,
  text MEDIUMBLOB NOT NULL COMMENT 'the file, byte for byte',
  digest BINARY(32) NOT NULL COMMENT 'SHA-256 of the text',
  imported_ms BIGINT NOT NULL,
  imported_by VARCHAR(64) NOT NULL COMMENT 'user of the command line',
  PRIMARY KEY (channel_id, version)
) ENGINE=InnoDB;
