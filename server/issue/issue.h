/* issue.h - UKEYs and their certificates for an approved order (S19, S28): the server's side of the saga.
 *
 * An order for several has copies 1 to its quantity, written one after another; each has a personalisation,
 * an issuance and a certificate of its own.
 *
 * begin ties a token of the stock to an order and makes its secrets; prepare stores the intent; sign turns
 * the stored intent into the copy's one certificate; finish believes what was read back. Each repeats safely.
 * Boulder's order: serial, lint and intent are committed before anything is signed (dispatch runs prepare in
 * a transaction of its own).
 */
#ifndef CERTDESK_ISSUE_ISSUE_H
#define CERTDESK_ISSUE_ISSUE_H

#include "certificate/certificate.h"
#include "core/ctx.h"
#include "order/order.h"

enum token_state {
    TOKEN_BLANK = 1,
    TOKEN_PERSONALISING,
    TOKEN_WRITTEN,
    TOKEN_POSTED,
    TOKEN_QUARANTINED,
};

enum key_algorithm { /* numbers of proto KeyAlgorithm */
    KEY_SM2 = 1,
    KEY_P256,
};

enum {
    MANAGEMENT_KEY_BYTES = 24,
    PIN_DIGITS = 8,
    PUK_DIGITS = 8
};

struct secrets {
    unsigned char management_key[MANAGEMENT_KEY_BYTES];
    char puk[PUK_DIGITS + 1], pin[PIN_DIGITS + 1];
};

struct personalisation {
    char id[ID_SIZE], order[ID_SIZE];
    int copy; /* which of the order's UKEYs, from 1 */
    const char *medium_number;
    enum key_algorithm algorithm;
    int step; /* proto PersonalisationStep: the last one done */
    struct secrets secrets;
    const void *detail; /* what the last recorded step left */
    size_t detail_n;
    int64_t version;
    bool in_work;
    bool by_holder; /* a download (S25): there are no secrets, and the desk has no part in it */
};

struct token {
    const char *medium_number, *model, *order, *reason;
    enum token_state state;
    int64_t version, updated_ms;
};

/* For the first copy that is not written yet. PRECONDITION when another token was begun for this order, the
 * token is not blank, or a holder is downloading to it; NOT_FOUND when it is not in stock. algorithms: what
 * the token can do, best first.
 */
enum err issue_begin(struct ctx *c, const char *order_id, const char *medium_number,
                     const enum key_algorithm *algorithms, size_t n, struct personalisation *out);
/* Steps go forward; a step that was recorded before is OK. detail holds no secrets. */
enum err issue_record(struct ctx *c, const char *id, int step, const void *detail, size_t n);
/* CSR_BAD; PRECONDITION when the copy's certificate is for another key, or the key has one already. */
enum err issue_prepare(struct ctx *c, const char *id, const void *csr, size_t n);
enum err issue_sign(struct ctx *c, const char *id, struct certificate *out);
/* certificate: as read from the token; signature over "certdesk personalisation <id>" by the token's key.
 * Then the PIN goes to the holder (S6), and the order, when this was its last copy, is to be posted. */
enum err issue_finish(struct ctx *c, const char *id, const void *certificate, size_t n, const void *signature,
                      size_t signature_n, struct order *out);
/* The token is put aside; a certificate made for it is revoked; the copy waits for another token. */
enum err issue_quarantine(struct ctx *c, const char *id, const char *reason, struct order *out);
/* PRECONDITION when the holder downloads: the desk has no part in that one. */
enum err issue_of_desk(struct ctx *c, const struct personalisation *p);
enum err issue_load(struct ctx *c, const char *id, struct personalisation *out);
/* The certificate of this personalisation, NOT_FOUND before it was signed or after its token was put aside.
 */
enum err issue_found(struct ctx *c, const char *id, struct certificate *out);

/* The order is given up: an intent that was not signed will not be, and the holder's UKEY is free for
 * another; what the desk wrote is revoked and put aside. PRECONDITION while the desk has a token in work. */
enum err issue_given_up(struct ctx *c, const char *order_id);

/* Whether a token is in work for the order, and whether the certificate for it was issued. */
enum err issue_progress(struct ctx *c, const char *order_id, bool *in_work, bool *issued);

/* -- the holder's own download (S25) ---- */

/* The intent, for the key in the request and, of a UKEY, the medium that it is on. ORDER_STATE; INVALID with
 * medium_number: none or one too many, one of the desk's that was not posted to this account, one with
 * another account's certificate, another than at first. CSR_BAD; PRECONDITION when the order's certificate is
 * for another key; KEY_USED when the key has another certificate. */
enum err issue_download_prepare(struct ctx *c, const char *order_id, const char *medium_number,
                                const void *csr, size_t n);
/* The one certificate of the prepared order, which is FINISHED with it; later the same again. */
enum err issue_download(struct ctx *c, const char *order_id, struct certificate *out);
/* 1 to 64 letters, digits or -. */
bool medium_number_ok(const char *s);

struct issue_item {
    const char *order_id, *medium_number;
    int64_t approved_ms, submitted_ms;
    int written; /* copies that are done */
};
/* Approved orders, oldest first, after that one. */
enum err issue_queue(struct ctx *c, int64_t after_ms, const char *after_id, int limit,
                     struct issue_item **out, size_t *n, int64_t *total);

/* Stock. known: those that were there already. */
enum err stock_register(struct ctx *c, char *const *numbers, size_t n, const char *model, const char ***known,
                        size_t *n_known);
enum err stock_token(struct ctx *c, const char *medium_number, struct token *out);
enum err stock_list(struct ctx *c, int state, const char *after, int limit, struct token **out, size_t *n);
/* Compare-and-set on version. */
enum err stock_move(struct ctx *c, const struct token *t, enum token_state to, const char *order,
                    const char *reason);

#endif
