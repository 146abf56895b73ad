-- When the provider was last asked to make it: written, by compare-and-set, before anything is sent, so that a refund that
-- was stopped is not sent. The stop writes it once more: what was sent before may be under way until then (S15). Read by
-- server/payment/refund_store.c. state: 1 REQUESTED, 2 PROCESSING, 3 DONE, 4 ABNORMAL, 5 CLOSED, 6 STOPPING.
ALTER TABLE payment_refund ADD COLUMN IF NOT EXISTS sent_ms BIGINT NOT NULL DEFAULT 0;
-- What was asked for already may have been sent.
UPDATE payment_refund SET sent_ms = created_ms WHERE state = 1 AND sent_ms = 0;
