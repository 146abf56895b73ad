-- What a person has seen to although no money moves any more (S15): what: 1 money that is held and that nobody asked back,
-- 2 a refund that was paid twice. Each once for a capture. Read by server/payment/resolve_store.c.
CREATE TABLE IF NOT EXISTS payment_resolved (
  capture_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  what TINYINT NOT NULL,
  note BLOB NOT NULL COMMENT 'sealed: what became of it, in the words of who saw to it',
  resolved_by VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  resolved_ms BIGINT NOT NULL,
  PRIMARY KEY (capture_id, what),
  CONSTRAINT payment_resolved_of_capture FOREIGN KEY (capture_id) REFERENCES payment_capture (id)
) ENGINE=InnoDB;
