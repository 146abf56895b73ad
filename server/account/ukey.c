#include "account/ukey.h"

#include "account/account_steps.h"
#include "account/allowance.h"
#include "account/ukey_store.h"
#include "base/clock.h"
#include "catalog/catalog.h"
#include "certificate/certificate.h"
#include "core/audit.h"
#include "notice/notice.h"
#include "pki/cert.h"

#include <stdio.h>
#include <string.h>

enum {
    CHALLENGE_LIFE_MS = 2 * 60 * 1000,
    NONCE_SIZE = 32,
    CHALLENGES_AN_HOUR = 300, /* an address; as many as captchas */
    HOUR_MS = 60 * 60 * 1000,
    SIGNATURE_MAX = 160, /* DER of two 32-byte integers is 72 at most */
};

static void copy_id(char out[static ID_SIZE], const char *s)
{
    snprintf(out, ID_SIZE, "%s", s);
}

/* -- challenges ---- */

static enum err make_challenge(struct ctx *c, enum challenge_purpose purpose, const char *channel,
                               const char *account, struct challenge *out)
{
    unsigned char nonce[NONCE_SIZE];
    char hex[2 * NONCE_SIZE + 1], time[CLOCK_TEXT_SIZE];
    *out = (struct challenge){.purpose = purpose, .expires_ms = c->now_ms + CHALLENGE_LIFE_MS};
    id_new("chg", out->id);
    copy_id(out->channel, channel);
    copy_id(out->account, account);
    random_bytes(nonce, sizeof nonce);
    hex_encode(nonce, sizeof nonce, hex);
    clock_rfc3339(c->now_ms, time);
    struct buf b = BUF(c->arena);
    buf_printf(&b, "certdesk %s\nchannel: %s\n", purpose == CHALLENGE_LOGIN ? "login" : "bind", out->channel);
    if (*out->account)
        buf_printf(&b, "account: %s\n", out->account);
    buf_printf(&b, "challenge: %s\ntime: %s\nnonce: %s\n", out->id, time, hex);
    out->text = buf_text(&b);
    return challenge_insert(c, out);
}

enum err ukey_login_challenge(struct ctx *c, const char *channel, struct challenge *out)
{
    struct channel ch;
    TRY(catalog_channel(c, channel, &ch));
    TRY(allowance_use(c, ALLOW_CHALLENGE, c->address, CHALLENGES_AN_HOUR, HOUR_MS));
    return make_challenge(c, CHALLENGE_LOGIN, ch.id, "", out);
}

enum err ukey_bind_challenge(struct ctx *c, struct challenge *out)
{
    return make_challenge(c, CHALLENGE_BIND, c->caller.channel, c->caller.id, out);
}

/* -- proof ---- */

static enum err check_fields(struct ctx *c, const struct ukey_proof *p, struct pki_cert *out)
{
    struct fault why;
    fault_clear(&why);
    if (!*p->challenge_id)
        fault_field(c->fault, "challenge_id", "REQUIRED", "get a challenge first", "请先获取签名挑战");
    if (!p->signature_n)
        fault_field(c->fault, "signature", "REQUIRED", "the UKEY's signature is needed", "缺少UKEY签名");
    else if (p->signature_n > SIGNATURE_MAX)
        fault_field(c->fault, "signature", "LENGTH", "this is no signature in DER", "签名格式有误");
    if (!p->certificate_n)
        fault_field(c->fault, "certificate_der", "REQUIRED", "the UKEY's certificate is needed",
                    "缺少UKEY证书");
    else if (pki_cert_parse((struct pki_der){p->certificate, p->certificate_n}, c->arena, out, &why) != OK)
        fault_field(c->fault, "certificate_der", "FORMAT", "this is no certificate in DER", "证书格式有误");
    return fault_fields(c->fault);
}

/* The certificate of a key that signed the challenge: one of ours in this channel, and in force. Whatever is
 * wrong, the challenge stays spent. */
static enum err prove(struct ctx *c, const struct ukey_proof *p, const struct pki_cert *shown,
                      const struct challenge *ch, struct certificate *out)
{
    struct pki_der text = {(const unsigned char *)ch->text, strlen(ch->text)};
    c->keep = true;
    if (pki_verify_signature(shown->spki, text, (struct pki_der){p->signature, p->signature_n}, c->fault) !=
        OK) {
        fault_clear(c->fault);
        return fail(c->fault, ERR_SIGNATURE_BAD, NULL);
    }
    enum err e = certificate_of_key(c, ch->channel, shown->spki_sha256, out);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    fault_clear(c->fault);
    if (e == ERR_NOT_FOUND || out->der_n != p->certificate_n ||
        memcmp(out->der, p->certificate, out->der_n) != 0)
        return fail(c->fault, ERR_UKEY_NOT_BOUND, NULL); /* not ours, so nobody's */
    if (out->revoked_ms || c->now_ms < out->not_before_ms || c->now_ms > out->not_after_ms)
        return fail(c->fault, ERR_CERTIFICATE_ENDED, NULL);
    c->keep = false;
    return OK;
}

/* -- login ---- */

enum err ukey_login(struct ctx *c, const struct ukey_proof *p, struct login *out)
{
    struct pki_cert shown;
    struct challenge ch;
    struct certificate cert;
    struct binding b;
    TRY(check_fields(c, p, &shown));
    TRY(challenge_use(c, p->challenge_id, CHALLENGE_LOGIN, "", &ch));
    TRY(prove(c, p, &shown, &ch, &cert));
    enum err e = binding_find(c, ch.channel, cert.id, &b);
    if (e == ERR_NOT_FOUND) {
        c->keep = true;
        fault_clear(c->fault);
        return fail(c->fault, ERR_UKEY_NOT_BOUND, NULL);
    }
    TRY(e);
    return account_open_by_ukey(c, b.account, cert.id, out);
}

/* -- bindings ---- */

static const char *detail(struct ctx *c, const char *certificate)
{
    return arena_printf(c->arena, "{\"certificate\":\"%s\"}", certificate);
}

/* The certificate was bound when it was looked at again: to whom? */
static enum err bound_already(struct ctx *c, const struct certificate *cert, struct binding *out)
{
    enum err e = binding_find(c, c->caller.channel, cert->id, out);
    if (e == ERR_NOT_FOUND) /* bound since this transaction began, or just unbound */
        return fail(c->fault, ERR_DB_RETRY, NULL);
    TRY(e);
    fault_clear(c->fault);
    out->medium_number = cert->medium_number;
    if (strcmp(out->account, c->caller.id) == 0)
        return OK;
    c->keep = true;
    return account_refuse(c, ERR_EXISTS, "this UKEY is bound to another account; unbind it there first",
                          "该UKEY已绑定其他账号，请先在该账号中解绑");
}

enum err ukey_bind(struct ctx *c, const struct ukey_proof *p, struct binding *out)
{
    struct pki_cert shown;
    struct challenge ch;
    struct certificate cert;
    struct account a;
    TRY(check_fields(c, p, &shown));
    TRY(challenge_use(c, p->challenge_id, CHALLENGE_BIND, c->caller.id, &ch));
    enum err e = prove(c, p, &shown, &ch, &cert);
    if (e == ERR_UKEY_NOT_BOUND)
        return account_refuse(c, ERR_NOT_FOUND, "the certificate is not one of this channel's",
                              "该证书不是本渠道签发的证书");
    TRY(e);
    *out = (struct binding){.medium_number = cert.medium_number, .created_ms = c->now_ms};
    copy_id(out->certificate, cert.id);
    copy_id(out->account, c->caller.id);
    e = binding_insert(c, c->caller.channel, out);
    if (e == ERR_DB_DUPLICATE)
        return bound_already(c, &cert, out);
    TRY(e);
    TRY(account_self(c, &a));
    TRY(audit_add(c, &(struct audit_entry){"account.bind", a.id, a.version, detail(c, cert.id)}));
    bool cloud = cert.medium == MEDIUM_CLOUD; /* which has no medium number */
    const char *params[] = {cloud ? cert.serial_hex : cert.medium_number};
    return notice_sms(c, a.phone, cloud ? SMS_CLOUD_BOUND : SMS_UKEY_BOUND, params,
                      arena_printf(c->arena, "bound:%s", ch.id), a.id);
}

enum err ukey_unbind(struct ctx *c, const char *certificate_id)
{
    if (!*certificate_id)
        fault_field(c->fault, "certificate_id", "REQUIRED", "say which certificate", "请选择证书");
    TRY(fault_fields(c->fault));
    if (!id_valid("crt", certificate_id))
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    TRY(binding_delete(c, c->caller.id, certificate_id));
    TRY(session_end_of_ukey(c, c->caller.id, certificate_id));
    return audit_add(c, &(struct audit_entry){"account.unbind", c->caller.id, 0, detail(c, certificate_id)});
}

enum err ukey_bindings(struct ctx *c, int64_t after_ms, const char *after_id, int limit, struct binding **out,
                       size_t *n)
{
    return binding_list(c, c->caller.id, after_ms, after_id, limit, out, n);
}
