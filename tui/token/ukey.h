/* ukey.h - what a UKEY can do, whatever its dialect.
 *
 * A dialect (piv.h) turns these operations into commands on a channel. All of them need the channel's
 * transaction (ops->begin) and ukey `select` before them: what another program did meanwhile is unknown.
 * Nothing is repeated by itself: after a transport error the state must be read before going on.
 *
 * PINs and PUKs are 6 to 8 printable ASCII characters; the length is checked here because tokens accept
 * less and pad silently. Errors: those of channel.h, and ERR_CARD_REFUSED, ERR_PIN_WRONG, ERR_PIN_BLOCKED,
 * ERR_NOT_FOUND (no such object), ERR_UNIMPLEMENTED (the token does not have it), ERR_INVALID (bad argument).
 */
#ifndef CERTDESK_TOKEN_UKEY_H
#define CERTDESK_TOKEN_UKEY_H

#include "token/channel.h"

#include <stdbool.h>

enum {
    UKEY_CERT_MAX =
        1800, /* the smallest token seen takes 1804 bytes of object, one wastes the old on refusing */
    UKEY_SIG_MAX = 80, /* DER of two 32-byte integers */
    UKEY_POINT = 65,   /* 04 X Y */
    UKEY_DIGEST = 32,
    UKEY_GUID = 16,
    UKEY_SECRET_MAX = 8, /* characters of a PIN or PUK */
};

/* Where a signing key lives. Two, because renewing must not overwrite the live one. */
enum ukey_slot {
    UKEY_SIGN_A,
    UKEY_SIGN_B,
};

enum ukey_alg {
    UKEY_P256 = 1,
    UKEY_SM2,
};

enum ukey_admin_alg { /* SP 800-78-4, table 6-2 */
    UKEY_3DES = 0x03,
    UKEY_AES128 = 0x08,
    UKEY_AES192 = 0x0A,
    UKEY_AES256 = 0x0C,
};

struct ukey_admin_key {
    enum ukey_admin_alg alg;
    uint8_t key[32]; /* 16, 24 or 32 of them, by the algorithm */
};

struct ukey_pub {
    enum ukey_alg alg;
    uint8_t point[UKEY_POINT];
    bool made_inside; /* the token says it generated the key itself */
};

enum ukey_truth {
    UKEY_UNKNOWN = -1,
    UKEY_NO = 0,
    UKEY_YES = 1,
};

struct ukey_info {
    bool has_serial, has_guid;
    uint32_t serial;
    uint8_t guid[UKEY_GUID];
    uint8_t version[3];     /* 0.0.0: not told */
    bool has_metadata;      /* state of keys and secrets can be read */
    int pin_left, puk_left; /* tries; -1: not told */
    enum ukey_truth pin_default, puk_default, admin_default;
    enum ukey_admin_alg admin_alg; /* 0: not told */
};

struct ukey;

struct ukey_ops {
    const char *name;
    /* Is there a token of this dialect? Selects it. ERR_NOT_FOUND: no. */
    enum err (*select)(struct ukey *u, struct fault *f);
    enum err (*info)(struct ukey *u, struct ukey_info *out, struct fault *f);
    /* ERR_CARD_REFUSED: not this key. Costs no tries. */
    enum err (*admin_auth)(struct ukey *u, const struct ukey_admin_key *key, struct fault *f);
    /* *left (may be NULL): tries left after a wrong one, -1 when not told. */
    enum err (*verify_pin)(struct ukey *u, const char *pin, int *left, struct fault *f);
    enum err (*change_pin)(struct ukey *u, const char *old, const char *new_pin, int *left, struct fault *f);
    enum err (*change_puk)(struct ukey *u, const char *old, const char *new_puk, int *left, struct fault *f);
    enum err (*unblock)(struct ukey *u, const char *puk, const char *new_pin, int *left, struct fault *f);
    enum err (*logout)(struct ukey *u, struct fault *f);
    /* Destroys what the slot held. ERR_UNIMPLEMENTED: not this algorithm. */
    enum err (*gen_key)(struct ukey *u, enum ukey_slot slot, enum ukey_alg alg, struct ukey_pub *out,
                        struct fault *f);
    enum err (*get_pub)(struct ukey *u, enum ukey_slot slot, struct ukey_pub *out, struct fault *f);
    /* DER (r, s) over a digest of 32 bytes; the PIN must have been verified just before. */
    enum err (*sign)(struct ukey *u, enum ukey_slot slot, enum ukey_alg alg,
                     const uint8_t digest[UKEY_DIGEST], uint8_t sig[UKEY_SIG_MAX], size_t *n,
                     struct fault *f);
    /* ERR_INVALID before the first byte when der is longer than UKEY_CERT_MAX. */
    enum err (*write_cert)(struct ukey *u, enum ukey_slot slot, const uint8_t *der, size_t n,
                           struct fault *f);
    /* What the token gives, which after a cut write may be rubbish: *n bytes (0: none there) of at most cap.
     */
    enum err (*read_cert)(struct ukey *u, enum ukey_slot slot, uint8_t *der, size_t cap, size_t *n,
                          struct fault *f);
    enum err (*set_admin_key)(struct ukey *u, const struct ukey_admin_key *key, struct fault *f);
    /* Gives the token an identity of its own (CHUID). */
    enum err (*write_guid)(struct ukey *u, const uint8_t guid[UKEY_GUID], struct fault *f);
};

struct ukey {
    const struct ukey_ops *ops;
    struct channel *ch; /* borrowed */
};

/* Bytes of a management key, 0 for an unknown algorithm. */
size_t ukey_admin_len(enum ukey_admin_alg alg);

#endif
