/* e签宝's micro-deposits: a company's data are compared, a random amount of 0.01 to 0.99 yuan is sent to its
 * account, and the applicant says how much came (identity_service: ikp0qg, duv6iv, laygml, lrwgm0, ovy1ml).
 * There is no such thing for a person's account.
 *
 * Three calls: the comparison opens a flow; the branch is looked up, because the order to pay wants its
 * province, city and clearing number; the order to pay. Only the last moves money, and each time that it is
 * given it does: nothing but the flow's number tells two orders apart, and nothing finds a flow by our
 * number, except that callbacks carry it. A flow can be confirmed for 7 days, with 3 tries; orders per
 * account and day are limited by the supplier.
 */
#include "provider/esign.h"

#include "base/str.h"

#include <inttypes.h>
#include <string.h>

enum {
    TRIES = 3,
    LIFE_MS = 7 * 24 * 3600 * 1000,
    PAYING_MS = 20000,
    CODE_PAY_FAILED = 1203043,
    CODE_WRONG_AMOUNT = 30502002,
    CODE_NO_TRIES = 30502003,
    CODE_PAY_AGAIN = 30502013,
    CODE_TOO_LATE = 30502014,
};

static const char *flow_path(struct arena *a, const char *flow, const char *what)
{
    return arena_printf(a, "/v2/identity/auth/pub/organization/%s/%s", flow, what);
}

/* -- opening --------------------------------------------------------------------------------------------- */

/* No money moves before the order to pay: whatever is lost here is no doubt, only a price. */
static enum err nothing_moved(enum err e, struct fault *f)
{
    return e == ERR_PROVIDER_UNKNOWN ? fail(f, ERR_PROVIDER_BUSY, "esign: no answer; no money was sent") : e;
}

static enum err read_opened(const struct esign_answer *x, struct identity_transfer *out,
                            struct identity_result *result, struct fault *f)
{
    if (x->code == ESIGN_FLOW_FAILED) { /* 认证失败：企业信息校验未通过 */
        result->verdict = IDENTITY_MISMATCH;
        result->billed = true;
        return OK;
    }
    TRY(esign_read_verdict(x, result, f));
    if (result->verdict == IDENTITY_BUSY)
        return fail(f, ERR_PROVIDER_BUSY, "esign: fourFactors: %lld", (long long)x->code);
    if (result->verdict == IDENTITY_RATE_LIMITED)
        return fail(f, ERR_RATE_LIMITED, "esign: fourFactors: %lld", (long long)x->code);
    if (result->verdict == IDENTITY_CONFIG_ERROR)
        return fail(f, ERR_PROVIDER_CONFIG, "esign: fourFactors: %lld", (long long)x->code);
    if (result->verdict != IDENTITY_MATCH)
        return OK;
    if (!js_copy(x->data, "flowId", out->flow, sizeof out->flow) || !esign_flow_ok(out->flow)) {
        out->flow[0] = '\0';
        return fail(f, ERR_PROVIDER_UNKNOWN, "esign: fourFactors: no flow in the answer");
    }
    return OK;
}

enum err esign_transfer_open(void *self, const struct identity_transfer_order *o, struct arena *a,
                             struct identity_transfer *out, struct identity_result *result, struct fault *f)
{
    static const struct esign_call call = {
        .method = "POST", .path = "/v2/identity/auth/api/organization/enterprise/fourFactors"};
    *out = (struct identity_transfer){.state = TRANSFER_FAILED, .attempts_left = -1};
    *result = (struct identity_result){0};
    if (!o->uscc)
        return fail(f, ERR_INVALID, "esign sends money to companies' accounts only");
    if (!o->our_no || !o->name || !o->legal_rep_name || !o->legal_rep_id)
        return fail(f, ERR_INVALID, "our number and all four factors are wanted");
    json_t *body = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s*}", "name", o->name, "orgCode", o->uscc,
                             "legalRepName", o->legal_rep_name, "legalRepIdNo", upper_x(a, o->legal_rep_id),
                             "contextId", o->our_no, "notifyUrl", o->notify_url);
    if (!body)
        return fail(f, ERR_INVALID, "a field is not UTF-8");
    CLEANUP(esign_answer_free)
    struct esign_answer x = {0};
    enum err e = esign_send(self, &call, body, a, &x, &out->trace, f);
    result->trace = out->trace;
    if (e == OK)
        e = read_opened(&x, out, result, f);
    if (e == OK && out->flow[0])
        out->state = TRANSFER_PENDING;
    return nothing_moved(e, f);
}

/* -- the branch ------------------------------------------------------------------------------------------ */

struct branch {
    const char *bank, *name, *cnaps, *province, *city;
};

static bool read_branch(const json_t *row, struct arena *a, struct branch *out)
{
    *out = (struct branch){.bank = arena_strdup(a, js_str(row, "bank")),
                           .name = arena_strdup(a, js_str(row, "bankName")),
                           .cnaps = arena_strdup(a, js_str(row, "cnapsCode")),
                           .province = arena_strdup(a, js_str(row, "province")),
                           .city = arena_strdup(a, js_str(row, "city"))};
    return out->bank && out->name && out->cnaps && out->province && out->city;
}

/* The one row that has the clearing number, or the whole name; of several that only look like it, none. */
static bool choose(const json_t *list, const struct identity_transfer_order *o, struct arena *a,
                   struct branch *out)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (read_branch(json_array_get(list, i), a, out) &&
            strcmp(o->cnaps_code ? out->cnaps : out->name, o->cnaps_code ? o->cnaps_code : o->branch) == 0)
            return true;
    return !o->cnaps_code && json_array_size(list) == 1 && read_branch(json_array_get(list, 0), a, out);
}

static enum err look_up(const struct esign *e, const struct identity_transfer_order *o, const char *flow,
                        struct arena *a, struct branch *out, struct identity_result *result, struct fault *f)
{
    struct esign_call call = {.method = "GET",
                              .path = flow_path(a, flow, "subbranch"),
                              .query_name = o->cnaps_code ? "cnapsCode" : "keyWord",
                              .query_value = o->cnaps_code ? o->cnaps_code : o->branch};
    CLEANUP(esign_answer_free)
    struct esign_answer x = {0};
    TRY(esign_send(e, &call, NULL, a, &x, &result->trace, f));
    if (x.code == ESIGN_BROKEN)
        return fail(f, ERR_PROVIDER_BUSY, "esign: subbranch: %" PRId64, x.code);
    if (x.code != ESIGN_OK && x.code != 30500101 && x.code != 30500100)
        return fail(f, ERR_PROVIDER_REFUSED, "esign: subbranch: %" PRId64, x.code);
    const json_t *list = json_object_get(x.data, "list");
    if (x.code == ESIGN_OK && list && !json_is_null(list) && !json_is_array(list))
        return fail(f, ERR_PROVIDER_UNKNOWN, "esign: subbranch: no list");
    if (x.code == ESIGN_OK && choose(list, o, a, out))
        return OK;
    result->verdict = IDENTITY_INVALID_INPUT;
    result->fields = IDENTITY_CARD;
    return OK;
}

/* -- the order to pay ------------------------------------------------------------------------------------ */

static enum err read_paid(const struct esign_answer *x, struct identity_transfer *out,
                          struct identity_result *result, struct fault *f)
{
    struct identity_result why = {0};
    switch (x->code) {
    case ESIGN_OK:
        out->state = TRANSFER_PENDING;
        out->billed = true;
        return OK;
    case CODE_PAY_FAILED:
        out->state = TRANSFER_FAILED;
        return OK;
    case ESIGN_BROKEN:
        return fail(f, ERR_PROVIDER_UNKNOWN, "esign: transferRandomAmount: %" PRId64, x->code);
    default:
        break;
    }
    if (esign_read_verdict(x, &why, NULL) != OK)
        return fail(f, ERR_PROVIDER_REFUSED, "esign: transferRandomAmount: %" PRId64, x->code);
    if (why.verdict == IDENTITY_RATE_LIMITED)
        return fail(f, ERR_RATE_LIMITED, "esign: transferRandomAmount: %" PRId64, x->code);
    if (why.verdict == IDENTITY_CONFIG_ERROR)
        return fail(f, ERR_PROVIDER_CONFIG, "esign: transferRandomAmount: %" PRId64, x->code);
    if (why.verdict != IDENTITY_INVALID_INPUT)
        return fail(f, ERR_PROVIDER_REFUSED, "esign: transferRandomAmount: %" PRId64, x->code);
    out->state = TRANSFER_FAILED;
    result->verdict = IDENTITY_INVALID_INPUT;
    result->fields = IDENTITY_CARD;
    return OK;
}

static enum err pay(const struct esign *e, const struct identity_transfer_order *o, const struct branch *b,
                    struct arena *a, struct identity_transfer *out, struct identity_result *result,
                    struct fault *f)
{
    struct esign_call call = {
        .method = "PUT", .path = flow_path(a, out->flow, "transferRandomAmount"), .timeout_ms = PAYING_MS};
    json_t *body = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s*}", "bank", b->bank, "province", b->province,
                             "city", b->city, "subbranch", b->name, "cardNo", o->account_number, "cnapsCode",
                             b->cnaps, "contextId", o->our_no, "notifyUrl", o->notify_url);
    if (!body)
        return fail(f, ERR_INVALID, "a field is not UTF-8");
    CLEANUP(esign_answer_free)
    struct esign_answer x = {0};
    out->expires_ms = e->now_ms() + LIFE_MS;
    out->attempts_left = TRIES;
    TRY(esign_send(e, &call, body, a, &x, &out->trace, f));
    return read_paid(&x, out, result, f);
}

enum err esign_transfer_start(void *self, const struct identity_transfer_order *o, struct arena *a,
                              struct identity_transfer *out, struct identity_result *result, struct fault *f)
{
    *out = (struct identity_transfer){.state = TRANSFER_FAILED, .attempts_left = -1};
    *result = (struct identity_result){0};
    if (!o->our_no || !o->account_number || (!o->branch && !o->cnaps_code))
        return fail(f, ERR_INVALID, "our number, account and branch are wanted");
    if (o->flow) {
        if (!esign_flow_ok(o->flow))
            return fail(f, ERR_NOT_FOUND, "esign: no such flow");
        text_copy(out->flow, sizeof out->flow, o->flow);
        result->verdict = IDENTITY_MATCH; /* the flow is there because the data were judged */
    } else {
        TRY(esign_transfer_open(self, o, a, out, result, f));
        if (!out->flow[0])
            return OK; /* the data do not belong together */
    }
    out->state = TRANSFER_FAILED;
    struct branch b = {0};
    TRY(nothing_moved(look_up(self, o, out->flow, a, &b, result, f), f));
    if (!b.name || result->verdict != IDENTITY_MATCH)
        return OK;
    return pay(self, o, &b, a, out, result, f);
}

/* -- afterwards ------------------------------------------------------------------------------------------ */

enum err esign_read_transfer(const struct esign_answer *x, struct identity_transfer *out, struct fault *f)
{
    static const struct {
        const char *process;
        enum identity_transfer_state state;
    } table[] = {
        {"PAID", TRANSFER_PENDING},
        {"PAID_SUCCESS", TRANSFER_SENT},
        {"ORGANFINISHED", TRANSFER_SENT}, /* and confirmed */
        {"PAID_FAILED", TRANSFER_FAILED},
    };
    if (x->code == ESIGN_NO_FLOW)
        return fail(f, ERR_NOT_FOUND, "esign: no such flow");
    if (x->code == ESIGN_FLOW_OVER || x->code == ESIGN_FLOW_EXPIRED) {
        out->state = TRANSFER_FAILED;
        return OK;
    }
    if (x->code == ESIGN_BROKEN)
        return fail(f, ERR_PROVIDER_BUSY, "esign: transferProcess: %" PRId64, x->code);
    if (x->code != ESIGN_OK)
        return fail(f, ERR_PROVIDER_REFUSED, "esign: transferProcess: %" PRId64, x->code);
    const char *process = js_str(x->data, "process");
    if (process && strcmp(process, "INIT") == 0)
        return fail(f, ERR_NOT_FOUND, "esign: no order to pay in this flow");
    for (size_t i = 0; process && i < sizeof table / sizeof *table; i++) {
        if (strcmp(process, table[i].process) != 0)
            continue;
        out->state = table[i].state;
        out->billed = out->state != TRANSFER_FAILED;
        text_copy(out->trace.code, sizeof out->trace.code, process);
        text_copy(out->trace.message, sizeof out->trace.message, js_str(x->data, "message"));
        text_copy(out->trace.request_id, sizeof out->trace.request_id, js_str(x->data, "bizFlowNo"));
        return OK;
    }
    return fail(f, ERR_PROVIDER_UNKNOWN, "esign: a transfer in an unknown state");
}

enum err esign_transfer_query(void *self, const char *flow, struct arena *a, struct identity_transfer *out,
                              struct fault *f)
{
    *out = (struct identity_transfer){.attempts_left = -1};
    if (!esign_flow_ok(flow))
        return fail(f, ERR_NOT_FOUND, "esign: no such flow");
    text_copy(out->flow, sizeof out->flow, flow);
    struct esign_call call = {.method = "GET", .path = flow_path(a, flow, "transferProcess")};
    CLEANUP(esign_answer_free)
    struct esign_answer x = {0};
    TRY(esign_send(self, &call, NULL, a, &x, &out->trace, f));
    return esign_read_transfer(&x, out, f);
}

enum err esign_read_confirm(const struct esign_answer *x, struct identity_transfer *out,
                            struct identity_result *result, struct fault *f)
{
    switch (x->code) {
    case ESIGN_OK:
        result->verdict = IDENTITY_MATCH;
        out->state = TRANSFER_SENT;
        return OK;
    case CODE_WRONG_AMOUNT:
        result->verdict = IDENTITY_MISMATCH;
        out->state = TRANSFER_SENT;
        return OK;
    case CODE_NO_TRIES:
        result->verdict = IDENTITY_MISMATCH;
        out->state = TRANSFER_FAILED;
        out->attempts_left = 0;
        return OK;
    case CODE_PAY_AGAIN:
    case CODE_TOO_LATE:
    case ESIGN_FLOW_OVER:
    case ESIGN_FLOW_EXPIRED:
        result->verdict = IDENTITY_ABANDONED;
        out->state = TRANSFER_FAILED;
        out->attempts_left = 0;
        return OK;
    case ESIGN_NO_FLOW:
        return fail(f, ERR_NOT_FOUND, "esign: no such flow");
    case ESIGN_BROKEN:
        return fail(f, ERR_PROVIDER_UNKNOWN, "esign: verifyRandomAmount: %" PRId64, x->code);
    default:
        return fail(f, ERR_PROVIDER_REFUSED, "esign: verifyRandomAmount: %" PRId64, x->code);
    }
}

/* A flow that is over may be over because the amount was right, in a call whose answer was lost. */
static enum err over_because_right(void *self, struct arena *a, struct identity_transfer *out,
                                   struct identity_result *result, struct fault *f)
{
    struct identity_transfer now;
    TRY(esign_transfer_query(self, out->flow, a, &now, f));
    if (strcmp(now.trace.code, "ORGANFINISHED") != 0)
        return OK;
    result->verdict = IDENTITY_MATCH;
    out->state = TRANSFER_SENT;
    out->attempts_left = -1;
    return OK;
}

enum err esign_transfer_confirm(void *self, const char *flow, int64_t amount_fen, struct arena *a,
                                struct identity_transfer *out, struct identity_result *result,
                                struct fault *f)
{
    *out = (struct identity_transfer){.attempts_left = -1};
    *result = (struct identity_result){0};
    if (!esign_flow_ok(flow))
        return fail(f, ERR_NOT_FOUND, "esign: no such flow");
    if (amount_fen < 1 || amount_fen > 99)
        return fail(f, ERR_INVALID, "the amount is between 0.01 and 0.99 yuan");
    text_copy(out->flow, sizeof out->flow, flow);
    struct esign_call call = {.method = "PUT", .path = flow_path(a, flow, "verifyRandomAmount")};
    CLEANUP(esign_answer_free)
    struct esign_answer x = {0};
    json_t *body = json_pack("{s:f}", "amount", (double)amount_fen / 100);
    enum err e = esign_send(self, &call, body, a, &x, &out->trace, f);
    result->trace = out->trace;
    TRY(e);
    TRY(esign_read_confirm(&x, out, result, f));
    return x.code == ESIGN_FLOW_OVER ? over_because_right(self, a, out, result, f) : OK;
}
