-- What channels offer (S1, S5, S12). Read by server/catalog.
CREATE TABLE IF NOT EXISTS channel (
  id VARCHAR(32) NOT NULL PRIMARY KEY,
  code VARCHAR(32) NOT NULL,
  name VARCHAR(120) NOT NULL,
  page MEDIUMTEXT NOT NULL COMMENT 'JSON: notices, downloads, contact, paper_address',
  invoice_offered TINYINT NOT NULL,
  initial_password VARCHAR(64) NOT NULL,
  review_days INT NOT NULL,
  payment_minutes INT NOT NULL,
  profile VARCHAR(16) NOT NULL COMMENT 'certificate profile: 2023 or 2012 identity extensions',
  version INT NOT NULL,
  digest BINARY(32) NOT NULL COMMENT 'SHA-256 of the imported file',
  imported_ms BIGINT NOT NULL,
  UNIQUE KEY channel_code (code)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS channel_offer (
  channel_id VARCHAR(32) NOT NULL,
  subject_kind TINYINT NOT NULL,
  medium TINYINT NOT NULL,
  methods INT UNSIGNED NOT NULL COMMENT 'bit 1 << method',
  agent_methods INT UNSIGNED NOT NULL,
  paper_route TINYINT NOT NULL,
  PRIMARY KEY (channel_id, subject_kind, medium)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS channel_material (
  channel_id VARCHAR(32) NOT NULL,
  subject_kind TINYINT NOT NULL,
  medium TINYINT NOT NULL,
  kind VARCHAR(40) NOT NULL,
  position INT NOT NULL,
  title VARCHAR(80) NOT NULL,
  required TINYINT NOT NULL,
  content_types VARCHAR(200) NOT NULL,
  max_bytes BIGINT NOT NULL,
  PRIMARY KEY (channel_id, subject_kind, medium, kind)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS product (
  id VARCHAR(32) NOT NULL PRIMARY KEY,
  channel_id VARCHAR(32) NOT NULL,
  code VARCHAR(40) NOT NULL,
  name VARCHAR(120) NOT NULL,
  subject_kind TINYINT NOT NULL,
  medium TINYINT NOT NULL,
  in_force TINYINT NOT NULL,
  UNIQUE KEY product_code (channel_id, code)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS product_price (
  product_id VARCHAR(32) NOT NULL,
  term_months INT NOT NULL,
  seal TINYINT NOT NULL,
  price_fen BIGINT NOT NULL CHECK (price_fen > 0),
  PRIMARY KEY (product_id, term_months, seal)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS agreement (
  id VARCHAR(32) NOT NULL,
  version INT NOT NULL,
  channel_id VARCHAR(32) NOT NULL,
  code VARCHAR(40) NOT NULL,
  title VARCHAR(120) NOT NULL,
  text MEDIUMTEXT NOT NULL,
  digest BINARY(32) NOT NULL COMMENT 'SHA-256 of the text',
  in_force TINYINT NOT NULL,
  PRIMARY KEY (id, version),
  UNIQUE KEY agreement_code (channel_id, code, version)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS consent (
  object_id VARCHAR(32) NOT NULL COMMENT 'the order',
  purpose VARCHAR(16) NOT NULL,
  agreement_id VARCHAR(32) NOT NULL,
  agreement_version INT NOT NULL,
  digest BINARY(32) NOT NULL COMMENT 'of the text that was agreed to',
  account_id VARCHAR(32) NOT NULL,
  given_ms BIGINT NOT NULL,
  PRIMARY KEY (object_id, purpose, agreement_id, agreement_version)
) ENGINE=InnoDB;
