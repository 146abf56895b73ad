/* esign_transfer.c - a company is compared, money is sent to its account, the amount is confirmed
 * (identity_service: ikp0qg, duv6iv, laygml, lrwgm0, ovy1ml). Section esign_flows by flowId; the money that
 * was sent in one is in its member transfer: an order to pay replaces the one before.
 */
#include "sandbox/esign.h"
#include "sandbox/register.h"
#include "sandbox/state.h"

#include "base/clock.h"

#include <string.h>

enum {
    TRIES = 3,
    PER_DAY = 10,
    CONFIRM_MS = 7 * 24 * 3600 * 1000,
};

void es_four_factors(struct es_call *c)
{
    static const char *const names[] = {"name", "orgCode", "legalRepName", "legalRepIdNo", NULL};
    struct arena *a = &c->r->a;
    c->p->inputs = json_pack("{s:s,s:s}", "name", mask_person(a, es_in(c, "name")), "credit_code",
                             mask_tail(a, es_in(c, "orgCode")));
    if (!es_need(c, names))
        return;
    struct company_match m = register_company(c->sb, es_in(c, "orgCode"), es_in(c, "name"),
                                              es_in(c, "legalRepName"), es_in(c, "legalRepIdNo"));
    if (!m.credit_code && !m.name) {
        es_error(c, 30504002, "数据源查询失败，请联系服务人员处理", NULL);
        return;
    }
    if (!m.credit_code || !m.name || !m.legal_rep || !m.legal_rep_id) {
        es_error(c, 30504001, "信息比对不通过，请检查信息的正确性", NULL);
        return;
    }
    const char *flow = es_new_flow(c);
    state_put(c->sb->state, "esign_flows", flow,
              json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:i}", "flow", flow, "name", es_in(c, "name"), "our_no",
                        es_in(c, "contextId"), "notify_url", es_in(c, "notifyUrl"), "status", "INIT", "wrong",
                        0, "orders", 0));
    es_ok(c, json_pack("{s:s}", "flowId", flow));
}

/* The flow when it may still be worked with; else answered. */
static json_t *open_flow(struct es_call *c)
{
    json_t *o = state_get(c->sb->state, "esign_flows", c->flow);
    if (!o)
        es_error(c, 30500004, "认证流程不存在", NULL);
    else if (strcmp(member(o, "status"), "FAIL") == 0 || strcmp(member(o, "status"), "SUCCESS") == 0)
        es_error(c, 30500002, "认证流程已结束", NULL);
    else
        return o;
    return NULL;
}

/* -- branches -------------------------------------------------------------------------------------------- */

static json_t *branch(const char *bank, const char *name, const char *cnaps)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s}", "bank", bank, "bankName", name, "cnapsCode", cnaps, "city",
                     "杭州市", "province", "浙江");
}

/* Every branch exists, in Hangzhou; a name that contains 查无 does not, and one that contains 某 is the
 * beginning of two. */
void es_subbranch(struct es_call *c)
{
    const char *word = request_query(c->r, "keyWord"), *cnaps = request_query(c->r, "cnapsCode");
    if (!open_flow(c))
        return;
    if ((!word || !*word) && (!cnaps || !*cnaps)) {
        es_error(c, 30500100, "keyWord与cnapsCode不能同时为空", NULL);
        return;
    }
    json_t *list = json_array();
    struct arena *a = &c->r->a;
    if (cnaps && *cnaps) {
        if (strspn(cnaps, "0123456789") != strlen(cnaps)) {
            json_decref(list);
            es_error(c, 30500101, "参数错误：cnapsCode格式为全数字", NULL);
            return;
        }
        if (strlen(cnaps) == 12)
            json_array_append_new(list, branch("平安银行", "平安银行杭州高新支行", cnaps));
    } else if (strstr(word, "某")) {
        json_array_append_new(list, branch("平安银行", arena_printf(a, "%s东支行", word), "307331002501"));
        json_array_append_new(list, branch("平安银行", arena_printf(a, "%s西支行", word), "307331002502"));
    } else if (!strstr(word, "查无")) {
        json_array_append_new(list, branch("平安银行", word, "307331002584"));
    }
    es_ok(c, json_pack("{s:o}", "list", list));
}

/* -- money ----------------------------------------------------------------------------------------------- */

/* One order more to this account on this day; false when there were too many. */
static bool count_order(struct es_call *c, const char *account)
{
    struct arena *a = &c->r->a;
    const char *key = arena_printf(a, "%.10s %s", beijing_plain(a, clock_now_ms()), account);
    int64_t n = json_integer_value(state_get(c->sb->state, "esign_orders", key));
    if (n >= PER_DAY)
        return false;
    state_put(c->sb->state, "esign_orders", key, json_integer(n + 1));
    return true;
}

static int64_t random_fen(struct es_call *c)
{
    unsigned char raw;
    draw_bytes(c->sb, &raw, 1);
    return 1 + raw % 99;
}

static void tell(struct sandbox *sb, const json_t *o, const char *result)
{
    const json_t *t = json_object_get(o, "transfer");
    es_notify(sb, member(t, "notify_url"),
              json_pack("{s:s,s:I,s:s,s:s,s:s,s:s}", "result", result, "payedTime",
                        (json_int_t)clock_now_ms(), "pizId", member(t, "our_no"), "serviceId",
                        member(t, "service"), "flowId", member(o, "flow"), "action", "identity_org_payed"));
}

static void set_process(struct sandbox *sb, json_t *o, const char *process)
{
    json_object_set_new(json_object_get(o, "transfer"), "process", json_string(process));
    state_touch(sb->state, "esign_flows", member(o, "flow"));
}

static const char *given_or(const char *given, const char *before)
{
    return *given ? given : before;
}

void es_pay(struct es_call *c)
{
    static const char *const names[] = {"bank", "province", "city", "subbranch", "cardNo", "cnapsCode", NULL};
    struct arena *a = &c->r->a;
    const char *account = es_in(c, "cardNo");
    c->p->inputs = json_pack("{s:s}", "account", mask_tail(a, account));
    json_t *o = open_flow(c);
    if (!o || !es_need(c, names))
        return;
    if (strspn(account, "0123456789") != strlen(account) || strlen(account) < 8) {
        es_error(c, 30500101, "参数错误：组织对公账号格式错误", NULL);
        return;
    }
    if (!count_order(c, account)) {
        es_error(c, 30500052, "认证次数已达上限，请使用其他方式认证", NULL);
        return;
    }
    const char *our_no = given_or(es_in(c, "contextId"), member(o, "our_no"));
    const char *url = given_or(es_in(c, "notifyUrl"), member(o, "notify_url"));
    json_object_set_new(o, "status", json_string("ING"));
    json_object_set_new(o, "wrong", json_integer(0));
    json_object_set_new(o, "orders", json_integer(member_int(o, "orders") + 1));
    json_object_set_new(o, "transfer",
                        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I}", "process", "PAID", "account", account,
                                  "branch", es_in(c, "subbranch"), "our_no", our_no, "notify_url", url,
                                  "service", draw_uuid(c->sb, a), "amount_fen", (json_int_t)random_fen(c),
                                  "at_ms", (json_int_t)clock_now_ms()));
    state_touch(c->sb->state, "esign_flows", c->flow);
    const json_t *bank = state_get(c->sb->state, "config", "transfer");
    if (es_planned(c, "closed"))
        es_bank(c->sb, c->flow, NULL, "fail");
    else if (!bank || strcmp(json_string_value(bank), "wait") != 0)
        es_bank(c->sb, c->flow, NULL, "sent");
    es_ok(c, NULL);
}

static json_t *newest_of(struct sandbox *sb, const char *our_no)
{
    const char *key;
    json_t *o, *found = NULL;
    json_object_foreach(state_section(sb->state, "esign_flows"), key,
                        o) if (strcmp(member(o, "our_no"), our_no) == 0) found = o;
    return found;
}

const char *es_bank(struct sandbox *sb, const char *flow, const char *our_no, const char *outcome)
{
    json_t *o = flow && *flow ? state_get(sb->state, "esign_flows", flow) : newest_of(sb, our_no);
    bool sent = strcmp(outcome, "sent") == 0;
    if (!o || !json_object_get(o, "transfer"))
        return "no money is on its way there";
    if (!sent && strcmp(outcome, "fail") != 0)
        return "outcome: sent or fail";
    set_process(sb, o, sent ? "PAID_SUCCESS" : "PAID_FAILED");
    tell(sb, o, sent ? "PAY_SUCCESS" : "FAIL");
    return NULL;
}

static const char *sentence(const char *process)
{
    static const char *const table[][2] = {{"INIT", "未发起打款"},
                                           {"PAID", "打款申请成功"},
                                           {"PAID_SUCCESS", "打款成功"},
                                           {"PAID_FAILED", "打款失败"},
                                           {"ORGANFINISHED", "打款回填成功，企业认证完成"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i][0], process) == 0)
            return table[i][1];
    return "";
}

void es_process(struct es_call *c)
{
    struct arena *a = &c->r->a;
    json_t *o = state_get(c->sb->state, "esign_flows", c->flow);
    bool finished = o && strcmp(member(o, "status"), "SUCCESS") == 0;
    if (!finished && !(o = open_flow(c)))
        return;
    const json_t *t = json_object_get(o, "transfer");
    const char *process = finished ? "ORGANFINISHED" : t ? member(t, "process") : "INIT";
    bool sent = strcmp(process, "PAID_SUCCESS") == 0 || finished;
    c->p->outcome = process;
    es_ok(c, json_pack("{s:s,s:s,s:i,s:i,s:s,s:s,s:s,s:o}", "process", process, "message", sentence(process),
                       "remain", 0, "remainTimes", (int)(PER_DAY - member_int(o, "orders")), "cardNo",
                       mask_tail(a, member(t, "account")), "subbranch", member(t, "branch"), "foresee",
                       arena_strndup(a, beijing_plain(a, clock_now_ms() + 86400000) + 5, 5), "bizFlowNo",
                       sent ? json_string(member(t, "service")) : json_null()));
}

/* -- the amount ------------------------------------------------------------------------------------------ */

static void finish(struct es_call *c, json_t *o, bool good)
{
    struct arena *a = &c->r->a;
    json_object_set_new(o, "status", json_string(good ? "SUCCESS" : "FAIL"));
    state_touch(c->sb->state, "esign_flows", c->flow);
    json_t *body =
        json_pack("{s:s,s:b,s:s,s:s,s:b,s:s}", "flowId", c->flow, "success", good, "contextId",
                  member(o, "our_no"), "serviceId", c->flow, "status", good, "action", "identity_org_end");
    if (good)
        json_object_set_new(body, "verifycode", json_string(draw_lower(c->sb, a, 32)));
    es_notify(c->sb, member(o, "notify_url"), body);
}

void es_confirm(struct es_call *c)
{
    json_t *o = open_flow(c);
    const json_t *amount = json_object_get(c->in, "amount"), *t = json_object_get(o, "transfer");
    if (!o)
        return;
    if (!json_is_number(amount)) {
        es_error(c, 30500100, "缺少参数：amount", NULL);
        return;
    }
    if (strcmp(member(t, "process"), "PAID_SUCCESS") != 0) {
        es_error(c, 30502013, "请重新发起打款", NULL);
        return;
    }
    if (clock_now_ms() - member_int(t, "at_ms") > CONFIRM_MS) {
        es_error(c, 30502014, "回填金额已过时效性，请重新打款", NULL);
        return;
    }
    if ((int64_t)(json_number_value(amount) * 100 + 0.5) == member_int(t, "amount_fen")) {
        finish(c, o, true);
        es_ok(c, NULL);
        return;
    }
    int64_t wrong = member_int(o, "wrong") + 1;
    json_object_set_new(o, "wrong", json_integer(wrong));
    state_touch(c->sb->state, "esign_flows", c->flow);
    if (wrong < TRIES) {
        es_error(c, 30502002, "金额校验失败", NULL);
        return;
    }
    finish(c, o, false);
    es_error(c, 30502003, "验证次数超过限制，请重新发起打款", NULL);
}
