-- A parcel holds all UKEYs of its order (S29): their medium numbers, a blank between two.
ALTER TABLE shipment
  CHANGE COLUMN IF EXISTS medium_number medium_numbers VARCHAR(1400) CHARACTER SET ascii COLLATE ascii_bin NOT NULL;
