-- Wrong passwords are counted by the name that was typed (account/login_tries.h), in `allowance`: an account has no count
-- of its own any more.
ALTER TABLE account
  DROP COLUMN IF EXISTS failures,
  DROP COLUMN IF EXISTS locked_until_ms;
