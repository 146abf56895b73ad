/* e签宝's faces: a flow of its own, a link, and its state (identity_service: wbsb6y, qeig5n). */
#include "provider/esign.h"

#include <string.h>

enum err esign_read_session(const struct esign_answer *x, struct identity_face *out, struct fault *f)
{
    struct identity_result why = {0};
    if (x->code != ESIGN_OK) {
        TRY(esign_read_verdict(x, &why, f));
        switch (why.verdict) {
        case IDENTITY_BUSY:
            return fail(f, ERR_PROVIDER_BUSY, "esign: face: %lld", (long long)x->code);
        case IDENTITY_RATE_LIMITED:
            return fail(f, ERR_RATE_LIMITED, "esign: face: %lld", (long long)x->code);
        case IDENTITY_CONFIG_ERROR:
            return fail(f, ERR_PROVIDER_CONFIG, "esign: face: %lld", (long long)x->code);
        default:
            return fail(f, ERR_PROVIDER_REFUSED, "esign: face: %lld", (long long)x->code);
        }
    }
    if (!js_copy(x->data, "flowId", out->token, sizeof out->token) || !esign_flow_ok(out->token) ||
        !js_copy(x->data, "authUrl", out->url, sizeof out->url) || !out->url[0] ||
        !js_int(x->data, "expire", &out->expires_ms) || out->expires_ms <= 0)
        return fail(f, ERR_PROVIDER_UNKNOWN, "esign: face: no flow in the answer");
    return OK;
}

/* Why a face was refused; all else is "not this face, or no live one". */
static void read_reason(const json_t *data, struct identity_result *out)
{
    static const struct {
        const char *code;
        enum identity_verdict verdict;
        unsigned fields;
    } table[] = {
        {"1445902", IDENTITY_MISMATCH, IDENTITY_NAME | IDENTITY_ID_NUMBER},
        {"1445909", IDENTITY_INVALID_INPUT, IDENTITY_NAME},
        {"1445910", IDENTITY_INVALID_INPUT, IDENTITY_ID_NUMBER},
        {"1445409", IDENTITY_BUSY, 0},      /* the network */
        {"1445702", IDENTITY_BUSY, 0},      /* speech recognition */
        {"1445034", IDENTITY_ABANDONED, 0}, /* this browser, this device cannot do it */
        {"1445035", IDENTITY_ABANDONED, 0},
    };
    char code[64];
    if (js_code(data, "failedReasonCode", code, sizeof code))
        text_copy(out->trace.code, sizeof out->trace.code, code);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(code, table[i].code) == 0) {
            out->verdict = table[i].verdict;
            out->fields = table[i].fields;
            return;
        }
    out->verdict = IDENTITY_MISMATCH;
    out->fields = IDENTITY_FACE;
}

enum err esign_read_face(const struct esign_answer *x, struct identity_result *out, struct fault *f)
{
    enum {
        NO_FACE = 30503055 /* the flow is none of faces */
    };
    if (x->code == ESIGN_FLOW_FAILED || x->code == ESIGN_NO_FLOW || x->code == NO_FACE)
        return fail(f, ERR_NOT_FOUND, "esign: no such session");
    if (x->code == ESIGN_FLOW_EXPIRED) {
        out->verdict = IDENTITY_ABANDONED;
        return OK;
    }
    if (x->code != ESIGN_OK)
        return esign_read_verdict(x, out, f);
    const char *status = js_str(x->data, "status");
    out->billed = status && (strcmp(status, "SUCCESS") == 0 || strcmp(status, "FAIL") == 0);
    text_copy(out->trace.message, sizeof out->trace.message, js_str(x->data, "message"));
    if (!status)
        return fail(f, ERR_PROVIDER_UNKNOWN, "esign: a session without status");
    text_copy(out->trace.code, sizeof out->trace.code, status);
    if (strcmp(status, "ING") == 0 || strcmp(status, "SCAN") == 0)
        out->verdict = IDENTITY_PENDING;
    else if (strcmp(status, "SUCCESS") == 0)
        out->verdict = IDENTITY_MATCH;
    else if (strcmp(status, "FAIL") == 0)
        read_reason(x->data, out);
    else
        return fail(f, ERR_PROVIDER_UNKNOWN, "esign: a session in an unknown state");
    return OK;
}

enum err esign_face_start(void *self, const struct identity_person *who, const struct identity_face_order *o,
                          struct arena *a, struct identity_face *out, struct fault *f)
{
    static const struct esign_call call = {.method = "POST", .path = "/v2/identity/auth/api/individual/face"};
    const struct esign *e = self;
    *out = (struct identity_face){0};
    if (!who->name || !who->id_number || !o->our_no)
        return fail(f, ERR_INVALID, "name, identity number and our number are wanted");
    json_t *body = json_pack("{s:s,s:s,s:s,s:s,s:s*,s:s*}", "name", who->name, "idNo",
                             upper_x(a, who->id_number), "faceauthMode", e->face_mode, "contextId", o->our_no,
                             "callbackUrl", o->return_url, "notifyUrl", o->notify_url);
    if (!body)
        return fail(f, ERR_INVALID, "a field is not UTF-8");
    CLEANUP(esign_answer_free)
    struct esign_answer x = {0};
    TRY(esign_send(e, &call, body, a, &x, &out->trace, f));
    return esign_read_session(&x, out, f);
}

enum err esign_face_query(void *self, const char *token, struct arena *a, struct identity_result *out,
                          struct fault *f)
{
    *out = (struct identity_result){0};
    if (!esign_flow_ok(token))
        return fail(f, ERR_NOT_FOUND, "esign: no such session");
    struct esign_call call = {.method = "GET",
                              .path = arena_printf(a, "/v2/identity/auth/pub/individual/%s/face", token)};
    CLEANUP(esign_answer_free)
    struct esign_answer x = {0};
    TRY(esign_send(self, &call, NULL, a, &x, &out->trace, f));
    return esign_read_face(&x, out, f);
}
