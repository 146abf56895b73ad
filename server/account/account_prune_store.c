#include "account/account_prune.h"

/* Captchas, codes, challenges and tickets are good for minutes. A day later nobody calls any more to ask why
 * one did not work, and their limits are counted elsewhere.
 * Allowances: the longest window is a day; begun before two days, a row says nothing. But where staff logged
 * in from (12: ALLOW_STAFF_HOME) is known for a month.
 * Sessions live for a day at most. Another 30 days they answer who was logged in when somebody finds out late
 * that it was not they; after that the audit trail still does, which names the session with every act. */
static const struct prune_rule rules[] = {
    {"captcha", PRUNE_DAY_MS, SQL("DELETE FROM captcha WHERE expires_ms < ? LIMIT ?")},
    {"sms_code", PRUNE_DAY_MS, SQL("DELETE FROM sms_code WHERE created_ms < ? LIMIT ?")},
    {"challenge", PRUNE_DAY_MS, SQL("DELETE FROM challenge WHERE created_ms < ? LIMIT ?")},
    {"phone_ticket", PRUNE_DAY_MS, SQL("DELETE FROM phone_ticket WHERE created_ms < ? LIMIT ?")},
    {"allowance", 2 * PRUNE_DAY_MS, SQL("DELETE FROM allowance WHERE kind <> 12 AND start_ms < ? LIMIT ?")},
    {"allowance", 31 * PRUNE_DAY_MS, SQL("DELETE FROM allowance WHERE start_ms < ? LIMIT ?")},
    {"sms_allowance", 2 * PRUNE_DAY_MS, SQL("DELETE FROM sms_allowance WHERE sent_ms < ? LIMIT ?")},
    {"session", 30 * PRUNE_DAY_MS, SQL("DELETE FROM session WHERE expires_ms < ? LIMIT ?")},
};

const struct prune_rules account_prune = {rules, sizeof rules / sizeof *rules};
