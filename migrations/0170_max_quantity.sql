-- How many UKEYs of a product one order may be for (S12).
ALTER TABLE product
  ADD COLUMN IF NOT EXISTS max_quantity INT NOT NULL DEFAULT 1;
