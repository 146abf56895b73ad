/* Tying a token to an order, and letting go of it. Signing is in issue_sign.c. */
#include "issue/issue.h"

#include "convert/reason.h"
#include "core/audit.h"
#include "core/crypt.h"
#include "identity/remittance.h"
#include "issue/issue_store.h"
#include "notice/notice.h"
#include "pki/cert.h"
#include "pki/key.h"

#include <stdio.h>
#include <string.h>

enum {
    STEP_BEGUN = 1,
    STEP_FINISHED = 11,
    DETAIL_MAX = 4096
};

static enum err other_token(struct ctx *c, const char *have)
{
    enum err e =
        fail(c->fault, ERR_PRECONDITION, "UKEY %s was begun for this order; put it aside first", have);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "该订单已使用介质 %s 开始制证，请先隔离该介质",
             have);
    return e;
}

enum err issue_of_desk(struct ctx *c, const struct personalisation *p)
{
    return p->by_holder ? fail_both(c->fault, ERR_PRECONDITION, "the holder downloads this certificate",
                                    "该证书由用户自行下载")
                        : OK;
}

/* A holder may be downloading to what was registered as blank meanwhile; whose order it is, is not said. */
static enum err not_in_work(struct ctx *c, const char *medium_number)
{
    bool busy;
    TRY(personalisation_of_medium(c, medium_number, &busy));
    if (!busy)
        return OK;
    enum err e =
        fail(c->fault, ERR_PRECONDITION,
             "another order's certificate is being written to UKEY %s; take another one", medium_number);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "介质 %s 正在下载另一订单的证书，请更换介质",
             medium_number);
    return e;
}

static enum err new_personalisation(struct ctx *c, struct order *o, const struct token *t,
                                    enum key_algorithm alg, struct personalisation *out)
{
    int written;
    TRY(personalisations_written(c, o->id, &written));
    *out = (struct personalisation){.copy = written + 1,
                                    .medium_number = t->medium_number,
                                    .algorithm = alg,
                                    .step = STEP_BEGUN,
                                    .version = 1,
                                    .in_work = true};
    id_new("per", out->id);
    memcpy(out->order, o->id, ID_SIZE);
    random_bytes(out->secrets.management_key, sizeof out->secrets.management_key);
    crypt_digits(out->secrets.pin, PIN_DIGITS);
    crypt_digits(out->secrets.puk, PUK_DIGITS);
    enum err e = personalisation_insert(c, out);
    if (e == ERR_DB_DUPLICATE) /* somebody began at the same moment: look again */
        return fail(c->fault, ERR_DB_RETRY, NULL);
    TRY(e);
    TRY(stock_move(c, t, TOKEN_PERSONALISING, o->id, ""));
    return order_move(c, o, EV_PERSONALISATION_BEGUN, NULL,
                      arena_printf(c->arena, "{\"personalisation\":\"%s\",\"copy\":%d}", out->id, out->copy));
}

static enum err choose(struct ctx *c, const enum key_algorithm *algorithms, size_t n, enum key_algorithm *out)
{
    for (size_t i = 0; i < n; i++)
        if (algorithms[i] == KEY_SM2 || algorithms[i] == KEY_P256) {
            *out = algorithms[i];
            return OK;
        }
    fault_field(c->fault, "algorithms", "REQUIRED", "the token has none of SM2 and P-256",
                "该介质不支持SM2或P-256");
    return fault_fields(c->fault);
}

static enum err not_blank(struct ctx *c, const struct order *o, const struct token *t)
{
    bool own = t->state == TOKEN_WRITTEN && strcmp(t->order, o->id) == 0;
    enum err e =
        fail(c->fault, ERR_PRECONDITION,
             own ? "UKEY %s of this order is written already; insert the next one" : "UKEY %s is not blank",
             t->medium_number);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh,
             own ? "该订单的介质 %s 已写好，请插入下一个介质" : "介质 %s 不是空白介质", t->medium_number);
    return e;
}

enum err issue_begin(struct ctx *c, const char *order_id, const char *medium_number,
                     const enum key_algorithm *algorithms, size_t n, struct personalisation *out)
{
    struct order o;
    struct token t;
    enum key_algorithm alg = KEY_P256;
    TRY(order_load(c, order_id, &o));
    enum err e = personalisation_in_work(c, o.id, out);
    if (e == OK)
        TRY(issue_of_desk(c, out));
    if (e == OK)
        return strcmp(out->medium_number, medium_number) == 0 ? OK : other_token(c, out->medium_number);
    if (e != ERR_NOT_FOUND)
        return e;
    fault_clear(c->fault);
    TRY(choose(c, algorithms, n, &alg));
    TRY(stock_token(c, medium_number, &t));
    if (t.state != TOKEN_BLANK)
        return not_blank(c, &o, &t);
    TRY(not_in_work(c, t.medium_number));
    return new_personalisation(c, &o, &t, alg, out);
}

static enum err in_work(struct ctx *c, const char *id, struct personalisation *out)
{
    TRY(personalisation_by_id(c, id, out));
    if (!out->in_work)
        return fail_both(c->fault, ERR_PRECONDITION, "this personalisation has ended", "该次制证已结束");
    return issue_of_desk(c, out);
}

enum err issue_load(struct ctx *c, const char *id, struct personalisation *out)
{
    return personalisation_by_id(c, id, out);
}

enum err issue_found(struct ctx *c, const char *id, struct certificate *out)
{
    struct issuance i;
    TRY(issuance_of(c, id, &i));
    return certificate_by_serial(c, i.serial, out); /* there is none while it is an intent */
}

enum err issue_record(struct ctx *c, const char *id, int step, const void *detail, size_t n)
{
    struct personalisation p;
    TRY(in_work(c, id, &p));
    if (step <= STEP_BEGUN || step >= STEP_FINISHED)
        fault_field(c->fault, "step", "RANGE", "a step between BEGUN and FINISHED", "步骤无效");
    if (n > DETAIL_MAX)
        fault_field(c->fault, "detail", "LENGTH", "at most 4096 bytes", "步骤数据不超过4096字节");
    TRY(fault_fields(c->fault));
    if (step < p.step)
        return OK; /* a resumed saga passes its steps again */
    return personalisation_advance(c, &p, step, detail, n);
}

/* S6: by the way that the order's method fixes, once a personalisation. */
static enum err tell_pin(struct ctx *c, const struct order *o, const struct personalisation *p)
{
    bool by_remark;
    const char *remark = order_quantity(o) == 1 /* with several, it says which one it opens */
                             ? arena_printf(c->arena, "密码%s", p->secrets.pin)
                             : arena_printf(c->arena, "介质%s密码%s", p->medium_number, p->secrets.pin);
    TRY(deposit_pin(c, o, p->id, p->medium_number, remark, &by_remark));
    if (by_remark)
        return OK;
    const char *params[] = {p->medium_number, p->secrets.pin};
    return notice_sms(c, order_pin_phone(o), SMS_CERTIFICATE_PIN, params,
                      arena_printf(c->arena, "pin:%s", p->id), o->id);
}

enum err issue_finish(struct ctx *c, const char *id, const void *certificate, size_t n, const void *signature,
                      size_t signature_n, struct order *o)
{
    struct personalisation p;
    struct certificate cert;
    struct token t;
    TRY(personalisation_by_id(c, id, &p));
    TRY(order_load(c, p.order, o));
    if (!p.in_work && p.step == STEP_FINISHED)
        return OK; /* said twice */
    TRY(in_work(c, id, &p));
    TRY(issue_found(c, p.id, &cert));
    if (cert.der_n != n || memcmp(cert.der, certificate, n) != 0)
        return fail_both(c->fault, ERR_CARD_DOUBTFUL, "what was read from the UKEY is not its certificate",
                         "从UKEY读回的不是为它签发的证书，请隔离处理");
    const char *said = arena_printf(c->arena, "certdesk personalisation %s", p.id);
    struct pki_cert parsed;
    TRY(pki_cert_parse((struct pki_der){cert.der, cert.der_n}, c->arena, &parsed, c->fault));
    if (pki_verify_signature(parsed.spki, (struct pki_der){(const unsigned char *)said, strlen(said)},
                             (struct pki_der){signature, signature_n}, c->fault) != OK)
        return fail_both(c->fault, ERR_CARD_DOUBTFUL, "the UKEY does not sign with the certificate's key",
                         "UKEY的签名与证书不符，请隔离处理");
    TRY(stock_token(c, p.medium_number, &t));
    TRY(stock_move(c, &t, TOKEN_WRITTEN, o->id, ""));
    TRY(personalisation_advance(c, &p, STEP_FINISHED, "", 0));
    TRY(personalisation_end(c, &p, false));
    int written;
    TRY(personalisations_written(c, o->id, &written));
    TRY(order_move(c, o, written < order_quantity(o) ? EV_COPY_WRITTEN : EV_WRITTEN, NULL,
                   arena_printf(c->arena, "{\"certificate\":\"%s\",\"copy\":%d}", cert.id, p.copy)));
    return tell_pin(c, o, &p);
}

/* What was, or is about to be, made for a token that is put aside: dead, and revoked. */
static enum err undo_issuance(struct ctx *c, const struct personalisation *p)
{
    struct issuance live;
    struct certificate cert;
    enum err e = issuance_of(c, p->id, &live);
    if (e == OK) {
        TRY(issuance_set_state(c, &live, ISSUANCE_DEAD));
        e = certificate_by_serial(c, live.serial, &cert);
    }
    if (e == OK)
        return cert.revoked_ms ? OK : certificate_revoke(c, cert.id, "token put aside");
    if (e != ERR_NOT_FOUND)
        return e;
    fault_clear(c->fault);
    return OK;
}

enum err issue_quarantine(struct ctx *c, const char *id, const char *reason, struct order *o)
{
    struct personalisation p;
    struct token t;
    int written;
    reason_check(c->fault, "reason", reason);
    TRY(fault_fields(c->fault));
    TRY(in_work(c, id, &p));
    TRY(order_load(c, p.order, o));
    TRY(undo_issuance(c, &p));
    TRY(stock_token(c, p.medium_number, &t));
    TRY(stock_move(c, &t, TOKEN_QUARANTINED, o->id, reason));
    TRY(personalisation_end(c, &p, true));
    TRY(personalisations_written(c, o->id, &written));
    return order_move(c, o, written ? EV_COPY_DROPPED : EV_PERSONALISATION_DROPPED, NULL,
                      reason_detail(c->arena, "personalisation", p.id, reason));
}

static enum err let_go(struct ctx *c, const struct personalisation *p)
{
    struct token t;
    if (p->in_work && !p->by_holder) {
        enum err e = fail(c->fault, ERR_PRECONDITION, "UKEY %s is being written; put it aside first",
                          p->medium_number);
        snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "介质 %s 正在制证，请先隔离该介质",
                 p->medium_number);
        return e;
    }
    TRY(undo_issuance(c, p));
    TRY(personalisation_drop(c, p));
    if (p->by_holder)
        return OK;
    TRY(stock_token(c, p->medium_number, &t));
    return stock_move(c, &t, TOKEN_QUARANTINED, p->order, "order given up");
}

enum err issue_given_up(struct ctx *c, const char *order_id)
{
    const char **ids;
    size_t n;
    TRY(personalisations_kept(c, order_id, &ids, &n));
    for (size_t i = 0; i < n; i++) {
        struct personalisation p;
        TRY(personalisation_by_id(c, ids[i], &p));
        TRY(let_go(c, &p));
    }
    return OK;
}
