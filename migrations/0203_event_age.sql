-- What suppliers and payment providers told is deleted when it has served (core/prune.h), by its age.
ALTER TABLE identity_event ADD KEY IF NOT EXISTS identity_event_received (received_ms);
ALTER TABLE payment_event ADD KEY IF NOT EXISTS payment_event_received (received_ms);
