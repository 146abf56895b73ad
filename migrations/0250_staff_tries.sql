-- Failed logins of staff are counted in `allowance`, by the name that was typed (server/account/login_tries.h).
ALTER TABLE staff
  DROP COLUMN IF EXISTS failures,
  DROP COLUMN IF EXISTS locked_until_ms;
