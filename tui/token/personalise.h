/* personalise.h - writing a UKEY: a saga with a journal (S19, S28).
 *
 * personalise_run() takes a token from where the journal says it is to FINISHED, one step at a time. After
 * every step `journal` must have returned OK before the next one begins; the journal lives at the server.
 * Whatever happens in between (the token is pulled, hangs, loses an answer; this process, the console or the
 * server dies), the saga is run again with what the journal holds and a new channel. It reads the token and
 * goes on at the right place. What it promises:
 *
 *   - A slot that held a certificate when the saga began is never generated over.
 *   - A key is made anew only while no request for the slot's key was ever sent: until KEY_GENERATED is
 *     journalled the key in the slot is nobody's. From then on this journal stands for that key alone, so
 *     `issue` may be called again for the same key, and must then answer with the same certificate, but never
 *     for another one. When the key is not there any more the saga says ERR_CARD_DOUBTFUL: the token is
 *     quarantined and the server begins a new journal with another token.
 *   - Nothing is believed that was not read back: the certificate is compared byte for byte, its key must be
 *     the slot's by a signature, the management key must authenticate after it was set.
 *   - No PIN, PUK or key is logged or handed to anything but the token. Tries are counted before a guess: a
 *     secret that may or may not have been changed is asked for only while at least two tries are left.
 *
 * ERR_CARD_DOUBTFUL: put the token aside (or, when the sentence says that it hangs, plug it in again and
 * resume). ERR_CARD_GONE: resume when it is back. ERR_PRECONDITION: nothing was changed. It blocks, for
 * seconds while a key is made: run it in a thread of its own.
 */
#ifndef CERTDESK_TOKEN_PERSONALISE_H
#define CERTDESK_TOKEN_PERSONALISE_H

#include "token/ukey.h"

/* X(name, number, English, Chinese). Numbers are those of certdesk.v1.PersonalisationStep. The sentence says
 * what is done on the way to the step. */
#define PERSONALISE_STEPS(X)                                                                                 \
    X(BEGUN, 1, "beginning", "开始")                                                                         \
    X(IDENTIFIED, 2, "reading the UKEY", "读取 UKEY")                                                        \
    X(ADMIN_AUTHENTICATED, 3, "checking the management key", "验证管理密钥")                                 \
    X(PIN_SET, 4, "setting the PIN", "设置证书密码")                                                         \
    X(PUK_SET, 5, "setting the PUK", "设置解锁码")                                                           \
    X(KEY_GENERATED, 6, "making the key", "生成密钥")                                                        \
    X(ISSUED, 7, "asking for the certificate", "申请证书")                                                   \
    X(CERTIFICATE_WRITTEN, 8, "writing the certificate", "写入证书")                                         \
    X(READ_BACK, 9, "reading back and signing", "回读并试签")                                                \
    X(ADMIN_KEY_SET, 10, "replacing the management key", "更换管理密钥")                                     \
    X(FINISHED, 11, "finishing", "完成")

enum personalise_step {
    PERSONALISE_NONE = 0,
#define X(name, number, en, zh) PERSONALISE_##name = (number),
    PERSONALISE_STEPS(X)
#undef X
};

/* "KEY_GENERATED"; "" for a number that is none. */
const char *personalise_step_name(enum personalise_step s);
const char *personalise_step_text(enum personalise_step s);
const char *personalise_step_text_zh(enum personalise_step s);

/* What the journal holds about one token. All zero: a new saga. No secrets. */
struct personalise_record {
    enum personalise_step step; /* the last one that is done */
    bool has_serial, has_guid;
    uint32_t serial;
    uint8_t guid[UKEY_GUID];
    struct ukey_pub pub;         /* from KEY_GENERATED on; alg 0: not known */
    uint8_t cert[UKEY_CERT_MAX]; /* from ISSUED on */
    size_t cert_n;
};

/* The part of a record that is neither step nor certificate, as bytes for RecordStepRequest.detail. */
enum {
    PERSONALISE_DETAIL_MAX = 128,
};
size_t personalise_detail(const struct personalise_record *r, uint8_t out[static PERSONALISE_DETAIL_MAX]);
/* Puts it back into a record; false: not such bytes. */
bool personalise_detail_read(struct personalise_record *r, const uint8_t *p, size_t n);

/* Secrets of one token. admin.alg 0: the algorithm that the token has now (3DES or AES-192, 24 bytes). */
struct personalise_secrets {
    struct ukey_admin_key admin;
    char pin[UKEY_SECRET_MAX + 1], puk[UKEY_SECRET_MAX + 1];
};
/* Those of a token as it comes from its maker. */
void personalise_factory_secrets(struct personalise_secrets *out);

struct personalise_plan {
    enum ukey_slot slot;
    enum ukey_alg alg;
    enum ukey_alg otherwise; /* when the token cannot make `alg`; 0: then it fails with ERR_UNIMPLEMENTED */
    const char *common_name; /* of the request; not empty */
    const char *proof_text;  /* what the token signs to prove its key, e.g. the journal's id */
    struct personalise_secrets old, fresh;
    /* The token is its holder's (download.h): PIN, PUK and management key are `fresh` already and stay; the
     * steps that would set them are passed over. */
    bool as_it_is;
    void *arg;
    /* Stores the record. Not OK: the saga stops here, to be resumed. */
    enum err (*journal)(void *arg, const struct personalise_record *r, struct fault *f);
    /* The certificate for the key in the request, DER. Again with the same key: the same certificate. */
    enum err (*issue)(void *arg, const uint8_t *csr, size_t n, uint8_t cert[UKEY_CERT_MAX], size_t *cert_n,
                      struct fault *f);
    /* The certificate as the token gives it and its signature over proof_text; the last step is done when
     * this returns OK. May be NULL. */
    enum err (*finish)(void *arg, const uint8_t *cert, size_t cert_n, const uint8_t *sig, size_t sig_n,
                       struct fault *f);
    /* Told before each step that it begins; from the saga's thread. May be NULL. */
    void (*progress)(void *arg, enum personalise_step next);
};

/* Runs the saga on the token behind the channel (its transaction is not open). `r` holds the journal and is
 * brought up to date with every step that was journalled. */
enum err personalise_run(struct channel *ch, const struct personalise_plan *plan,
                         struct personalise_record *r, struct fault *f);

/* Serial and GUID of the token in the reader, for finding its journal. */
enum err personalise_identify(struct channel *ch, struct ukey_info *out, struct fault *f);

/* The medium number of a token (S4, S28): its serial in decimal or, for tokens without one, its GUID in hex.
 * ERR_PRECONDITION: it has neither. */
enum {
    MEDIUM_NUMBER_SIZE = 2 * UKEY_GUID + 1,
};
enum err personalise_medium_number(const struct ukey_info *info, char out[static MEDIUM_NUMBER_SIZE],
                                   struct fault *f);

#endif
