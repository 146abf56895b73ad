/* provider.h - what all adapters share: how an outcome is told, what is kept for the record, how one is made.
 *
 * An adapter speaks one supplier's real protocol. It knows no database, no RPC and no feature: plain structs
 * go in and come out. Calls block; make them from worker threads, outside any transaction. A port is
 * immutable once opened, so any number of threads may use it.
 *
 * Every call of every port ends in one of these ways (design 4, reliability 1: unknown is not failure):
 *
 *   OK                    the supplier answered and the answer is understood and, where it is signed,
 * verified ERR_UNAVAILABLE       nothing was sent (no address, no connection, no TLS): repeat at will
 *   ERR_PROVIDER_BUSY     answered: not done, try later
 *   ERR_RATE_LIMITED      answered: not done, too often
 *   ERR_PROVIDER_REFUSED  answered: not done, and repeating the same will not help
 *   ERR_PROVIDER_CONFIG   answered: our credentials, contract or balance are at fault; a person must look
 *   ERR_PROVIDER_UNKNOWN  sent, and no answer that can be understood: it may have happened. Settle by our own
 *                         number (query, settle) before anything is sent again
 *   ERR_SIGNATURE_BAD     answered, and the answer is not provably the supplier's: for what was sent, the
 *                         same as unknown
 *   ERR_INVALID           our own arguments cannot be sent; nothing was sent
 *
 * The fault's text and the log never hold names, identity numbers, phones, cards, secrets or signatures.
 */
#ifndef CERTDESK_PROVIDER_PROVIDER_H
#define CERTDESK_PROVIDER_PROVIDER_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http; /* http.h */

/* A header or a form field. */
struct provider_pair {
    const char *name, *value;
};

/* For the audit row. Every result struct has one; it is filled as far as things went, on failure too. */
struct provider_trace {
    int http_status;     /* SMTP: the reply code; 0: no answer */
    char code[64];       /* the supplier's own result or error code, "" when none */
    char message[192];   /* the supplier's own sentence; may be empty */
    char request_id[96]; /* the supplier's number for the call */
};

/* An access token that a supplier hands out rarely (Nuonuo: 50 in 30 days), so that it has to outlive the
 * process. version counts the changes of the stored one; 0: none was ever stored. */
struct provider_token {
    char text[1024]; /* "" when there is none */
    int64_t expires_ms;
    int64_t version;
};

/* Where such tokens are kept; given by the server, because adapters know no database. Any thread.
 *
 *   load   what is stored under the name
 *   claim  OK: whoever asked may take a new one from the supplier now, and nobody else may for a while.
 *          ERR_CONFLICT: somebody else does, or did since that version was loaded. ERR_RATE_LIMITED: as many
 *          were taken today as we allow ourselves.
 *   save   stores what was taken, and ends the claim; t->version is the one that was claimed. ERR_CONFLICT:
 * the claim was over, and another one took a token since
 */
struct provider_tokens {
    void *arg;
    enum err (*load)(void *arg, const char *name, struct provider_token *out, struct fault *f);
    enum err (*claim)(void *arg, const char *name, int64_t version, struct fault *f);
    enum err (*save)(void *arg, const char *name, const struct provider_token *t, struct fault *f);
};

/* What an adapter is made from. `setting` gives the value of one of the supplier's keys (registry.h lists
 * them with their meaning) or NULL; a secret's value is the secret itself, read from its file by the caller.
 * Values are copied; copies of secrets are wiped on close. now_ms NULL: clock_now_ms. */
struct provider_env {
    struct http *http; /* borrowed; outlives the port */
    const char *(*setting)(void *arg, const char *key);
    void *arg;
    int64_t (*now_ms)(void);
};

/* True when the URL's host is this machine: such a supplier is a simulator, and every answer and console must
 * say so (providers.md 10). */
bool provider_is_simulator(const char *base_url);

/* Masks for records and screens, made in the arena; "" for NULL. Phone 138****0000; identity number
 * 1101**********0134 (USCC likewise); name: the first character and one * for each other. */
const char *mask_phone(struct arena *a, const char *phone);
const char *mask_number(struct arena *a, const char *number);
const char *mask_name(struct arena *a, const char *name);

/* As suppliers want them: a phone without +86; an identity number whose X is upper-case, in the arena. */
const char *bare_phone(const char *phone);
const char *upper_x(struct arena *a, const char *id_number);

#endif
