/* download.h - a certificate onto its holder's own UKEY (S25).
 *
 * The part of the saga of personalise.h that makes a key, has it certified and writes the certificate. PIN,
 * PUK and management key are the holder's and stay as they are. What it promises:
 *
 *   - A slot with a certificate that somebody issued is never written to, and no key is replaced: a new one
 *     is made in an empty slot only. Some UKEYs do not tell whether a slot without certificate has a key:
 *     there, a new one is made only in the slot that the plan names, or where the memory says that one was
 *     about to be made.
 *   - When a key was made on another UKEY, nothing is made on this one, unless the plan names a slot. Once
 *     the desk said that the order's request is for another key, no new key is made, and the memory of that
 *     one is kept.
 *   - The key is remembered before the first request for it is sent. Interrupted anywhere, it is run again
 * and goes on with the same key. What was remembered may be lost: a UKEY that tells its keys, or the order's
 *     certificate once there is one, says which slot it is.
 *   - What was written is read back, compared byte for byte, and proved by a signature.
 *   - PIN and management key are tried once, before anything is made.
 *
 * Errors are those of personalise.h; ERR_PIN_WRONG; ERR_PRECONDITION when there is no room, the download was
 * begun with another UKEY, the management key is another, or the certificate's key is not on this UKEY:
 * nothing was changed then.
 */
#ifndef CERTDESK_TOKEN_DOWNLOAD_H
#define CERTDESK_TOKEN_DOWNLOAD_H

#include "token/personalise.h"

/* Which key an order's request is for, on which token; before it is made, the slot alone. No secrets. */
struct download_memory {
    bool there;
    enum ukey_slot slot;
    struct personalise_record key; /* serial, GUID, public key */
};
/* As one line of text, and back; false: not such a line. */
enum {
    DOWNLOAD_LINE = 2 * PERSONALISE_DETAIL_MAX + 8,
};
void download_memory_write(const struct download_memory *m, char out[static DOWNLOAD_LINE]);
bool download_memory_read(struct download_memory *m, const char *line);

struct download_plan {
    bool slot_given; /* only that one, and this UKEY whatever is remembered */
    enum ukey_slot slot;
    const char *common_name;            /* of the request; not empty */
    const struct ukey_admin_key *admin; /* NULL: the factory's; alg 0: the token's own */
    const uint8_t *cert;                /* the order's certificate, when there is one already */
    size_t cert_n;                      /* 0: not yet */
    void *arg;
    /* The PIN, verified on the token. */
    enum err (*pin)(void *arg, struct ukey *u, char pin[static UKEY_SECRET_MAX + 1], struct fault *f);
    /* Keeps the memory; not OK: nothing is sent. */
    enum err (*remember)(void *arg, const struct download_memory *m, struct fault *f);
    /* The certificate for the key in the request. Again with the same key: the same. ERR_PRECONDITION: the
     * order's is for another key; ERR_KEY_USED: this key's is another order's. */
    enum err (*issue)(void *arg, const char *medium_number, const uint8_t *csr, size_t n,
                      uint8_t cert[UKEY_CERT_MAX], size_t *cert_n, struct fault *f);
    /* May be NULL. */
    void (*progress)(void *arg, enum personalise_step next);
};

struct download_result {
    enum ukey_slot slot;
    char medium_number[MEDIUM_NUMBER_SIZE];
    bool was_there; /* the certificate was on the UKEY already; it was proved again */
};

/* m: what was remembered of this order. The channel's transaction is not open. */
enum err download_run(struct channel *ch, const struct download_plan *plan, const struct download_memory *m,
                      struct download_result *out, struct fault *f);

#endif
