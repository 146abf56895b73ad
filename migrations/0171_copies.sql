-- An order for several UKEYs (S12, S19): each is a copy, from 1, with a personalisation, an issuance and a certificate of
-- its own. What was there before is copy 1. kept_copy and valid_copy are NULL for what was put aside or revoked, so that
-- a copy has one of each that counts (I-3).
ALTER TABLE personalisation
  ADD COLUMN IF NOT EXISTS copy INT NOT NULL DEFAULT 1 AFTER order_id,
  ADD COLUMN IF NOT EXISTS kept_copy INT AS (IF(dropped = 0, copy, NULL)) PERSISTENT,
  ADD UNIQUE KEY IF NOT EXISTS personalisation_copy (order_id, kept_copy);
ALTER TABLE issuance
  ADD COLUMN IF NOT EXISTS copy INT NOT NULL DEFAULT 1 AFTER attempt,
  DROP KEY IF EXISTS issuance_live,
  ADD UNIQUE KEY IF NOT EXISTS issuance_copy (order_id, copy, live),
  ADD KEY IF NOT EXISTS issuance_personalisation (personalisation_id);
ALTER TABLE certificate
  ADD COLUMN IF NOT EXISTS copy INT NOT NULL DEFAULT 1 AFTER order_id,
  ADD COLUMN IF NOT EXISTS valid_copy INT AS (IF(revoked_ms = 0, copy, NULL)) PERSISTENT,
  DROP KEY IF EXISTS certificate_order,
  ADD UNIQUE KEY IF NOT EXISTS certificate_copy (order_id, valid_copy);
