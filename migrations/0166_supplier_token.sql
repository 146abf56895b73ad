-- Access tokens that suppliers hand out rarely (Nuonuo: 50 in 30 days). Whoever raises the version from the one that he
-- read is the one who takes a new token; day_count is how many were taken since day_ms.
CREATE TABLE IF NOT EXISTS supplier_token (
  name VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  token VARBINARY(2048) NOT NULL COMMENT 'sealed; empty: none yet',
  expires_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  claimed_until_ms BIGINT NOT NULL COMMENT '0: nobody is taking one',
  day_ms BIGINT NOT NULL,
  day_count INT NOT NULL,
  updated_ms BIGINT NOT NULL
) ENGINE=InnoDB;
