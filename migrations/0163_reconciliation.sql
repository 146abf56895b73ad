-- Our books against the provider's bill, a row per provider and Beijing day. state: 1 WAITING for the bill,
-- 2 CLEAN, 3 DIFFERENT. report: JSON, the differences of the newest run.
CREATE TABLE IF NOT EXISTS payment_reconciliation (
  provider TINYINT NOT NULL,
  date VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT '2026-11-21',
  state TINYINT NOT NULL,
  version BIGINT NOT NULL,
  runs INT NOT NULL,
  bill_hash VARCHAR(72) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  differences INT NOT NULL,
  report MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  PRIMARY KEY (provider, date),
  KEY payment_reconciliation_date (date, provider)
) ENGINE=InnoDB;
