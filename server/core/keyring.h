/* keyring.h - the inside of a keyring, for keyring.c (files) and crypt.c (what is done with the keys).
 *
 * It lives in one mapping of its own that is locked in memory, left out of core dumps, and wiped at close.
 */
#ifndef CERTDESK_CORE_KEYRING_H
#define CERTDESK_CORE_KEYRING_H

#include "base/err.h"

#include <stddef.h>

enum {
    KEY_BYTES = 32,
    KEYS_MAX = 255
};

struct master_key {
    unsigned char id;
    unsigned char bytes[KEY_BYTES]; /* as in the file */
    unsigned char field[KEY_BYTES]; /* derived: AES-256-GCM of fields */
};

struct keyring {
    size_t n;
    struct master_key keys[KEYS_MAX]; /* by id, lowest first */
    unsigned char lookup[KEY_BYTES];  /* derived from the lowest */
    void *seal_key;                   /* EVP_PKEY of crypt.c */
    char *seal_public;                /* PEM */
};

/* crypt.c's part of opening and closing: derived keys, the seal's key from its PEM text. */
void keyring_derive(struct keyring *k);
enum err keyring_load_seal(struct keyring *k, const char *pem, struct fault *f);
/* A new P-256 key as PEM (PKCS #8), malloc'd with *n its length; the caller wipes and frees it. */
char *keyring_new_seal(size_t *n);
void keyring_free_seal(struct keyring *k);

#endif
