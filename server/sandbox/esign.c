#include "sandbox/esign.h"

#include "base/clock.h"
#include "sandbox/crypto.h"
#include "sandbox/keys.h"
#include "sandbox/state.h"
#include "sandbox/suppliers.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLOCK_TOLERANCE_MS = 15 * 60 * 1000
};

/* {flow} stands for one part of a path. */
static const struct route {
    const char *method, *path, *action;
    void (*serve)(struct es_call *c);
} routes[] = {
    {"POST", "/v2/identity/verify/individual/telecom3Factors", "telecom3Factors", es_telecom3},
    {"POST", "/v2/identity/verify/individual/bank4Factors", "bank4Factors", es_bank4},
    {"POST", "/v2/identity/verify/organization/enterprise/bureau4Factors", "bureau4Factors", es_bureau4},
    {"POST", "/v2/identity/auth/api/individual/face", "face", es_face},
    {"GET", "/v2/identity/auth/pub/individual/{flow}/face", "face_query", es_face_query},
    {"POST", "/v2/identity/auth/api/organization/enterprise/fourFactors", "fourFactors", es_four_factors},
    {"GET", "/v2/identity/auth/pub/organization/{flow}/subbranch", "subbranch", es_subbranch},
    {"PUT", "/v2/identity/auth/pub/organization/{flow}/transferRandomAmount", "transferRandomAmount", es_pay},
    {"GET", "/v2/identity/auth/pub/organization/{flow}/transferProcess", "transferProcess", es_process},
    {"PUT", "/v2/identity/auth/pub/organization/{flow}/verifyRandomAmount", "verifyRandomAmount", es_confirm},
};

static bool path_fits(const char *pattern, const char *path, struct arena *a, const char **flow)
{
    const char *hole = strstr(pattern, "{flow}");
    if (!hole)
        return strcmp(pattern, path) == 0;
    size_t n = (size_t)(hole - pattern), size = 0;
    if (strncmp(pattern, path, n) != 0 || (size = strcspn(path + n, "/")) == 0 ||
        strcmp(path + n + size, hole + strlen("{flow}")) != 0)
        return false;
    *flow = arena_strndup(a, path + n, size);
    return true;
}

static const struct route *find_route(struct request *r, const char **flow, bool *detail)
{
    static const char tail[] = "/detail";
    size_t n = strlen(r->path), k = strlen(tail);
    *detail = n > k && strcmp(r->path + n - k, tail) == 0;
    const char *path = *detail ? arena_strndup(&r->a, r->path, n - k) : r->path;
    *flow = "";
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        bool may_detail = routes[i].serve == es_telecom3 || routes[i].serve == es_bank4;
        if (strcmp(routes[i].method, r->method) == 0 && (!*detail || may_detail) &&
            path_fits(routes[i].path, path, &r->a, flow))
            return &routes[i];
    }
    return NULL;
}

const char *esign_action(struct request *r)
{
    const char *flow;
    bool detail;
    const struct route *t = find_route(r, &flow, &detail);
    return t ? t->action : "unknown";
}

/* -- answers --------------------------------------------------------------------------------------------- */

void es_ok(struct es_call *c, json_t *data)
{
    es_error(c, 0, "成功", data);
}

void es_error(struct es_call *c, int64_t code, const char *message, json_t *data)
{
    if (code)
        c->p->outcome = arena_printf(&c->r->a, "%lld", (long long)code);
    const char *id = *member(data, "verifyId") ? member(data, "verifyId") : member(data, "flowId");
    c->p->request_id = arena_strdup(&c->r->a, *id ? id : c->flow);
    reply_json(c->p, 200,
               json_pack("{s:I,s:s,s:o}", "code", (json_int_t)code, "message", message, "data",
                         data ? data : json_null()));
}

static bool gateway_refuses(struct es_call *c, unsigned status, const char *message)
{
    c->p->outcome = message;
    reply_json(c->p, status,
               json_pack("{s:b,s:i,s:s}", "success", 0, "code", (int)status, "message", message));
    return false;
}

bool es_planned(const struct es_call *c, const char *kind)
{
    return strcmp(c->plan->kind, kind) == 0;
}

const char *es_in(const struct es_call *c, const char *name)
{
    return member(c->in, name);
}

bool es_need(struct es_call *c, const char *const *names)
{
    for (; *names; names++)
        if (!*es_in(c, *names)) {
            es_error(c, 30500100, arena_printf(&c->r->a, "缺少参数：%s", *names), NULL);
            return false;
        }
    return true;
}

const char *es_new_flow(struct es_call *c)
{
    return arena_printf(&c->r->a, "3%s", draw_digits(c->sb, &c->r->a, 17));
}

/* -- the gateway ----------------------------------------------------------------------------------------- */

/* The query as it came, and decoded: the text does not say which of them is signed. */
static bool signature_fits(struct es_call *c, const char *signature)
{
    struct arena *a = &c->r->a;
    const char *accept = request_header(c->r, "Accept"), *type = request_header(c->r, "Content-Type");
    const char *md5 = request_header(c->r, "Content-MD5"), *query = strchr(c->r->target, '?');
    char *plain = query ? curl_easy_unescape(NULL, query, 0, NULL) : NULL;
    const char *const tails[] = {query ? query : "", plain ? arena_strdup(a, plain) : ""};
    curl_free(plain);
    for (size_t i = 0; i < 2; i++) {
        unsigned char raw[SHA256_SIZE];
        const char *text = arena_printf(a, "%s\n%s\n%s\n%s\n\n%s%s", c->r->method, accept ? accept : "",
                                        md5 ? md5 : "", type ? type : "", c->r->path, tails[i]);
        hmac_sha256(c->sb->keys->esign_secret, strlen(c->sb->keys->esign_secret), text, raw);
        if (strcmp(base64(a, raw, sizeof raw), signature) == 0)
            return true;
    }
    return false;
}

static bool authenticate(struct es_call *c)
{
    const char *app = request_header(c->r, "X-Tsign-Open-App-Id");
    const char *mode = request_header(c->r, "X-Tsign-Open-Auth-Mode");
    const char *at = request_header(c->r, "X-Tsign-Open-Ca-Timestamp");
    const char *signature = request_header(c->r, "X-Tsign-Open-Ca-Signature");
    const char *md5 = request_header(c->r, "Content-MD5");
    if (!app || !at || !signature)
        return gateway_refuses(c, 401, "缺少参数");
    if (!mode || strcmp(mode, "Signature") != 0)
        return gateway_refuses(c, 401, "AUTHSTRATEGY_NOT_FOUND");
    if (strcmp(app, c->sb->keys->esign_app_id) != 0)
        return gateway_refuses(c, 401, "无效的应用");
    char *end = NULL;
    int64_t ts = strtoll(at, &end, 10), off = clock_now_ms() - ts;
    if (!*at || *end || off > CLOCK_TOLERANCE_MS || off < -CLOCK_TOLERANCE_MS)
        return gateway_refuses(c, 401, "INVALID_TIMESTAMP");
    if (c->r->n_body && (!md5 || strcmp(md5, md5_base64(&c->r->a, c->r->body, c->r->n_body)) != 0))
        return gateway_refuses(c, 401, "INVALID_CONTENT_MD5");
    if (!signature_fits(c, signature))
        return gateway_refuses(c, 401, "INVALID_SIGNATURE");
    return true;
}

/* True when the plan answered. */
static bool refused_by_plan(struct es_call *c)
{
    if (es_planned(c, "busy"))
        es_error(c, 30500000, "操作出错，请联系服务人员处理", NULL);
    else if (es_planned(c, "fail"))
        gateway_refuses(c, 500, "系统繁忙");
    else if (es_planned(c, "rate_limited"))
        es_error(c, 30504900, "请求已判定被风控，请等待或联系管理员处理", NULL);
    else if (es_planned(c, "daily_limit"))
        es_error(c, 30500052, "认证次数已达上限，请使用其他方式认证", NULL);
    else if (es_planned(c, "arrears"))
        es_error(c, 30503107, "很抱歉，订单余额不足", NULL);
    else if (es_planned(c, "bad_signature"))
        gateway_refuses(c, 401, "INVALID_SIGNATURE");
    else
        return false;
    return true;
}

void esign_serve(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p)
{
    struct es_call c = {.sb = sb, .r = r, .p = p, .plan = plan};
    const struct route *t = find_route(r, &c.flow, &c.detail);
    if (!t) {
        gateway_refuses(&c, 404, "NOT_FOUND");
        return;
    }
    if (!authenticate(&c) || refused_by_plan(&c))
        return;
    json_t *in = r->n_body ? request_json(r) : NULL;
    c.in = in;
    if (!in && strcmp(r->method, "GET") != 0)
        es_error(&c, 30500101, "参数错误：请求体不是JSON", NULL);
    else
        t->serve(&c);
    json_decref(in);
}
