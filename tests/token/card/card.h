/* card.h - a simulated PIV token (SP 800-73-4 with the usual vendor commands), for tests and the demo.
 *
 * Bytes in, bytes out: card_apdu() executes one command APDU. What a real token keeps in flash lives in a
 * state file that is replaced atomically before the answer is given, so taking the card away at any moment
 * leaves what a real token would have. Two styles behave as two different makers' tokens do where the
 * standard leaves room; a driver must survive both:
 *
 *                                       style a            style b
 *   an answer to a command without Le   data               61xx, fetched by GET RESPONSE
 *   management key at the factory       3DES               AES-192
 *   CHUID at the factory                random GUID        none (6A82)
 *   certificate after GENERATE          none               self-made, bare DER in 53 without tag 70
 *   SM2 (algorithm 54)                  yes                no
 *   biggest object                      3000               2048
 *   a write that is cut or too big      old object lost    old object kept, next command 6883
 *   PIN after a reset                   gone               verified until SELECT
 *   state query of a blocked PIN        63C0               6983
 *   48-byte digest on P-256             6700               cut to 32 and signed
 *   set retries (FA)                    6D00               yes
 *
 * Not simulated: attestation (F9), import of keys (FE), RSA.
 */
#ifndef CERTDESK_TESTS_CARD_H
#define CERTDESK_TESTS_CARD_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CARD_OBJECTS = 24,
    CARD_OBJECT_MAX = 3000,
    CARD_KEYS = 8,
    CARD_RX_MAX = 4096, /* body of one command, all parts of a chain */
    CARD_TX_MAX = 4096, /* answer with its status word */
    CARD_SECRET_MAX = 32,
    ALG_3DES = 0x03,
    ALG_AES128 = 0x08,
    ALG_AES192 = 0x0A,
    ALG_AES256 = 0x0C,
    ALG_P256 = 0x11,
    ALG_SM2 = 0x54,
};

struct card_style {
    bool answers_61, chuid, self_cert, sm2, write_through, pin_survives_reset, blocked_63c0, cuts_digest,
        retries_settable;
    uint8_t admin_alg;
    size_t max_object;
};

struct card_secret { /* PIN or PUK */
    uint8_t value[8];
    uint8_t left, max;
    bool is_default;
};

struct card_object {
    uint32_t tag; /* 0: free */
    size_t n;
    uint8_t data[CARD_OBJECT_MAX];
};

struct card_key {
    uint8_t slot, alg, pin_policy; /* slot 0: free; policy 1 never, 2 once, 3 always */
    EVP_PKEY *pkey;
};

/* Options that are not a style: what a particular model lacks or insists on. */
struct card_options {
    bool no_metadata; /* F7 answers 6D00 */
    bool no_serial;   /* F8 answers 6D00 */
    bool exact_le;    /* Le 00 that asks too much is answered 6Cxx */
};

struct card {
    char style_name; /* 'a' or 'b' */
    struct card_style style;
    struct card_options options;
    const char *path; /* state file, owned by the caller; NULL: nothing is kept */

    /* what survives */
    uint32_t serial;
    struct card_secret pin, puk;
    uint8_t admin_alg, admin_key[CARD_SECRET_MAX];
    size_t admin_n;
    bool admin_default;
    struct card_object objects[CARD_OBJECTS];
    struct card_key keys[CARD_KEYS];

    /* what a reset clears */
    bool selected, pin_ok, pin_fresh, admin_ok;
    uint8_t challenge[16]; /* witness (as sent in clear) or challenge */
    size_t challenge_n;
    bool challenge_is_witness;
    uint8_t chain_head[4], chain[CARD_RX_MAX];
    size_t chain_n;
    bool chaining, chain_cut;
    uint8_t answer[CARD_TX_MAX]; /* being fetched */
    size_t answer_n, answer_at;
    uint8_t repeat[300]; /* the command that was told 6Cxx */
    size_t repeat_n;
};

/* Loads the card from `path`, or makes a factory-new one (style 'a' or 'b', given serial) when the file does
 * not exist. false: the file is not a card, or cannot be written. The style of an existing file wins. */
bool card_open(struct card *c, const char *path, char style, uint32_t serial);
void card_close(struct card *c);

/* Reset or power-up. */
void card_reset(struct card *c);

/* Executes a command; out gets at most CARD_TX_MAX + 2 bytes, returns their number (2 or more). */
size_t card_apdu(struct card *c, const uint8_t *in, size_t n, uint8_t out[static CARD_TX_MAX + 2]);

/* ---- for the other files of the simulator ---- */

bool card_save(const struct card *c);
void card_factory(struct card *c, char style, uint32_t serial);
void card_set_style(struct card *c, char style);

struct card_object *card_object(struct card *c, uint32_t tag, bool create);
struct card_key *card_key(struct card *c, uint8_t slot, bool create);

/* A fresh key pair; NULL when the algorithm is unknown. Uncompressed point; raw signature over a digest. */
EVP_PKEY *card_keygen(uint8_t alg);
bool card_point(EVP_PKEY *k, uint8_t out[static 65]);
size_t card_sign(EVP_PKEY *k, const uint8_t *digest, size_t n, uint8_t out[static 80]); /* 0: failed */
/* A self-made certificate for the key; its length, 0 when it failed. */
size_t card_self_cert(EVP_PKEY *k, uint8_t *out, size_t cap);
/* Block size of a management key algorithm, 0 when unknown; its key length. */
size_t card_block(uint8_t alg);
size_t card_admin_len(uint8_t alg);
/* One block in ECB. */
bool card_cipher(uint8_t alg, const uint8_t *key, bool encrypt, const uint8_t *in, uint8_t *out);

/* ---- commands, by instruction; they return the status word and fill c->answer ---- */

struct card_cmd {
    uint8_t cla, ins, p1, p2;
    const uint8_t *body;
    size_t n;
};
uint16_t card_do_verify(struct card *c, const struct card_cmd *cmd);
uint16_t card_do_change(struct card *c, const struct card_cmd *cmd);
uint16_t card_do_unblock(struct card *c, const struct card_cmd *cmd);
uint16_t card_do_retries(struct card *c, const struct card_cmd *cmd);
uint16_t card_do_factory(struct card *c, const struct card_cmd *cmd);
uint16_t card_do_admin_key(struct card *c, const struct card_cmd *cmd);
uint16_t card_do_auth(struct card *c, const struct card_cmd *cmd);
uint16_t card_do_generate(struct card *c, const struct card_cmd *cmd);
uint16_t card_do_metadata(struct card *c, const struct card_cmd *cmd);
uint16_t card_do_get(struct card *c, const struct card_cmd *cmd);
uint16_t card_do_put(struct card *c, const struct card_cmd *cmd);
/* A part of a chained PUT DATA has arrived (style a writes through). */
uint16_t card_put_part(struct card *c);

/* Value of the first element with this tag (one or two bytes), NULL when absent or damaged. */
const uint8_t *tlv_get(const uint8_t *p, size_t n, uint16_t tag, size_t *len);
/* Appends to the answer. */
void answer_add(struct card *c, const void *p, size_t n);
void answer_tlv(struct card *c, uint16_t tag, const void *p, size_t n);

#endif
