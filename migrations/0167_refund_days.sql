-- Refunds as reconciliation looks for them: those that a day's bill has, and those of a day that no bill has yet.
ALTER TABLE payment_refund ADD KEY IF NOT EXISTS payment_refund_bill (provider, bill_date);
ALTER TABLE payment_refund ADD KEY IF NOT EXISTS payment_refund_done (provider, done_ms);
ALTER TABLE payment_refund DROP KEY IF EXISTS payment_refund_day;
