-- Money back, as people and bills tell it (S15). hand_fen: what the desk paid by another way than the provider's; the
-- rest of amount_fen the provider gave back. reference is there for a refund that a person recorded, and only then.
ALTER TABLE payment_refund
  ADD COLUMN IF NOT EXISTS hand_fen BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS reference BLOB NULL COMMENT 'sealed: how it was paid';
-- Every refund that a provider's bill has, ours or not, of a capture by its transaction number. Read by
-- server/payment/reconcile_store.c.
CREATE TABLE IF NOT EXISTS payment_return (
  provider TINYINT NOT NULL,
  txn_no VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  number VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'out_refund_no; one of none of ours, too',
  amount_fen BIGINT NOT NULL,
  success TINYINT NOT NULL COMMENT '0: under way or failed, when the bill was made',
  bill_date VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (provider, txn_no, number),
  KEY payment_return_day (provider, bill_date)
) ENGINE=InnoDB;
-- That says it better than a date in the refund did.
ALTER TABLE payment_refund DROP KEY IF EXISTS payment_refund_bill;
ALTER TABLE payment_refund DROP COLUMN IF EXISTS bill_date;
