/* nuonuo.c - the door: tokens with their quota, signatures, which service is meant. [K] marks codes that are
 * not from the supplier's text. */
#include "sandbox/nuonuo.h"

#include "base/clock.h"
#include "sandbox/crypto.h"
#include "sandbox/keys.h"
#include "sandbox/state.h"
#include "sandbox/suppliers.h"

#include <stdlib.h>
#include <string.h>

enum {
    QUOTA = 50,
    DAY_S = 86400,
    QUOTA_DAYS = 30,
    CLOCK_TOLERANCE_S = 600,
};

static const struct {
    const char *method, *action;
    void (*serve)(struct nn_call *c);
} services[] = {
    {"nuonuo.OpeMplatform.requestBillingNew", "requestBillingNew", nn_billing},
    {"nuonuo.ElectronInvoice.requestBillingNew", "requestBillingNew", nn_billing},
    {"nuonuo.OpeMplatform.queryInvoiceResult", "queryInvoiceResult", nn_query},
    {"nuonuo.ElectronInvoice.queryInvoiceResult", "queryInvoiceResult", nn_query},
    {"nuonuo.OpeMplatform.reInvoice", "reInvoice", nn_again},
    {"nuonuo.ElectronInvoice.reInvoice", "reInvoice", nn_again},
    {"nuonuo.OpeMplatform.fastInvoiceRed", "fastInvoiceRed", nn_fast_red},
};

static size_t service_of(struct request *r)
{
    const char *method = request_header(r, "method");
    size_t i = 0;
    while (i < sizeof services / sizeof *services && (!method || strcmp(services[i].method, method) != 0))
        i++;
    return i;
}

const char *nuonuo_action(struct request *r)
{
    if (strcmp(r->path, "/accessToken") == 0)
        return "token";
    if (strncmp(r->path, "/file/", 6) == 0)
        return "file";
    size_t i = strcmp(r->path, "/open/v1/services") == 0 ? service_of(r) : sizeof services / sizeof *services;
    return i < sizeof services / sizeof *services ? services[i].action : "unknown";
}

static void say(struct reply *p, const char *code, const char *describe, json_t *result)
{
    p->outcome = code;
    json_t *o = json_pack("{s:s,s:s}", "code", code, "describe", describe);
    if (result)
        json_object_set_new(o, "result", result);
    reply_json(p, 200, o);
}

void nn_say(struct nn_call *c, const char *code, const char *describe, json_t *result)
{
    say(c->p, code, describe, result);
}

/* -- tokens ---------------------------------------------------------------------------------------------- */

static int64_t taken_lately(struct sandbox *sb, int64_t now)
{
    const char *key;
    json_t *t;
    int64_t n = 0;
    json_object_foreach(state_section(sb->state, "nuonuo_tokens"), key, t) n +=
        member_int(t, "taken_ms") > now - (int64_t)QUOTA_DAYS * DAY_S * 1000;
    return n;
}

static void token(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p)
{
    const char *id = request_form(r, "client_id"), *secret = request_form(r, "client_secret");
    const char *grant = request_form(r, "grant_type");
    int64_t now = clock_now_ms();
    if (strcmp(r->method, "POST") != 0 || !id || !secret || !grant ||
        strcmp(grant, "client_credentials") != 0)
        say(p, "070001", "请求参数有误", NULL); /* [K] */
    else if (strcmp(id, sb->keys->nuonuo_app_key) != 0)
        say(p, "070101", "获取app密钥失败或appkey无效", NULL);
    else if (strcmp(secret, sb->keys->nuonuo_app_secret) != 0)
        say(p, "070304", "appSecret不正确", NULL); /* [K] for the wording */
    else if (strcmp(plan->kind, "rate_limited") == 0 || taken_lately(sb, now) >= QUOTA)
        say(p, "070306", "令牌调用次数已达上限", NULL);
    else {
        const json_t *life = state_get(sb->state, "config", "nuonuo_token_s");
        int64_t seconds = life ? json_integer_value(life) : DAY_S;
        const char *text = draw_lower(sb, &r->a, 32);
        state_put(sb->state, "nuonuo_tokens", text,
                  json_pack("{s:I,s:I}", "taken_ms", (json_int_t)now, "expires_ms",
                            (json_int_t)(now + seconds * 1000)));
        reply_json(p, 200, json_pack("{s:s,s:I}", "access_token", text, "expires_in", (json_int_t)seconds));
    }
}

static bool token_good(struct sandbox *sb, const char *text)
{
    const json_t *t = text ? state_get(sb->state, "nuonuo_tokens", text) : NULL;
    return t && member_int(t, "expires_ms") > clock_now_ms();
}

/* -- services -------------------------------------------------------------------------------------------- */

static bool signed_well(struct sandbox *sb, struct request *r)
{
    const char *senid = request_query(r, "senid"), *nonce = request_query(r, "nonce");
    const char *timestamp = request_query(r, "timestamp"), *appkey = request_query(r, "appkey");
    const char *sign = request_header(r, "X-Nuonuo-Sign");
    if (!senid || strlen(senid) != 32 || !nonce || strlen(nonce) != 8 || strspn(nonce, "0123456789") != 8 ||
        !timestamp || !appkey || !sign || strcmp(appkey, sb->keys->nuonuo_app_key) != 0)
        return false;
    int64_t apart = clock_now_ms() / 1000 - strtoll(timestamp, NULL, 10);
    const char *text = arena_printf(&r->a, "a=services&l=v1&p=open&k=%s&i=%s&n=%s&t=%s&f=%s", appkey, senid,
                                    nonce, timestamp, r->body);
    return apart < CLOCK_TOLERANCE_S && apart > -CLOCK_TOLERANCE_S &&
           strcmp(sign, hmac_sha1_base64(&r->a, sb->keys->nuonuo_app_secret, text)) == 0;
}

static bool turned_away(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p)
{
    const char *kind = plan->kind, *type = request_header(r, "Content-Type");
    p->request_id = request_query(r, "senid");
    if (strcmp(r->method, "POST") != 0 || !type || strncmp(type, "application/json", 16) != 0)
        say(p, "070001", "请求参数有误", NULL);
    else if (strcmp(kind, "bad_signature") == 0 || !signed_well(sb, r))
        say(p, "070305", "签名校验失败", NULL); /* [K] */
    else if (strcmp(kind, "token_expired") == 0 || !token_good(sb, request_header(r, "accessToken")))
        say(p, "070303", "accessToken已失效", NULL); /* [K] */
    else if (strcmp(kind, "fail") == 0)
        say(p, "E9999", "系统异常", NULL);
    else if (strcmp(kind, "busy") == 0)
        reply_text(p, 503, "text/plain", "busy\n");
    else if (strcmp(kind, "rate_limited") == 0)
        reply_text(p, 429, "text/plain", "too often\n");
    else
        return false;
    if (p->status != 200)
        p->outcome = kind;
    return true;
}

static void service(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p)
{
    size_t i = service_of(r);
    if (turned_away(sb, r, plan, p))
        return;
    const char *seller = request_header(r, "userTax");
    json_t *in = request_json(r);
    struct nn_call c = {.sb = sb, .r = r, .p = p, .in = in, .seller = seller ? seller : ""};
    if (i == sizeof services / sizeof *services)
        say(p, "070002", "接口方法不存在", NULL); /* [K] */
    else if (!in)
        say(p, "E9001", "参数格式有误", NULL); /* [K] */
    else if (strcmp(c.seller, sb->keys->nuonuo_tax) != 0)
        say(p, "E9301", "销方税号未授权", NULL);
    else
        services[i].serve(&c);
    json_decref(in);
}

void nuonuo_serve(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p)
{
    if (strcmp(r->path, "/accessToken") == 0)
        token(sb, r, plan, p);
    else if (strncmp(r->path, "/file/", 6) == 0)
        nn_file(sb, r, p);
    else if (strcmp(r->path, "/open/v1/services") == 0)
        service(sb, r, plan, p);
    else
        reply_text(p, 404, "text/plain", "no such path\n");
}

/* -- steered --------------------------------------------------------------------------------------------- */

const char *nuonuo_expire(struct sandbox *sb, const char *what)
{
    const char *key;
    json_t *t;
    int64_t now = clock_now_ms();
    if (strcmp(what, "links") == 0) {
        state_put(sb->state, "config", "nuonuo_links_from", json_integer(now));
        return NULL;
    }
    if (strcmp(what, "tokens") != 0)
        return "what: tokens or links";
    json_object_foreach(state_section(sb->state, "nuonuo_tokens"), key, t)
    {
        json_object_set_new(t, "expires_ms", json_integer(now));
        state_touch(sb->state, "nuonuo_tokens", key);
    }
    return NULL;
}
