#include "sandbox/keys.h"

#include "base/clock.h"
#include "sandbox/crypto.h"
#include "sandbox/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *upper_hex(struct sandbox *sb, struct arena *a, size_t bytes)
{
    unsigned char raw[32];
    draw_bytes(sb, raw, bytes);
    raw[0] =
        (unsigned char)((raw[0] & 0x3F) | 0x40); /* a certificate's serial is positive and of full length */
    char *out = arena_alloc(a, 2 * bytes + 1);
    for (size_t i = 0; i < bytes; i++)
        snprintf(out + 2 * i, 3, "%02X", raw[i]);
    return out;
}

static void make_platform(struct sandbox *sb, struct arena *a, json_t *o)
{
    const char *priv, *pub, *forger, *unused;
    rsa_new(a, &priv, &pub);
    rsa_new(a, &forger, &unused);
    const char *serial = upper_hex(sb, a, 20);
    long now = (long)(clock_now_ms() / 1000);
    json_object_set_new(o, "platform_key", json_string(priv));
    json_object_set_new(o, "platform_public", json_string(pub));
    json_object_set_new(o, "platform_id",
                        json_string(arena_printf(a, "PUB_KEY_ID_01%s", draw_digits(sb, a, 30))));
    json_object_set_new(o, "platform_serial", json_string(serial));
    json_object_set_new(o, "platform_certificate",
                        json_string(rsa_certificate(a, priv, serial, "Tenpay.com sandbox", now - 86400,
                                                    now + 5L * 365 * 86400)));
    json_object_set_new(o, "forger_key", json_string(forger));
}

static json_t *make(struct sandbox *sb, struct arena *a)
{
    const char *priv, *pub;
    rsa_new(a, &priv, &pub);
    json_t *o = json_object();
#define SET(key, text) json_object_set_new(o, key, json_string(text))
    SET("tencent_id", arena_printf(a, "AKID%s", draw_letters(sb, a, 32)));
    SET("tencent_key", draw_letters(sb, a, 32));
    SET("sms_app_id", arena_printf(a, "1400%s", draw_digits(sb, a, 6)));
    SET("mchid", arena_printf(a, "16%s", draw_digits(sb, a, 8)));
    SET("appid", arena_printf(a, "wx%s", sha256_hex(a, draw_letters(sb, a, 16), 16) + 48));
    SET("apiv3_key", draw_letters(sb, a, 32));
    SET("merchant_key", priv);
    SET("merchant_public", pub);
    SET("merchant_serial", upper_hex(sb, a, 20));
    SET("kuaidi100_key", draw_letters(sb, a, 12));
    SET("kuaidi100_customer", upper_hex(sb, a, 16));
    SET("smtp_user", "notice@certdesk.test");
    SET("smtp_password", draw_letters(sb, a, 16));
#undef SET
    make_platform(sb, a, o);
    return o;
}

static const char rsa_root[] = "Ant Financial Sandbox Root R1", middle[] = "Ant Financial Sandbox Class 2 R1",
                  ec_root[] = "Ant Financial Sandbox Root E1";

static void make_certificates(struct sandbox *sb, struct arena *a, json_t *o)
{
    const char *key = member(o, "alipay_key"),
               *serials[5]; /* one key signs it all: nobody here looks at the chain */
    long now = (long)(clock_now_ms() / 1000);
    struct validity v = {now - 86400, now + 5L * 365 * 86400};
    for (size_t i = 0; i < 5; i++)
        serials[i] = upper_hex(sb, a, 16);
#define SET(key, text) json_object_set_new(o, key, json_string(text))
    SET("alipay_app_certificate", certificate_issue(a, member(o, "alipay_app_key"),
                                                    member(o, "alipay_app_id"), key, middle, serials[0], v));
    SET("alipay_certificate",
        certificate_issue(a, member(o, "alipay_key"), "Alipay Sandbox", key, middle, serials[1], v));
    /* as the real file: several roots, one of them not RSA, and an intermediate */
    SET("alipay_roots", arena_printf(a, "%s%s%s", certificate_ec_root(a, ec_root, serials[2], v),
                                     certificate_issue(a, key, rsa_root, key, rsa_root, serials[3], v),
                                     certificate_issue(a, key, middle, key, rsa_root, serials[4], v)));
    SET("alipay_app_cert_sn", certificate_sn(a, middle, serials[0]));
    SET("alipay_cert_sn", certificate_sn(a, middle, serials[1]));
    SET("alipay_root_cert_sn", arena_printf(a, "%s_%s", certificate_sn(a, rsa_root, serials[3]),
                                            certificate_sn(a, rsa_root, serials[4])));
#undef SET
}

static json_t *make_alipay(struct sandbox *sb, struct arena *a)
{
    const char *app, *app_public, *alipay, *alipay_public;
    rsa_new(a, &app, &app_public);
    rsa_new(a, &alipay, &alipay_public);
    json_t *o = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s}", "alipay_app_id", arena_printf(a, "2021%s", draw_digits(sb, a, 12)),
        "alipay_seller_id", arena_printf(a, "2088%s", draw_digits(sb, a, 12)), "alipay_app_key", app,
        "alipay_app_public", app_public, "alipay_key", alipay, "alipay_public", alipay_public);
    make_certificates(sb, a, o);
    return o;
}

static json_t *make_nuonuo(struct sandbox *sb, struct arena *a)
{
    return json_pack("{s:s,s:s,s:s}", "nuonuo_app_key", draw_digits(sb, a, 8), "nuonuo_app_secret",
                     arena_printf(a, "SD%s", draw_letters(sb, a, 14)), "nuonuo_tax", "339901999999142");
}

/* What the identity suppliers and the desk know of each other. */
static json_t *make_identity(struct sandbox *sb, struct arena *a)
{
    return json_pack("{s:s,s:s,s:s,s:s}", "tencent_rule", draw_digits(sb, a, 4), "esign_app_id",
                     arena_printf(a, "7438%s", draw_digits(sb, a, 6)), "esign_secret", draw_lower(sb, a, 32),
                     "generic_key", draw_letters(sb, a, 32));
}

static int write_file(struct sandbox *sb, struct arena *a, const char *name, const char *text)
{
    const char *path = arena_printf(a, "%s/%s", sb->dir, name);
    const char *fresh = arena_printf(a, "%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t n = strlen(text);
    bool ok = fd >= 0 && write(fd, text, n) == (ssize_t)n;
    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    if (!ok || rename(fresh, path)) {
        fprintf(stderr, "certdesk-sandbox: %s: %s\n", path, strerror(errno));
        return -1;
    }
    return 0;
}

/* What was kept under the name, or new. */
static json_t *kept(struct sandbox *sb, const char *name, struct arena *a,
                    json_t *(*make_new)(struct sandbox *, struct arena *))
{
    if (!state_get(sb->state, "keys", name))
        state_put(sb->state, "keys", name, make_new(sb, a));
    return state_get(sb->state, "keys", name);
}

struct keys *keys_open(struct sandbox *sb)
{
    struct keys *k = calloc(1, sizeof *k);
    if (!k)
        abort();
    arena_init(&k->a, 0);
    json_t *o = kept(sb, "all", &k->a, make);
#define GET(field) k->field = arena_strdup(&k->a, member(o, #field))
    GET(tencent_id), GET(tencent_key), GET(sms_app_id), GET(mchid), GET(appid), GET(apiv3_key);
    GET(merchant_key), GET(merchant_public), GET(merchant_serial), GET(platform_key), GET(platform_public);
    GET(platform_id), GET(platform_serial), GET(platform_certificate), GET(forger_key);
    GET(kuaidi100_key), GET(kuaidi100_customer), GET(smtp_user), GET(smtp_password);
    o = kept(sb, "identity", &k->a, make_identity);
    GET(tencent_rule), GET(esign_app_id), GET(esign_secret), GET(generic_key);
    o = kept(sb, "alipay", &k->a, make_alipay);
    GET(alipay_app_id), GET(alipay_seller_id), GET(alipay_app_key), GET(alipay_app_public), GET(alipay_key);
    GET(alipay_public), GET(alipay_app_certificate), GET(alipay_certificate), GET(alipay_roots);
    GET(alipay_app_cert_sn), GET(alipay_cert_sn), GET(alipay_root_cert_sn);
    o = kept(sb, "nuonuo", &k->a, make_nuonuo);
    GET(nuonuo_app_key), GET(nuonuo_app_secret), GET(nuonuo_tax);
#undef GET
    if (write_file(sb, &k->a, "apiclient_key.pem", k->merchant_key) ||
        write_file(sb, &k->a, "wxp_pub.pem", k->platform_public) ||
        write_file(sb, &k->a, "wxp_cert.pem", k->platform_certificate) ||
        write_file(sb, &k->a, "alipay_app_key.pem", k->alipay_app_key) ||
        write_file(sb, &k->a, "alipay_public.pem", k->alipay_public) ||
        write_file(sb, &k->a, "alipay_app_cert.pem", k->alipay_app_certificate) ||
        write_file(sb, &k->a, "alipay_cert.pem", k->alipay_certificate) ||
        write_file(sb, &k->a, "alipay_roots.pem", k->alipay_roots)) {
        keys_close(k);
        return NULL;
    }
    return k;
}

void keys_close(struct keys *k)
{
    if (!k)
        return;
    arena_free(&k->a);
    free(k);
}

static json_t *tencent(const struct sandbox *sb)
{
    const struct keys *k = sb->keys;
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:o}", "secret_id", k->tencent_id, "secret_key",
                     k->tencent_key, "rule_id", k->tencent_rule, "sms_sdk_app_id", k->sms_app_id, "region",
                     "ap-guangzhou", "faceid_url", json_sprintf("http://faceid.localhost:%d", sb->port),
                     "ocr_url", json_sprintf("http://ocr.localhost:%d", sb->port), "sms_url",
                     json_sprintf("http://sms.localhost:%d", sb->port));
}

static json_t *wechat(const struct sandbox *sb)
{
    const struct keys *k = sb->keys;
    return json_pack(
        "{s:o,s:s,s:s,s:s,s:o,s:s,s:s,s:o,s:s,s:o}", "url",
        json_sprintf("http://wechat.localhost:%d", sb->port), "mchid", k->mchid, "appid", k->appid,
        "apiv3_key", k->apiv3_key, "merchant_key_file", json_sprintf("%s/apiclient_key.pem", sb->dir),
        "merchant_serial", k->merchant_serial, "platform_key_id", k->platform_id, "platform_key_file",
        json_sprintf("%s/wxp_pub.pem", sb->dir), "platform_certificate_serial", k->platform_serial,
        "platform_certificate_file", json_sprintf("%s/wxp_cert.pem", sb->dir));
}

static json_t *alipay(const struct sandbox *sb)
{
    const struct keys *k = sb->keys;
    return json_pack("{s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:o}", "url",
                     json_sprintf("http://alipay.localhost:%d/gateway.do", sb->port), "app_id",
                     k->alipay_app_id, "seller_id", k->alipay_seller_id, "app_key_file",
                     json_sprintf("%s/alipay_app_key.pem", sb->dir), "alipay_public_key_file",
                     json_sprintf("%s/alipay_public.pem", sb->dir), "app_certificate_file",
                     json_sprintf("%s/alipay_app_cert.pem", sb->dir), "alipay_certificate_file",
                     json_sprintf("%s/alipay_cert.pem", sb->dir), "alipay_root_certificates_file",
                     json_sprintf("%s/alipay_roots.pem", sb->dir));
}

static json_t *nuonuo(const struct sandbox *sb)
{
    const struct keys *k = sb->keys;
    return json_pack(
        "{s:o,s:o,s:s,s:s,s:s}", "url", json_sprintf("http://nuonuo.localhost:%d/open/v1/services", sb->port),
        "token_url", json_sprintf("http://nuonuo.localhost:%d/accessToken", sb->port), "app_key",
        k->nuonuo_app_key, "app_secret", k->nuonuo_app_secret, "seller_tax_number", k->nuonuo_tax);
}

static json_t *esign(const struct sandbox *sb)
{
    return json_pack("{s:s,s:s,s:o}", "app_id", sb->keys->esign_app_id, "app_secret", sb->keys->esign_secret,
                     "base_url", json_sprintf("http://esign.localhost:%d", sb->port));
}

static json_t *generic(const struct sandbox *sb)
{
    static const char *const checks[] = {"phone3", "bank4", "enterprise4", "face_start", "face_query"};
    json_t *o = json_pack("{s:s}", "key", sb->keys->generic_key);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_url", checks[i]);
        json_object_set_new(o, key, json_sprintf("http://generic.localhost:%d/%s", sb->port, checks[i]));
    }
    return o;
}

int keys_publish(struct sandbox *sb)
{
    struct arena a;
    arena_init(&a, 0);
    const struct keys *k = sb->keys;
    json_t *o =
        json_pack("{s:i,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:{s:o,s:s,s:s},s:{s:s,s:i,s:s,s:s}}", "port", sb->port,
                  "smtp_port", sb->smtp_port, "url", json_sprintf("http://127.0.0.1:%d", sb->port), "tencent",
                  tencent(sb), "wechat", wechat(sb), "alipay", alipay(sb), "esign", esign(sb), "http",
                  generic(sb), "kuaidi100", "url", json_sprintf("http://kuaidi100.localhost:%d", sb->port),
                  "key", k->kuaidi100_key, "customer", k->kuaidi100_customer, "smtp", "host", "127.0.0.1",
                  "port", sb->smtp_port, "user", k->smtp_user, "password", k->smtp_password);
    if (o)
        json_object_set_new(o, "nuonuo", nuonuo(sb));
    char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
    int bad = text ? write_file(sb, &a, "sandbox.json", text) : -1;
    free(text);
    json_decref(o);
    arena_free(&a);
    return bad;
}
