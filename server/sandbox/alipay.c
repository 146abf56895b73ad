#include "sandbox/alipay.h"

#include "base/clock.h"
#include "sandbox/crypto.h"
#include "sandbox/keys.h"
#include "sandbox/state.h"
#include "sandbox/suppliers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const int64_t tolerance_ms = 15 * 60 * 1000;

static const char bill_path[] = "/downloadBillFile.resource";

static const struct {
    const char *method, *action;
    void (*serve)(struct ali_call *c);
} methods[] = {
    {"alipay.trade.precreate", "precreate", ali_precreate},
    {"alipay.trade.query", "query", ali_query},
    {"alipay.trade.close", "close", ali_close},
    {"alipay.trade.cancel", "cancel", ali_cancel},
    {"alipay.trade.refund", "refund", ali_refund},
    {"alipay.trade.fastpay.refund.query", "refund_query", ali_refund_query},
    {"alipay.data.dataservice.bill.downloadurl.query", "bill", ali_bill},
};

#define N(a) (sizeof(a) / sizeof *(a))

const char *alipay_action(struct request *r)
{
    if (strcmp(r->path, bill_path) == 0)
        return "bill_file";
    const char *method = request_query(r, "method");
    if (!method)
        method = request_form(r, "method");
    for (size_t i = 0; method && i < N(methods); i++)
        if (strcmp(methods[i].method, method) == 0)
            return methods[i].action;
    return "unknown";
}

/* -- amounts --------------------------------------------------------------------------------------------- */

int64_t ali_fen(const char *yuan)
{
    int64_t whole = 0;
    int end = 0;
    char cents[3] = "00";
    if (sscanf(yuan, "%9" SCNd64 "%n", &whole, &end) != 1 || whole < 0 || strchr("+- \t", yuan[0]))
        return -1;
    if (yuan[end] == '.') {
        size_t n = strspn(yuan + end + 1, "0123456789");
        if (n < 1 || n > 2)
            return -1;
        memcpy(cents, yuan + end + 1, n);
        end += 1 + (int)n;
    }
    return yuan[end] ? -1 : whole * 100 + atoi(cents);
}

const char *ali_yuan(struct arena *a, int64_t fen)
{
    return arena_printf(a, "%" PRId64 ".%02d", fen / 100, (int)(fen % 100));
}

/* -- what is signed -------------------------------------------------------------------------------------- */

const char *ali_param(const struct ali_call *c, const char *name)
{
    for (size_t i = 0; i < c->n_params; i++)
        if (strcmp(c->params[i].name, name) == 0)
            return c->params[i].value;
    return "";
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct param *)a)->name, ((const struct param *)b)->name);
}

const char *ali_text(struct arena *a, const struct param *params, size_t n, bool with_type)
{
    struct param *sorted = arena_alloc(a, (n + 1) * sizeof *sorted);
    if (n)
        memcpy(sorted, params, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_name);
    struct buf b = BUF(a);
    for (size_t i = 0; i < n; i++) {
        const char *name = sorted[i].name;
        if (*sorted[i].value && strcmp(name, "sign") != 0 && (with_type || strcmp(name, "sign_type") != 0))
            buf_printf(&b, "%s%s=%s", b.n ? "&" : "", name, sorted[i].value);
    }
    return buf_text(&b);
}

/* -- answers --------------------------------------------------------------------------------------------- */

static bool planned(const struct ali_call *c, const char *kind)
{
    return strcmp(c->plan->kind, kind) == 0;
}

/* The same value in other octets: what a proxy that reads and writes JSON would make of it. */
static const char *without_escapes(struct arena *a, const char *text)
{
    struct buf b = BUF(a);
    for (const char *p = text; *p; p++)
        if (!(p[0] == '\\' && p[1] == '/'))
            buf_add(&b, p, 1);
    return buf_text(&b);
}

/* The inner object is written once, with "/" escaped as Alipay's own serialiser does, and exactly these
 * octets are signed. */
static void send(struct ali_call *c, const char *key, json_t *inner, bool sign)
{
    struct arena *a = &c->r->a;
    const struct keys *k = c->sb->keys;
    char *dumped = json_dumps(inner, JSON_COMPACT | JSON_ESCAPE_SLASH);
    json_decref(inner);
    const char *text = arena_strdup(a, dumped),
               *shown = planned(c, "reserialised") ? without_escapes(a, text) : text;
    free(dumped);
    struct buf b = BUF(a);
    buf_printf(&b, "{\"%s\":%s", key, shown);
    if (*ali_param(c, "app_cert_sn"))
        buf_printf(&b, ",\"alipay_cert_sn\":\"%s\"", k->alipay_cert_sn);
    if (sign && !planned(c, "unsigned"))
        buf_printf(&b, ",\"sign\":\"%s\"",
                   rsa_sign(a, planned(c, "bad_signature") ? k->forger_key : k->alipay_key, text));
    buf_str(&b, "}");
    c->p->request_id = arena_printf(a, "21%s", draw_digits(c->sb, a, 28));
    reply_text(c->p, 200, "text/html;charset=utf-8", buf_text(&b)); /* so it says, and means JSON */
    reply_header(c->p, "trace_id", c->p->request_id);
}

static const char *answer_key(struct ali_call *c)
{
    char *key = arena_printf(&c->r->a, "%s_response", c->method);
    for (char *p = key; (p = strchr(p, '.')); p++)
        *p = '_';
    return *c->method ? key : "error_response";
}

void ali_ok(struct ali_call *c, json_t *fields)
{
    if (planned(c, "doubtful")) {
        json_decref(fields);
        ali_error(c, "40004", "ACQ.SYSTEM_ERROR", "系统错误");
        return;
    }
    json_t *inner = json_pack("{s:s,s:s}", "code", "10000", "msg", "Success");
    if (fields)
        json_object_update(inner, fields);
    json_decref(fields);
    send(c, answer_key(c), inner, true);
}

static const char *code_text(const char *code)
{
    static const char *const texts[][2] = {
        {"20000", "Service Currently Unavailable"},
        {"40001", "Missing Required Arguments"},
        {"40002", "Invalid Arguments"},
        {"40004", "Business Failed"},
        {"40005", "Call Limited"},
        {"40006", "Insufficient Permissions"},
    };
    for (size_t i = 0; i < N(texts); i++)
        if (strcmp(texts[i][0], code) == 0)
            return texts[i][1];
    return "Error";
}

static void error(struct ali_call *c, const char *code, const char *sub_code, const char *text, bool sign)
{
    c->p->outcome = sub_code;
    send(c, answer_key(c),
         json_pack("{s:s,s:s,s:s,s:s}", "code", code, "msg", code_text(code), "sub_code", sub_code, "sub_msg",
                   text),
         sign);
}

void ali_error(struct ali_call *c, const char *code, const char *sub_code, const char *text)
{
    error(c, code, sub_code, text, true);
}

/* -- who calls ------------------------------------------------------------------------------------------- */

/* Beijing time. */
static int64_t timestamp_ms(struct arena *a, const char *text)
{
    if (strlen(text) != 19 || text[10] != ' ')
        return -1;
    return rfc3339_ms(arena_printf(a, "%.10sT%s+08:00", text, text + 11));
}

static bool refuse(struct ali_call *c, const char *code, const char *sub_code, const char *text)
{
    error(c, code, sub_code, text, false);
    return false;
}

static bool common_fit(struct ali_call *c)
{
    static const char *const needed[][2] = {
        {"app_id", "isv.missing-app-id"},       {"method", "isv.missing-method"},
        {"sign", "isv.missing-signature"},      {"sign_type", "isv.missing-signature-type"},
        {"timestamp", "isv.missing-timestamp"}, {"version", "isv.missing-version"}};
    for (size_t i = 0; i < N(needed); i++)
        if (!*ali_param(c, needed[i][0]))
            return refuse(c, "40001", needed[i][1], "缺少参数");
    const char *format = ali_param(c, "format"), *charset = ali_param(c, "charset");
    if (strcmp(ali_param(c, "app_id"), c->sb->keys->alipay_app_id) != 0)
        return refuse(c, "40002", "isv.invalid-app-id", "无效的AppID参数");
    if (strcmp(ali_param(c, "sign_type"), "RSA2") != 0)
        return refuse(c, "40002", "isv.invalid-signature-type", "无效的签名类型");
    if (*charset && strcasecmp(charset, "utf-8") != 0)
        return refuse(c, "40002", "isv.invalid-charset", "字符集错误");
    if (*format && strcasecmp(format, "json") != 0)
        return refuse(c, "40002", "isv.invalid-format", "无效的数据格式");
    if (!*c->method)
        return refuse(c, "40002", "isv.invalid-method", "不存在的方法名");
    return true;
}

/* Both numbers, or none; Alipay's own is then told with each answer. */
static bool certificates_fit(struct ali_call *c)
{
    const char *app = ali_param(c, "app_cert_sn"), *roots = ali_param(c, "alipay_root_cert_sn");
    if (!*app && !*roots)
        return true;
    return strcmp(app, c->sb->keys->alipay_app_cert_sn) == 0 &&
           strcmp(roots, c->sb->keys->alipay_root_cert_sn) == 0;
}

static bool authenticate(struct ali_call *c)
{
    struct arena *a = &c->r->a;
    if (!common_fit(c))
        return false;
    if (!certificates_fit(c))
        return refuse(c, "40002", "isv.invalid-cert", "证书序列号与应用不匹配");
    int64_t at = timestamp_ms(a, ali_param(c, "timestamp")), now = clock_now_ms();
    const char *text = ali_text(a, c->params, c->n_params, true);
    if (!rsa_verify(c->sb->keys->alipay_app_public, text, ali_param(c, "sign")))
        return refuse(c, "40002", "isv.invalid-signature", "无效签名");
    if (at < 0 || at - now > tolerance_ms || now - at > tolerance_ms)
        return refuse(c, "40002", "isv.invalid-timestamp", "非法的时间戳参数");
    return true;
}

static bool refused_by_plan(struct ali_call *c)
{
    if (planned(c, "fail"))
        ali_error(c, "20000", "isp.unknow-error", "系统繁忙");
    else if (planned(c, "busy"))
        ali_error(c, "40004", "ACQ.SYSTEM_ERROR", "系统错误");
    else if (planned(c, "rate_limited"))
        ali_error(c, "40005", "isv.app-call-limited", "应用调用次数超限");
    else if (planned(c, "no_balance"))
        ali_error(c, "40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH", "商户余额不足");
    else
        return false;
    return true;
}

static void serve_method(struct ali_call *c, void (*serve)(struct ali_call *c))
{
    const char *content = ali_param(c, "biz_content");
    json_t *in = json_loads(content, JSON_REJECT_DUPLICATES, NULL);
    c->in = in;
    if (json_is_object(in))
        serve(c);
    else
        ali_error(c, "40002", "isv.invalid-parameter", "biz_content不是JSON");
    json_decref(in);
}

void alipay_serve(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p)
{
    struct ali_call c = {.sb = sb, .r = r, .p = p, .plan = plan, .method = ""};
    if (strcmp(r->path, bill_path) == 0) {
        ali_bill_file(sb, r, p);
        return;
    }
    if (strcmp(r->path, "/gateway.do") != 0) {
        reply_text(p, 404, "text/html", "not found\n");
        return;
    }
    c.n_params = request_params(r, c.params, ALI_PARAMS);
    void (*serve)(struct ali_call *) = NULL;
    for (size_t i = 0; i < N(methods); i++)
        if (strcmp(methods[i].method, ali_param(&c, "method")) == 0) {
            c.method = methods[i].method;
            serve = methods[i].serve;
        }
    if (authenticate(&c) && !refused_by_plan(&c) && serve)
        serve_method(&c, serve);
}
