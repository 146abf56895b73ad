-- An order keeps what its channel said of review and delivery when it was created (S19, S25). Orders that were there
-- already go the one way that there was: reviewed, written and posted by the desk.
ALTER TABLE orders
  ADD COLUMN IF NOT EXISTS review TINYINT NOT NULL DEFAULT 1 COMMENT '0: approved when paid, unless by paper',
  ADD COLUMN IF NOT EXISTS delivery TINYINT NOT NULL DEFAULT 1 COMMENT '1 by the desk, 2 by download';
