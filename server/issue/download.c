/* The certificate on the holder's own machine (S25): to a UKEY there, or to the key service of a cloud
 * certificate. The same intent and signature as at the desk; what differs is who makes the key, and that
 * nothing has to be brought back: when the certificate is stored, the order is finished. */
#include "issue/issue.h"

#include "core/audit.h"
#include "issue/issue_store.h"
#include "order/order_tell.h"
#include "pki/csr.h"

#include <string.h>

enum {
    STEP_BEGUN = 1,
    STEP_FINISHED = 11,
    NUMBER_MAX = 64
};

bool medium_number_ok(const char *s)
{
    static const char ok[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
    size_t n = strlen(s);
    return n > 0 && n <= NUMBER_MAX && strspn(s, ok) == n;
}

/* -- the medium -------------------------------------------------------------------------------------------
 */

static void medium_fault(struct ctx *c, const char *reason, const char *en, const char *zh)
{
    fault_field(c->fault, "medium_number", reason, en, zh);
}

static enum err check_medium(struct ctx *c, const struct order *o, const char *number)
{
    if (o->medium == MEDIUM_CLOUD && *number)
        medium_fault(c, "FORMAT", "a cloud certificate has no medium number", "云证书没有介质号");
    if (o->medium == MEDIUM_UKEY && !*number)
        medium_fault(c, "REQUIRED", "say which UKEY the key is on", "请提供UKEY介质号");
    else if (o->medium == MEDIUM_UKEY && !medium_number_ok(number))
        medium_fault(c, "FORMAT", "a medium number has 1 to 64 letters, digits or -", "介质号格式有误");
    return fault_fields(c->fault);
}

/* What lies in the desk's stock is nobody's; what was posted belongs to whom it was posted to. */
static enum err not_of_the_desk(struct ctx *c, const char *number)
{
    struct token t;
    struct order posted;
    enum err e = stock_token(c, number, &t);
    if (e == OK && t.state == TOKEN_POSTED)
        e = order_load(c, t.order, &posted); /* NOT_FOUND: another account's */
    else if (e == OK)
        e = ERR_NOT_FOUND;
    else if (e == ERR_NOT_FOUND) {
        fault_clear(c->fault);
        return OK;
    }
    if (e == ERR_NOT_FOUND) {
        fault_clear(c->fault);
        medium_fault(c, "CONFLICT", "this UKEY is one of the desk's, and was not posted to you",
                     "该介质属于受理点，不能用于自行下载");
        return fault_fields(c->fault);
    }
    return e;
}

/* Whose it is, or whose order it is wanted for, is not said. */
static enum err not_of_others(struct ctx *c, const struct order *o, const char *number)
{
    bool foreign, busy;
    TRY(certificate_medium_of_others(c, number, o->account, &foreign));
    if (foreign) {
        medium_fault(c, "CONFLICT", "this UKEY is in use elsewhere", "该介质已被使用，请更换UKEY");
        return fault_fields(c->fault);
    }
    TRY(personalisation_of_medium(c, number, &busy));
    if (busy)
        medium_fault(c, "BUSY", "another order is being written to this UKEY; finish that first",
                     "该介质正在下载另一订单的证书，请先完成");
    return fault_fields(c->fault);
}

static enum err medium_free(struct ctx *c, const struct order *o, const char *number)
{
    if (o->medium != MEDIUM_UKEY)
        return OK;
    TRY(not_of_the_desk(c, number));
    return not_of_others(c, o, number);
}

/* -- the key ----------------------------------------------------------------------------------------------
 */

/* A request that was made before: only for the same key, and on the same medium. */
static enum err same_request(struct ctx *c, const struct issuance *live, const struct pki_csr *csr,
                             const char *number)
{
    struct personalisation p;
    if (memcmp(live->spki_digest, csr->spki_sha256, 32) != 0)
        return fail_both(c->fault, ERR_PRECONDITION,
                         "the order's certificate is for another key; go on with that one",
                         "该订单的证书已对应另一密钥，请使用原UKEY（原密钥）继续下载");
    TRY(personalisation_by_id(c, live->personalisation, &p));
    if (strcmp(p.medium_number, number) != 0)
        medium_fault(c, "MISMATCH", "the download was begun with another UKEY",
                     "该订单已使用另一介质开始下载");
    return fault_fields(c->fault);
}

/* -- the verbs --------------------------------------------------------------------------------------------
 */

static enum err begin(struct ctx *c, const struct order *o, const char *number, const struct pki_csr *csr,
                      struct personalisation *p)
{
    *p = (struct personalisation){.copy = 1,
                                  .medium_number = number,
                                  .algorithm = csr->alg == PKI_SM2 ? KEY_SM2 : KEY_P256,
                                  .step = STEP_BEGUN,
                                  .by_holder = true};
    id_new("per", p->id);
    memcpy(p->order, o->id, ID_SIZE);
    enum err e = personalisation_insert(c, p);
    return e == ERR_DB_DUPLICATE ? fail(c->fault, ERR_DB_RETRY, NULL) : e; /* begun at this moment: look */
}

enum err issue_download_prepare(struct ctx *c, const char *order_id, const char *number, const void *der,
                                size_t n)
{
    struct order o;
    struct pki_csr csr;
    struct issuance live;
    struct personalisation p;
    int to;
    TRY(order_load(c, order_id, &o));
    bool again = o.state == ORDER_FINISHED && o.delivery == DELIVERY_DOWNLOAD;
    if (!again)
        TRY(order_next(&o, EV_DOWNLOADED, &to, c->fault));
    TRY(check_medium(c, &o, number));
    TRY(pki_csr_parse((struct pki_der){der, n}, 1u << PKI_SM2 | 1u << PKI_P256, c->arena, &csr, c->fault));
    enum err e = issuance_live(c, o.id, 1, &live);
    if (e == OK)
        return same_request(c, &live, &csr, number);
    if (e != ERR_NOT_FOUND)
        return e;
    fault_clear(c->fault);
    TRY(issue_key_new(c, &csr));
    TRY(medium_free(c, &o, number));
    TRY(begin(c, &o, number, &csr, &p));
    return issue_prepare(c, p.id, der, n);
}

static enum err tell(struct ctx *c, const struct order *o, const struct certificate *cert)
{
    const char *params[] = {o->id, cert->serial_hex};
    return order_tell(c, o, NEWS_DOWNLOADED, params, &params[1],
                      arena_printf(c->arena, "downloaded:%s", o->id));
}

/* The order moves before anything is signed: who gives it up at this moment is first, or too late. */
static enum err sign(struct ctx *c, struct order *o, struct certificate *out)
{
    struct personalisation p;
    int to;
    TRY(order_next(o, EV_DOWNLOADED, &to, c->fault));
    TRY(personalisation_in_work(c, o->id, &p));
    enum err e =
        order_move(c, o, EV_DOWNLOADED, NULL, arena_printf(c->arena, "{\"personalisation\":\"%s\"}", p.id));
    if (e == ERR_CONFLICT)
        return fail(c->fault, ERR_DB_RETRY, NULL);
    TRY(e);
    TRY(issue_sign(c, p.id, out));
    TRY(personalisation_advance(c, &p, STEP_FINISHED, "", 0));
    TRY(personalisation_end(c, &p, false));
    return tell(c, o, out);
}

enum err issue_download(struct ctx *c, const char *order_id, struct certificate *out)
{
    struct order o;
    struct issuance live;
    TRY(order_load(c, order_id, &o));
    enum err e = issuance_live(c, o.id, 1, &live);
    if (e == OK)
        e = certificate_by_serial(c, live.serial, out);
    if (e == OK && out->revoked_ms)
        return fail(c->fault, ERR_CERTIFICATE_ENDED, NULL);
    if (e != ERR_NOT_FOUND)
        return e;
    fault_clear(c->fault);
    if (o.state == ORDER_FINISHED) /* there was one */
        return fail(c->fault, ERR_CERTIFICATE_ENDED, NULL);
    return sign(c, &o, out);
}
