-- Pictures of accounts (S4): squares that the server has drawn itself.
CREATE TABLE IF NOT EXISTS account_picture (
  account_id VARCHAR(32) NOT NULL PRIMARY KEY,
  picture MEDIUMBLOB NOT NULL COMMENT 'sealed JPEG',
  updated_ms BIGINT NOT NULL
) ENGINE=InnoDB;
