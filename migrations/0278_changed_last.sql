-- What changed last is a look at the end of a key: consoles ask it every second (server/staff/staff.c).
ALTER TABLE payment_reconciliation ADD KEY IF NOT EXISTS payment_reconciliation_changed (updated_ms);
ALTER TABLE deposit ADD KEY IF NOT EXISTS deposit_changed (updated_ms);
ALTER TABLE token ADD KEY IF NOT EXISTS token_changed (updated_ms);
