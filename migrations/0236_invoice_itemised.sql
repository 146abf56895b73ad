-- How an invoice's lines are made (S15): 0: one line for the whole, as the blue one of before the quote's lines had
-- been; 1: a line for each of the quote's. Its red one has to have the same. Read by server/invoice/invoice_store.c.
ALTER TABLE invoice ADD COLUMN IF NOT EXISTS itemised TINYINT NOT NULL DEFAULT 0;
