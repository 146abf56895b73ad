-- Uploaded documents and photos (S13). The bytes are files named by digest; a replaced material keeps its row.
CREATE TABLE IF NOT EXISTS material (
  id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind VARCHAR(40) NOT NULL,
  title VARCHAR(80) NOT NULL,
  file_name VARBINARY(1024) NOT NULL COMMENT 'sealed',
  content_type VARCHAR(80) NOT NULL,
  size BIGINT NOT NULL,
  digest BINARY(32) NOT NULL COMMENT 'SHA-256 of the bytes in clear',
  verdict TINYINT NOT NULL DEFAULT 0,
  reason VARCHAR(400) NOT NULL DEFAULT '',
  in_use TINYINT NULL DEFAULT 1 COMMENT 'NULL: replaced or deleted',
  created_ms BIGINT NOT NULL,
  UNIQUE KEY material_current (order_id, kind, in_use),
  KEY material_digest (digest)
) ENGINE=InnoDB;
