-- Files that come in single calls (S13), until they are whole. Both tables are empty most of the time: a finished
-- upload keeps its row, without its bytes, until it expires, so that finishing it again is answered.
CREATE TABLE IF NOT EXISTS material_upload (
  id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  account_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind VARCHAR(40) NOT NULL,
  file_name VARBINARY(1024) NOT NULL COMMENT 'sealed',
  size BIGINT NOT NULL COMMENT 'announced',
  digest BINARY(32) NOT NULL COMMENT 'announced SHA-256 of the bytes in clear',
  received BIGINT NOT NULL DEFAULT 0 COMMENT 'bytes from the start, without a gap',
  material_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'what it became',
  unfinished TINYINT AS (IF(material_id IS NULL, 1, NULL)) PERSISTENT,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  UNIQUE KEY material_upload_one (order_id, kind, unfinished),
  KEY material_upload_account (account_id, unfinished),
  KEY material_upload_expires (expires_ms)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS material_chunk (
  upload_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  position BIGINT NOT NULL COMMENT 'offset of its first byte',
  size INT NOT NULL COMMENT 'in clear',
  bytes MEDIUMBLOB NOT NULL COMMENT 'sealed',
  PRIMARY KEY (upload_id, position)
) ENGINE=InnoDB;
