-- Which UKEY a PIN's deposit opens: its holder is told so when the money is out, or came back (S6).
ALTER TABLE deposit
  ADD COLUMN IF NOT EXISTS medium_number VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' AFTER purpose_key;
UPDATE deposit d JOIN personalisation p ON d.purpose_key = CONCAT('pin:', p.id)
  SET d.medium_number = p.medium_number WHERE d.purpose = 2 AND d.medium_number = '';
