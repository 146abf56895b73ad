-- Parcels and what the courier says of them (S29).
CREATE TABLE IF NOT EXISTS shipment (
  id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  medium_number VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  courier VARCHAR(32) NOT NULL,
  tracking_number VARCHAR(64) NOT NULL,
  state TINYINT NOT NULL,
  delivery VARBINARY(4096) NOT NULL COMMENT 'sealed address as it was when posted',
  salt VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'signs the courier''s pushes',
  push_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'last part of the callback path',
  in_work TINYINT NULL DEFAULT 1 COMMENT 'NULL: received, returned or lost',
  version BIGINT NOT NULL DEFAULT 1,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  UNIQUE KEY shipment_order (order_id, in_work),
  UNIQUE KEY shipment_number (courier, tracking_number),
  UNIQUE KEY shipment_push (push_key),
  KEY shipment_state (state, id)
) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS shipment_event (
  shipment_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  seq INT NOT NULL COMMENT '0 is the newest; the list is replaced as a whole',
  event_ms BIGINT NOT NULL,
  text VARCHAR(500) NOT NULL,
  place VARCHAR(120) NOT NULL,
  PRIMARY KEY (shipment_id, seq)
) ENGINE=InnoDB;
