#include "sandbox/wechat.h"

#include "base/clock.h"
#include "sandbox/crypto.h"
#include "sandbox/keys.h"
#include "sandbox/state.h"
#include "sandbox/suppliers.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLOCK_TOLERANCE_S = 300
};

struct route {
    const char *method, *prefix, *suffix; /* between the two: the argument, when suffix is not NULL */
    const char *action;
    void (*serve)(struct wx_call *c);
};

static const struct route routes[] = {
    {"POST", "/v3/pay/transactions/native", NULL, "order", wx_place},
    {"POST", "/v3/pay/transactions/out-trade-no/", "/close", "close", wx_close},
    {"GET", "/v3/pay/transactions/out-trade-no/", "", "query", wx_query},
    {"GET", "/v3/pay/transactions/id/", "", "query", wx_query_id},
    {"POST", "/v3/refund/domestic/refunds", NULL, "refund", wx_refund},
    {"GET", "/v3/refund/domestic/refunds/", "", "refund_query", wx_refund_query},
    {"GET", "/v3/bill/tradebill", NULL, "bill", wx_bill},
    {"GET", "/v3/billdownload/file", NULL, "bill_file", wx_bill_file},
    {"GET", "/v3/certificates", NULL, "certificates", wx_certificates},
};

/* The route of a request; *argument is the number in its path, decoded. */
static const struct route *find_route(struct request *r, const char **argument)
{
    *argument = "";
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const struct route *t = &routes[i];
        size_t n = strlen(t->prefix), all = strlen(r->path), tail = t->suffix ? strlen(t->suffix) : 0;
        if (strcmp(r->method, t->method) != 0 || strncmp(r->path, t->prefix, n) != 0)
            continue;
        if (!t->suffix && r->path[n] == '\0')
            return t;
        if (!t->suffix || all <= n + tail || strcmp(r->path + all - tail, t->suffix) != 0 ||
            memchr(r->path + n, '/', all - n - tail))
            continue;
        int size = 0;
        char *plain = curl_easy_unescape(NULL, r->path + n, (int)(all - n - tail), &size);
        *argument = arena_strndup(&r->a, plain ? plain : "", (size_t)size);
        curl_free(plain);
        return t;
    }
    return NULL;
}

const char *wechat_action(struct request *r)
{
    const char *argument;
    const struct route *t = find_route(r, &argument);
    return t ? t->action : "unknown";
}

const char *wx_serial(struct sandbox *sb)
{
    const char *mode = json_string_value(state_get(sb->state, "config", "wechat_serial"));
    return mode && strcmp(mode, "certificate") == 0 ? sb->keys->platform_serial : sb->keys->platform_id;
}

struct wx_signature wx_sign(struct sandbox *sb, struct arena *a, const char *body, const char *serial,
                            bool forged)
{
    struct wx_signature s = {.serial = serial};
    s.timestamp = arena_printf(a, "%" PRId64, clock_now_ms() / 1000);
    s.nonce = draw_letters(sb, a, 32);
    const char *text = arena_printf(a, "%s\n%s\n%s\n", s.timestamp, s.nonce, body);
    s.signature = rsa_sign(a, forged ? sb->keys->forger_key : sb->keys->platform_key, text);
    return s;
}

/* Signed under the name that the merchant asked for, or the platform's own choice. */
static void sign_reply(struct wx_call *c)
{
    const char *asked = request_header(c->r, "Wechatpay-Serial");
    struct wx_signature s = wx_sign(c->sb, &c->r->a, c->p->body, asked ? asked : wx_serial(c->sb),
                                    strcmp(c->plan->kind, "bad_signature") == 0);
    reply_header(c->p, "Wechatpay-Timestamp", s.timestamp);
    reply_header(c->p, "Wechatpay-Nonce", s.nonce);
    reply_header(c->p, "Wechatpay-Serial", s.serial);
    reply_header(c->p, "Wechatpay-Signature", s.signature);
    reply_header(c->p, "Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048");
}

static void stamp(struct wx_call *c, const char *number)
{
    unsigned char raw[16];
    char hex[2 * sizeof raw + 1];
    draw_bytes(c->sb, raw, sizeof raw);
    hex_encode(raw, sizeof raw, hex);
    c->p->request_id = arena_printf(&c->r->a, "08%s-%s", hex, number);
    reply_header(c->p, "Request-ID", c->p->request_id);
}

void wx_ok(struct wx_call *c, json_t *fields)
{
    stamp(c, "0");
    if (fields)
        reply_json(c->p, 200, fields);
    else
        reply_text(c->p, 204, NULL, "");
    sign_reply(c);
}

void wx_error(struct wx_call *c, unsigned status, const char *code, const char *field, const char *message)
{
    stamp(c, status == 401 ? "268435463" : "268435456");
    c->p->outcome = code;
    json_t *o = json_pack("{s:s,s:s}", "code", code, "message", message);
    if (field)
        json_object_set_new(o, "detail",
                            json_pack("{s:s,s:s,s:s}", "location", c->in ? "body" : "query", "field",
                                      arena_printf(&c->r->a, "/%s", field), "issue", message));
    reply_json(c->p, status, o);
}

/* Value of key="…" in the Authorization header, "" when absent. */
static const char *part(struct arena *a, const char *header, const char *key)
{
    const char *mark = arena_printf(a, "%s=\"", key);
    for (const char *p = header; (p = strstr(p, mark)); p++) {
        if (p != header && !strchr(" ,", p[-1]))
            continue;
        p += strlen(mark);
        return arena_strndup(a, p, strcspn(p, "\""));
    }
    return "";
}

/* The signed text may name the path with or without the prefix that stands for the Host. */
static bool signature_fits(struct wx_call *c, const char *ts, const char *nonce, const char *signature)
{
    struct arena *a = &c->r->a;
    const char *bare = strstr(c->r->target, c->r->path);
    const char *const targets[] = {c->r->target, bare ? bare : c->r->target};
    for (size_t i = 0; i < 2; i++)
        if (rsa_verify(
                c->sb->keys->merchant_public,
                arena_printf(a, "%s\n%s\n%s\n%s\n%s\n", c->r->method, targets[i], ts, nonce, c->r->body),
                signature))
            return true;
    return false;
}

static bool refuse_sign(struct wx_call *c, const char *message)
{
    wx_error(c, 401, "SIGN_ERROR", NULL, message);
    return false;
}

static bool authenticate(struct wx_call *c)
{
    static const char scheme[] = "WECHATPAY2-SHA256-RSA2048 ";
    struct arena *a = &c->r->a;
    const char *h = request_header(c->r, "Authorization");
    if (!h || strncmp(h, scheme, sizeof scheme - 1) != 0)
        return refuse_sign(c, "Http头缺少Authorization或认证类型不正确");
    h += sizeof scheme - 1;
    const char *ts = part(a, h, "timestamp"), *nonce = part(a, h, "nonce_str");
    char *end = NULL;
    int64_t at = strtoll(ts, &end, 10), now = clock_now_ms() / 1000;
    if (!*ts || *end || !*nonce || strlen(nonce) > 64 || !utf8_valid(nonce, strlen(nonce)))
        return refuse_sign(c, "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》");
    if (strcmp(part(a, h, "mchid"), c->sb->keys->mchid) != 0)
        return refuse_sign(c, "商户号不存在");
    if (strcmp(part(a, h, "serial_no"), c->sb->keys->merchant_serial) != 0)
        return refuse_sign(c, "商户证书序列号有误");
    if (at - now > CLOCK_TOLERANCE_S || now - at > CLOCK_TOLERANCE_S)
        return refuse_sign(c, "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟");
    if (!signature_fits(c, ts, nonce, part(a, h, "signature")))
        return refuse_sign(c, "错误的签名，验签失败");
    if (state_get(c->sb->state, "wechat_nonces", nonce))
        return refuse_sign(c, "Http头Authorization中的nonce_str已被使用");
    state_put(c->sb->state, "wechat_nonces", nonce, json_integer(at));
    return true;
}

/* Headers that the supplier insists on (providers.md 1.2). */
static bool headers_fit(struct wx_call *c)
{
    const char *agent = request_header(c->r, "User-Agent"), *type = request_header(c->r, "Content-Type");
    const char *serial = request_header(c->r, "Wechatpay-Serial");
    if (!agent || !*agent || !request_header(c->r, "Accept"))
        wx_error(c, 400, "PARAM_ERROR", NULL, "Http头缺少Accept或User-Agent");
    else if (c->r->n_body && (!type || strncmp(type, "application/json", 16) != 0))
        wx_error(c, 400, "PARAM_ERROR", NULL, "Http头Content-Type应为application/json");
    else if (serial && strcmp(serial, c->sb->keys->platform_id) != 0 &&
             strcmp(serial, c->sb->keys->platform_serial) != 0)
        wx_error(c, 400, "PARAM_ERROR", NULL, "Wechatpay-Serial不是该商户可用的微信支付公钥或平台证书");
    else
        return true;
    return false;
}

static bool refused_by_plan(struct wx_call *c)
{
    const char *kind = c->plan->kind;
    if (strcmp(kind, "fail") == 0)
        wx_error(c, 500, "SYSTEM_ERROR", NULL, "系统异常，请稍后重试");
    else if (strcmp(kind, "busy") == 0)
        wx_error(c, 500, "BANK_ERROR", NULL, "银行系统异常，请稍后重试");
    else if (strcmp(kind, "rate_limited") == 0)
        wx_error(c, 429, "FREQUENCY_LIMITED", NULL, "频率超限");
    else if (strcmp(kind, "no_balance") == 0)
        wx_error(c, 403, "NOT_ENOUGH", NULL, "基本账户余额不足，请充值后重新发起");
    else
        return false;
    return true;
}

void wechat_serve(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p)
{
    struct wx_call c = {.sb = sb, .r = r, .p = p, .plan = plan};
    const struct route *t = find_route(r, &c.argument);
    if (!t) {
        wx_error(&c, 404, "NOT_FOUND", NULL, "请求的接口不存在");
        return;
    }
    if (!headers_fit(&c) || !authenticate(&c) || refused_by_plan(&c))
        return;
    json_t *in = strcmp(r->method, "POST") == 0 ? request_json(r) : NULL;
    c.in = in;
    if (!in && strcmp(r->method, "POST") == 0)
        wx_error(&c, 400, "PARAM_ERROR", NULL, "无法将输入源“/body”映射到目标对象");
    else
        t->serve(&c);
    json_decref(in);
}
