-- What is to be signed names the subject and its number: sealed like every other field (place
-- "issuance.intent:<order>:<attempt>"); its digest is of the sealed bytes, because one of the clear ones could be guessed at.
ALTER TABLE issuance
  MODIFY intent BLOB NOT NULL COMMENT 'sealed: the bytes to be signed',
  MODIFY intent_digest BINARY(32) NOT NULL COMMENT 'SHA-256 of the sealed bytes';
