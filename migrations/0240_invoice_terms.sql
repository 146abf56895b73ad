-- What an invoice's blue one said of its seller and of what was sold (S15): the channel may say otherwise when it is
-- taken back, and the red one has to say the same. NULL: not sent yet, or sent before this: as the channel says now. Read
-- by server/invoice/invoice_store.c.
ALTER TABLE invoice ADD COLUMN IF NOT EXISTS terms VARCHAR(2048) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL
  COMMENT 'JSON: seller, clerk, goods, line, rate';
