-- A code that a limit holds back (S6): state 8 of a verification is CODE_HELD, none is out yet. code_ms is when the next
-- may go, in milliseconds UTC; 0: nothing is held. Read by server/identity.
ALTER TABLE verification
  ADD COLUMN IF NOT EXISTS code_ms BIGINT NOT NULL DEFAULT 0;
