/* kuaidi100.c - query, subscription and push.
 *
 * Faults of action "push": never, twice, late (`ms`, 60 000), forged (a push with a wrong sign, then the true
 * one), unsigned (without sign, then the true one). A parcel that is nowhere known has no record yet.
 */
#include "sandbox/kuaidi100.h"

#include "base/clock.h"
#include "sandbox/call.h"
#include "sandbox/crypto.h"
#include "sandbox/keys.h"
#include "sandbox/push.h"
#include "sandbox/state.h"
#include "sandbox/suppliers.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *code, *text;
} states[] = {{"0", "在途"},    {"1", "揽收"},    {"2", "疑难"},      {"3", "签收"}, {"4", "退签"},
              {"5", "派件"},    {"6", "退回"},    {"7", "转投"},      {"8", "清关"}, {"10", "待清关"},
              {"11", "清关中"}, {"12", "已清关"}, {"13", "清关异常"}, {"14", "拒签"}};

static const char *const couriers[] = {"shunfeng", "ems", "youzhengguonei", "zhongtong", "yuantong", "yunda",
                                       "shentong", "jd",  "debangkuaidi",   "jtexpress"};

const char *kuaidi100_state_text(const char *state)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(states[i].code, state) == 0)
            return states[i].text;
    return "";
}

static bool courier_known(const char *company)
{
    for (size_t i = 0; i < sizeof couriers / sizeof *couriers; i++)
        if (strcmp(couriers[i], company) == 0)
            return true;
    return false;
}

static bool number_ok(const char *number)
{
    size_t n = strlen(number);
    return n >= 6 && n <= 32 &&
           strspn(number, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-") == n;
}

const char *kuaidi100_action(struct request *r)
{
    return strcmp(r->path, "/poll/query.do") == 0 ? "query"
           : strcmp(r->path, "/poll") == 0        ? "subscribe"
                                                  : "unknown";
}

static void say(struct request *r, struct reply *p, bool ok, const char *code, const char *message)
{
    (void)r;
    p->outcome = code;
    reply_json(p, 200, json_pack("{s:b,s:s,s:s}", "result", ok, "returnCode", code, "message", message));
}

/* The result that query and push share: the whole list, newest first. */
static json_t *result(const json_t *parcel, const char *company, const char *number)
{
    const char *state = parcel ? member(parcel, "state") : "0";
    json_t *data = parcel ? json_deep_copy(json_object_get(parcel, "events")) : json_array();
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "message", "ok", "nu", number, "ischeck",
                     strcmp(state, "3") == 0 ? "1" : "0", "com", company, "status", "200", "state", state,
                     "condition", "00", "data", data);
}

/* Refusals that both calls share; true when the call may go on. */
static bool allowed(struct request *r, const struct plan *plan, struct reply *p)
{
    if (strcmp(r->method, "POST") != 0)
        say(r, p, false, "400", "请求方式错误");
    else if (strcmp(plan->kind, "fail") == 0 || strcmp(plan->kind, "busy") == 0)
        say(r, p, false, "500", "服务器错误");
    else if (strcmp(plan->kind, "bad_signature") == 0)
        say(r, p, false, "503", "验证签名失败");
    else if (strcmp(plan->kind, "rate_limited") == 0)
        say(r, p, false, "505", "请求过于频繁");
    else
        return true;
    return false;
}

static void log_parcel(struct reply *p, const char *company, const char *number)
{
    p->inputs = json_pack("{s:s,s:s}", "company", company, "number", number);
}

/* SF answers only who knows the last four digits of a phone on the label. */
static bool phone_given(const json_t *in, const char *company)
{
    return strcmp(company, "shunfeng") != 0 || strlen(member(in, "phone")) >= 4;
}

static void query(struct sandbox *sb, struct request *r, struct reply *p)
{
    const char *param = request_form(r, "param"), *sign = request_form(r, "sign");
    const char *customer = request_form(r, "customer");
    const struct keys *k = sb->keys;
    json_t *in = param ? json_loads(param, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *company = member(in, "com"), *number = member(in, "num");
    log_parcel(p, company, number);
    const json_t *parcel = number_ok(number) ? state_get(sb->state, "parcels", number) : NULL;
    if (!param || !sign || !customer || strcmp(customer, k->kuaidi100_customer) != 0)
        say(r, p, false, "400", "提交的数据不完整，或者贵公司没授权");
    else if (strcmp(sign, md5_upper(&r->a, arena_printf(&r->a, "%s%s%s", param, k->kuaidi100_key, customer))))
        say(r, p, false, "503", "验证签名失败");
    else if (!courier_known(company) || !number_ok(number))
        say(r, p, false, "400", "找不到对应公司");
    else if (!phone_given(in, company))
        say(r, p, false, "408", "快递公司参数异常：验证码错误");
    else if (!parcel || strcmp(member(parcel, "company"), company) != 0)
        say(r, p, false, "500", "查询无结果，请隔段时间再查");
    else
        reply_json(p, 200, result(parcel, company, number));
    json_decref(in);
}

static bool callback_ok(const char *url)
{
    return (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0) && strlen(url) < 512;
}

static void subscribe(struct sandbox *sb, struct request *r, struct reply *p)
{
    const char *schema = request_form(r, "schema"), *param = request_form(r, "param");
    json_t *in = param ? json_loads(param, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *more = json_object_get(in, "parameters");
    const char *company = member(in, "company"), *number = member(in, "number");
    log_parcel(p, company, number);
    if (!in || !schema || strcmp(schema, "json") != 0)
        say(r, p, false, "500", "schema或param错误");
    else if (strcmp(member(in, "key"), sb->keys->kuaidi100_key) != 0)
        say(r, p, false, "600", "您不是合法的订阅者（即授权Key出错）");
    else if (!courier_known(company) || !number_ok(number) || !callback_ok(member(more, "callbackurl")))
        say(r, p, false, "700", "订阅方的订阅数据存在错误（如不支持的快递公司、单号为空、单号超长等）");
    else if (!phone_given(more, company))
        say(r, p, false, "700", "订阅方的订阅数据存在错误（顺丰单号必须填写手机号）");
    else if (state_get(sb->state, "subscriptions", number))
        say(r, p, false, "501", "重复订阅");
    else {
        state_put(sb->state, "subscriptions", number,
                  json_pack("{s:s,s:s,s:s}", "company", company, "url", member(more, "callbackurl"), "salt",
                            member(more, "salt")));
        say(r, p, true, "200", "提交成功");
    }
    json_decref(in);
}

void kuaidi100_serve(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p)
{
    const char *action = kuaidi100_action(r);
    if (!allowed(r, plan, p))
        return;
    if (strcmp(action, "query") == 0)
        query(sb, r, p);
    else if (strcmp(action, "subscribe") == 0)
        subscribe(sb, r, p);
    else
        reply_text(p, 404, "text/plain", "no such path\n");
}

/* The last push of a parcel says that no more will come. */
static bool is_end(const char *state)
{
    return strcmp(state, "3") == 0 || strcmp(state, "4") == 0;
}

static void push(struct sandbox *sb, const char *number, const json_t *parcel)
{
    const json_t *sub = state_get(sb->state, "subscriptions", number);
    if (!sub)
        return;
    struct plan plan = fault_take(sb, "kuaidi100", "push");
    if (strcmp(plan.kind, "never") == 0) {
        call_log(sb, "kuaidi100", "push", number, "not sent", plan.kind, NULL);
        return;
    }
    const char *company = member(parcel, "company"), *url = member(sub, "url");
    json_t *param = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "status",
                              is_end(member(parcel, "state")) ? "shutdown" : "polling", "billstatus", "got",
                              "message", "", "autoCheck", "0", "comOld", "", "comNew", "", "lastResult",
                              result(parcel, company, number));
    char *text = json_dumps(param, JSON_COMPACT);
    json_decref(param);
    json_t *event = json_pack("{s:s,s:s,s:s}", "id", number, "param", text, "salt", member(sub, "salt"));
    free(text);
    if (strcmp(plan.kind, "forged") == 0 || strcmp(plan.kind, "unsigned") == 0)
        deliver_queue(sb, &kuaidi100_caller, url, json_incref(event), plan.kind, 0);
    if (strcmp(plan.kind, "twice") == 0)
        deliver_queue(sb, &kuaidi100_caller, url, json_incref(event), "", 0);
    bool late = strcmp(plan.kind, "late") == 0;
    deliver_queue(sb, &kuaidi100_caller, url, event, "", !late ? 0 : plan.ms >= 0 ? plan.ms : 60000);
}

bool kuaidi100_advance(struct sandbox *sb, const char *company, const char *number, const char *state,
                       const char *context, const char *location)
{
    const json_t *sub = number_ok(number) ? state_get(sb->state, "subscriptions", number) : NULL;
    const char *text = kuaidi100_state_text(state);
    if (!number_ok(number) || !*text)
        return false;
    struct arena a;
    arena_init(&a, 0);
    json_t *parcel = state_get(sb->state, "parcels", number);
    if (!parcel) {
        const char *whose = *company ? company : sub ? member(sub, "company") : "shunfeng";
        parcel = json_pack("{s:s,s:s,s:[]}", "company", whose, "state", state, "events");
        state_put(sb->state, "parcels", number, parcel);
    }
    const char *now = beijing_plain(&a, clock_now_ms());
    json_object_set_new(parcel, "state", json_string(state));
    json_array_insert_new(json_object_get(parcel, "events"), 0,
                          json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "time", now, "ftime", now, "context",
                                    *context ? context : text, "location", location, "status", text,
                                    "statusCode", state));
    state_touch(sb->state, "parcels", number);
    push(sb, number, parcel);
    arena_free(&a);
    return true;
}

static void build(struct sandbox *sb, struct arena *a, const json_t *event, const char *trick,
                  struct parcel *out)
{
    (void)sb;
    const char *param = member(event, "param"), *salt = member(event, "salt");
    if (strcmp(trick, "forged") == 0)
        salt = "somebody else's salt";
    char *escaped = curl_easy_escape(NULL, param, 0);
    out->type = "application/x-www-form-urlencoded";
    out->body =
        *salt && strcmp(trick, "unsigned") != 0
            ? arena_printf(a, "sign=%s&param=%s", md5_upper(a, arena_printf(a, "%s%s", param, salt)), escaped)
            : arena_printf(a, "param=%s", escaped);
    curl_free(escaped);
}

static bool accepted(long status, const char *body)
{
    json_t *o = json_loads(body, 0, NULL);
    bool ok = status == 200 && json_is_true(json_object_get(o, "result"));
    json_decref(o);
    return ok;
}

static const int schedule_s[] = {1800, 1800, 1800, 0};

const struct caller kuaidi100_caller = {"kuaidi100", "push", schedule_s, accepted, build};
