-- Decisions of reviewers (S18, S27), and masked fields that were looked at.
CREATE TABLE IF NOT EXISTS review_decision (
  order_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version BIGINT NOT NULL COMMENT 'of the order that was decided on',
  reviewer_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  approved TINYINT NOT NULL,
  comment VARCHAR(1000) NOT NULL,
  decided_ms BIGINT NOT NULL,
  PRIMARY KEY (order_id, version)
) ENGINE=InnoDB;
