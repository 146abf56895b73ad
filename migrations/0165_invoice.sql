-- Electronic invoices (S15, S12): one an order. Read by server/invoice; amounts are fen, times milliseconds UTC, 0: not
-- yet. order_no and red_order_no are ours at the supplier, who wants them unique per seller for ever: these keys keep
-- them so, whatever database made them before (they are drawn anew when one is taken).
CREATE TABLE IF NOT EXISTS invoice (
  id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state TINYINT NOT NULL COMMENT 'proto InvoiceState',
  version BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL CHECK (amount_fen > 0),
  attempt INT NOT NULL,
  order_no VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  serial VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'the supplier''s number for it',
  code VARCHAR(16) NOT NULL DEFAULT '',
  number VARCHAR(32) NOT NULL DEFAULT '',
  tax_fen BIGINT NOT NULL DEFAULT 0,
  issued_ms BIGINT NOT NULL DEFAULT 0,
  mailed_ms BIGINT NOT NULL DEFAULT 0,
  red_attempt INT NOT NULL DEFAULT 0,
  red_order_no VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NULL,
  red_serial VARCHAR(64) NOT NULL DEFAULT '',
  red_code VARCHAR(16) NOT NULL DEFAULT '',
  red_number VARCHAR(32) NOT NULL DEFAULT '',
  red_tax_fen BIGINT NOT NULL DEFAULT 0,
  red_issued_ms BIGINT NOT NULL DEFAULT 0,
  red_mailed_ms BIGINT NOT NULL DEFAULT 0,
  data VARBINARY(4096) NOT NULL COMMENT 'sealed: title, tax number, e-mail, bank, address, phone',
  cause VARBINARY(1024) NOT NULL COMMENT 'sealed: why it failed, in the supplier''s words',
  callback_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'last part of the callback path',
  paid_ms BIGINT NOT NULL,
  refunded_ms BIGINT NOT NULL DEFAULT 0,
  resent_ms BIGINT NOT NULL DEFAULT 0 COMMENT 'mailed again on request: last, and how often since',
  resent_day_ms BIGINT NOT NULL DEFAULT 0,
  resent_count INT NOT NULL DEFAULT 0,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  UNIQUE KEY invoice_order (order_id),
  UNIQUE KEY invoice_order_no (order_no),
  UNIQUE KEY invoice_red_order_no (red_order_no),
  UNIQUE KEY invoice_callback (callback_key),
  KEY invoice_state (state, id)
) ENGINE=InnoDB;
-- The files as they were fetched; the bytes are sealed files named by digest, beside those of materials.
CREATE TABLE IF NOT EXISTS invoice_file (
  invoice_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  red TINYINT NOT NULL,
  kind TINYINT NOT NULL COMMENT 'proto InvoiceFileKind',
  digest BINARY(32) NOT NULL COMMENT 'SHA-256 of the bytes in clear',
  size BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (invoice_id, red, kind),
  CONSTRAINT invoice_file_of FOREIGN KEY (invoice_id) REFERENCES invoice (id)
) ENGINE=InnoDB;
