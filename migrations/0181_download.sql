-- The holder's own download (S25): no secrets were made here for it, and a cloud certificate has no medium. One key has
-- one certificate, so it has one live intent, too; of two requests with one key at the same moment the second is told.
ALTER TABLE personalisation
  MODIFY medium_number VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'NULL: of a cloud certificate',
  MODIFY secrets VARBINARY(512) NULL COMMENT 'sealed: management key, PUK, PIN; NULL: the holder downloads, and has his own';
ALTER TABLE issuance
  ADD UNIQUE KEY IF NOT EXISTS issuance_key (spki_digest, live);
