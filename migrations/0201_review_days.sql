-- The working days that a channel promises a review in (S18) may be from … to …: review_days is the most, review_from the
-- fewest; 0: only the most is said. Read by server/catalog.
ALTER TABLE channel
  ADD COLUMN IF NOT EXISTS review_from INT NOT NULL DEFAULT 0;
