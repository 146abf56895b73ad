-- Refunds that a person must see to although they are DONE, and these are few (S15): error is 'PAID_TWICE' when the
-- provider gave back another part than was recorded by hand. Read by server/payment/refund_store.c.
ALTER TABLE payment_refund ADD KEY IF NOT EXISTS payment_refund_error (error);
-- 0190 began payment_return empty: bills of before it are not in there. Where a day's report has REFUND_UNKNOWN,
-- `certdeskd reconcile PROVIDER DAY` reads its bill again and fills it; README says so.
