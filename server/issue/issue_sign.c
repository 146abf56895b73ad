/* The certificate: intent first, in a transaction of its own, then exactly that signed (design: Boulder's
 * order). */
#include "issue/issue.h"

#include "app.h"
#include "base/fi.h"
#include "catalog/catalog.h"
#include "config.h"
#include "core/audit.h"
#include "issue/issue_store.h"
#include "pki/ca.h"
#include "pki/cert.h"
#include "pki/csr.h"
#include "pki/issue.h"
#include "pki/profile.h"

#include <string.h>
#include <time.h>

static const struct pki_ca *ca_for(struct ctx *c, int alg)
{
    return alg == PKI_SM2 ? c->app->ca_sm2 : c->app->ca_p256;
}

static int pki_alg_of(enum key_algorithm a)
{
    return a == KEY_SM2 ? PKI_SM2 : PKI_P256;
}

/* The same day of the month, so many months later (the last one when that month is shorter). */
static int64_t months_later(int64_t ms, int months)
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    int day = tm.tm_mday;
    tm.tm_mday = 1;
    tm.tm_mon += months;
    time_t first = timegm(&tm);
    gmtime_r(&first, &tm);
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = tm.tm_year + 1900, last = days[tm.tm_mon];
    if (tm.tm_mon == 1 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0))
        last = 29;
    return ((int64_t)first + (day < last ? day - 1 : last - 1) * INT64_C(86400)) * 1000;
}

static enum err make_intent(struct ctx *c, const struct order *o, const struct pki_csr *csr,
                            struct issuance *out)
{
    struct channel ch;
    TRY(catalog_channel(c, o->channel, &ch));
    bool organization = o->subject_kind == SUBJECT_ORGANIZATION;
    const char *crl = config_text(c->app->config, CONFIG_CRL_URL);
    struct pki_policy policy = {.series = strcmp(ch.profile, "2012") == 0 ? PKI_SERIES_2012 : PKI_SERIES_2023,
                                .crl_url = *crl ? crl : NULL};
    struct pki_request r = {.profile =
                                pki_profile_for(organization ? PKI_ORGANIZATION : PKI_INDIVIDUAL, csr->alg),
                            .policy = &policy,
                            .subject = {.name = o->subject.name,
                                        .identity = organization ? o->subject.uscc : o->subject.id_number},
                            .spki = csr->spki,
                            .serial = pki_serial_new(),
                            .not_before_ms = c->now_ms,
                            .not_after_ms = months_later(c->now_ms, o->purchase.term_months) - 1000};
    struct pki_der intent;
    const struct pki_ca *ca = ca_for(c, (int)csr->alg);
    TRY(pki_ca_ops(ca)->prepare(ca, &r, c->arena, &intent, c->fault));
    out->serial = arena_strdup(c->arena, r.serial.hex);
    out->algorithm = (int)csr->alg;
    out->intent = intent.p;
    out->intent_n = intent.n;
    memcpy(out->spki_digest, csr->spki_sha256, 32);
    return OK;
}

/* The intent that is there must be for this key; a token that makes another key is doubtful. */
static enum err same_key(struct ctx *c, const struct issuance *live, const struct pki_csr *csr)
{
    if (memcmp(live->spki_digest, csr->spki_sha256, 32) == 0)
        return OK;
    return fail_both(c->fault, ERR_PRECONDITION,
                     "the order's certificate is for another key; put this UKEY aside",
                     "该订单的证书对应其他密钥，请隔离此UKEY");
}

/* Two certificates for one key would stand and fall together, and one of them would open with the other's
 * PIN. */
enum err issue_key_new(struct ctx *c, const struct pki_csr *csr)
{
    bool known;
    TRY(certificate_key_known(c, csr->spki_sha256, &known));
    if (!known)
        TRY(issuance_key_known(c, csr->spki_sha256, &known));
    return known ? fail(c->fault, ERR_KEY_USED, NULL) : OK;
}

/* Who gives the order up, or puts the UKEY aside, at this moment does not see what is made here, nor do we
 * see that: both write the order, so that one of the two begins again. Reading it, even locked, would let
 * through whoever looked before us and writes after us. */
static enum err hold_order(struct ctx *c, struct order *o)
{
    enum err e = order_store(c, o, "order.intent", NULL);
    return e == ERR_CONFLICT ? fail(c->fault, ERR_DB_RETRY, NULL) : e;
}

enum err issue_prepare(struct ctx *c, const char *id, const void *der, size_t n)
{
    struct personalisation p;
    struct order o;
    struct pki_csr csr;
    struct issuance live, made = {.state = ISSUANCE_INTENT};
    TRY(personalisation_by_id(c, id, &p));
    TRY(order_load(c, p.order, &o));
    /* The best algorithm may turn out at GENERATE only: a token that cannot make SM2 falls back to P-256. */
    unsigned allowed = 1u << pki_alg_of(p.algorithm) | 1u << PKI_P256;
    TRY(pki_csr_parse((struct pki_der){der, n}, allowed, c->arena, &csr, c->fault));
    enum err e = issuance_live(c, o.id, p.copy, &live);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    /* An answer that was lost is given again, even when the UKEY has been finished since. */
    if (e == OK && (p.in_work || strcmp(live.personalisation, p.id) == 0))
        return same_key(c, &live, &csr);
    if (!p.in_work)
        return fail_both(c->fault, ERR_PRECONDITION, "this personalisation has ended", "该次制证已结束");
    if (o.state != (p.by_holder ? ORDER_DOWNLOAD : ORDER_PERSONALISING))
        return order_refused(c->fault, &o);
    fault_clear(c->fault);
    TRY(issue_key_new(c, &csr));
    TRY(hold_order(c, &o));
    TRY(make_intent(c, &o, &csr, &made));
    TRY(issuance_attempts(c, o.id, &made.attempt));
    made.attempt++;
    made.copy = p.copy;
    memcpy(made.order, o.id, ID_SIZE);
    memcpy(made.personalisation, p.id, ID_SIZE);
    FI("issue.intent");
    TRY(serial_insert(c, made.serial, o.id));
    e = issuance_insert(c, &made);
    if (e == ERR_DB_DUPLICATE) /* the same call at the same moment made one: look again */
        return fail(c->fault, ERR_DB_RETRY, NULL);
    TRY(e);
    return audit_add(c, &(struct audit_entry){"issue.intent", o.id, 0,
                                              arena_printf(c->arena, "{\"serial\":\"%s\"}", made.serial)});
}

static enum err store_certificate(struct ctx *c, const struct order *o, const struct personalisation *p,
                                  const struct issuance *i, struct pki_der der, struct certificate *out)
{
    struct pki_cert parsed;
    TRY(pki_cert_parse(der, c->arena, &parsed, c->fault));
    *out = (struct certificate){.copy = i->copy,
                                .serial_hex = i->serial,
                                .subject_name = o->subject.name,
                                .medium_number = p->medium_number,
                                .subject_kind = o->subject_kind,
                                .medium = o->medium,
                                .algorithm = i->algorithm,
                                .der = der.p,
                                .der_n = der.n,
                                .not_before_ms = parsed.not_before_ms,
                                .not_after_ms = parsed.not_after_ms};
    id_new("crt", out->id);
    memcpy(out->order, o->id, ID_SIZE);
    memcpy(out->account, o->account, ID_SIZE);
    memcpy(out->channel, o->channel, ID_SIZE);
    memcpy(out->spki_digest, parsed.spki_sha256, 32);
    if (memcmp(parsed.spki_sha256, i->spki_digest, 32) != 0) /* I-6 */
        return fail(c->fault, ERR_LINT, "the certificate is not for the key of its intent");
    TRY(certificate_insert(c, out));
    FI("issue.stored");
    TRY(issuance_set_state(c, i, ISSUANCE_ISSUED));
    return audit_add(
        c, &(struct audit_entry){
               "issue.issued", o->id, 0,
               arena_printf(c->arena, "{\"certificate\":\"%s\",\"serial\":\"%s\"}", out->id, i->serial)});
}

enum err issue_sign(struct ctx *c, const char *id, struct certificate *out)
{
    struct personalisation p;
    struct order o;
    struct issuance i;
    struct pki_der der;
    TRY(personalisation_by_id(c, id, &p));
    TRY(order_load(c, p.order, &o));
    enum err e = issue_found(c, p.id, out);
    if (e != ERR_NOT_FOUND)
        return e; /* there is one: everybody gets that one */
    fault_clear(c->fault);
    if (!p.in_work) /* put aside since the intent was looked at */
        return fail_both(c->fault, ERR_PRECONDITION, "this personalisation has ended", "该次制证已结束");
    TRY(issuance_of(c, p.id, &i));
    const struct pki_ca *ca = ca_for(c, i.algorithm);
    TRY(pki_ca_ops(ca)->sign(ca, (struct pki_der){i.intent, i.intent_n}, c->arena, &der, c->fault));
    FI("issue.signed");
    e = store_certificate(c, &o, &p, &i, der, out);
    return e == ERR_DB_DUPLICATE || e == ERR_CONFLICT ? fail(c->fault, ERR_DB_RETRY, NULL) : e;
}
