-- User names are one whatever their letters' case (S4): "Zhang_1" must not pass for "zhang_1". A name that would be
-- another's becomes a random one again, as at registration.
UPDATE account a JOIN account b ON b.channel_id = a.channel_id AND LOWER(b.user_name) = LOWER(a.user_name) AND b.id < a.id
  SET a.user_name = CONCAT('user', RIGHT(a.id, 26)), a.version = a.version + 1;
ALTER TABLE account
  ADD COLUMN IF NOT EXISTS user_name_key VARCHAR(64) AS (LOWER(user_name)) PERSISTENT,
  ADD UNIQUE KEY IF NOT EXISTS account_user_name_key (channel_id, user_name_key);
