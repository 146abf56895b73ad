/* ukey.h - UKEYs that open accounts (S3, S4): challenges, bindings, login.
 *
 * A challenge is a text of ours that says what is signed, for which channel, when, with 256 random bits:
 *
 *     certdesk login
 *     channel: chn_…
 *     challenge: chg_…
 *     time: 2026-11-28T09:30:00.000Z
 *     nonce: 64 hexadecimal digits
 *
 * Each line ends with a line feed. One to bind says "certdesk bind" and has a line "account: acc_…" after the
 * channel's. It is good for two minutes and spent by the first who shows it, whatever comes of that. A
 * certificate is believed only after its key has signed: a stranger learns nothing about certificates by
 * asking, and the holder is told why theirs is not taken.
 */
#ifndef CERTDESK_ACCOUNT_UKEY_H
#define CERTDESK_ACCOUNT_UKEY_H

#include "account/account.h"

enum challenge_purpose {
    CHALLENGE_LOGIN = 1,
    CHALLENGE_BIND,
};

struct challenge {
    char id[ID_SIZE], channel[ID_SIZE], account[ID_SIZE]; /* account: "" for a login */
    enum challenge_purpose purpose;
    const char *text; /* to be signed */
    int64_t expires_ms;
};

struct binding {
    char certificate[ID_SIZE], account[ID_SIZE];
    const char *medium_number;
    int64_t created_ms;
};

/* What a UKEY answers to a challenge. */
struct ukey_proof {
    const char *challenge_id;
    const void *certificate, *signature; /* DER */
    size_t certificate_n, signature_n;
};

/* channel: id or code. RATE_LIMITED by address. */
enum err ukey_login_challenge(struct ctx *c, const char *channel, struct challenge *out);
enum err ukey_login(struct ctx *c, const struct ukey_proof *p, struct login *out);

/* The caller's own account. */
enum err ukey_bind_challenge(struct ctx *c, struct challenge *out);
enum err ukey_bind(struct ctx *c, const struct ukey_proof *p, struct binding *out);
enum err ukey_unbind(struct ctx *c, const char *certificate_id);
/* Newest first, after that one (0 and "" at first). */
enum err ukey_bindings(struct ctx *c, int64_t after_ms, const char *after_id, int limit, struct binding **out,
                       size_t *n);

#endif
