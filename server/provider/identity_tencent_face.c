/* Tencent Cloud's face product: DetectAuth opens a session, GetDetectInfoEnhanced asks how it ended (faceid
 * 2018-03-01). Only text is asked for, never pictures. providers.md 3.2; the table of results is the
 * supplier's own (document 1007/31082, "Plus").
 *
 * The supplier pushes nothing: ask, with pauses that grow, until expires_ms. Results can be asked for three
 * days.
 */
#include "provider/identity_tencent.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum {
    SESSION_MS = 2 * 3600 * 1000,
    SAME_PERSON = 70, /* of 100; a lower similarity cannot be a success */
};

/* What the final result of a session (Text.ErrCode) says. What may be tried again at once is a failed try of
 * the person's: the face was not seen to be live, or not seen well. */
static const struct face_row {
    int code;
    enum identity_verdict verdict;
    bool billed;
    unsigned fields;
} rows[] = {
    {0, IDENTITY_MATCH, true, 0},
    {1, IDENTITY_CONFIG_ERROR, false, 0},
    {2, IDENTITY_CONFIG_ERROR, false, 0},
    {3, IDENTITY_CONFIG_ERROR, false, 0},
    {4, IDENTITY_BUSY, false, 0},
    {8, IDENTITY_BUSY, false, 0},
    {10, IDENTITY_BUSY, false, 0},
    {12, IDENTITY_BUSY, false, 0},
    {13, IDENTITY_BUSY, false, 0},
    {15, IDENTITY_ABANDONED, false, 0}, /* the session's time is over */
    {16, IDENTITY_RATE_LIMITED, false, 0},
    {17, IDENTITY_PENDING, false, 0},
    {201, IDENTITY_BUSY, false, 0},
    {202, IDENTITY_BUSY, false, 0},
    {203, IDENTITY_CONFIG_ERROR, false, 0},
    {204, IDENTITY_CONFIG_ERROR, false, 0},
    {301, IDENTITY_MISMATCH, false, IDENTITY_ID_NUMBER},
    {302, IDENTITY_NOT_FOUND, false, IDENTITY_ID_NUMBER}, /* the document has expired */
    {303, IDENTITY_BUSY, false, 0},
    {1001, IDENTITY_BUSY, false, 0},
    {1002, IDENTITY_MISMATCH, true, IDENTITY_FACE}, /* a recording */
    {1003, IDENTITY_MISMATCH, false, IDENTITY_FACE},
    {1004, IDENTITY_MISMATCH, false, IDENTITY_FACE},
    {1005, IDENTITY_MISMATCH, false, IDENTITY_FACE},
    {1006, IDENTITY_BUSY, false, 0},
    {1007, IDENTITY_BUSY, false, 0},
    {1008, IDENTITY_BUSY, false, 0},
    {2001, IDENTITY_BUSY, false, 0},
    {2002, IDENTITY_INVALID_INPUT, false, IDENTITY_NAME},
    {2003, IDENTITY_INVALID_INPUT, false, IDENTITY_ID_NUMBER},
    {2004, IDENTITY_MISMATCH, false, IDENTITY_FACE},
    {2005, IDENTITY_NOT_FOUND, false, 0},
    {2006, IDENTITY_MISMATCH, true, IDENTITY_NAME | IDENTITY_ID_NUMBER},
    {2007, IDENTITY_NOT_FOUND, false, 0}, /* the register has no picture, or a bad one */
    {2008, IDENTITY_NOT_FOUND, false, 0},
    {2009, IDENTITY_NOT_FOUND, false, 0},
    {2010, IDENTITY_MISMATCH, false, IDENTITY_FACE},
    {2016, IDENTITY_MISMATCH, true, IDENTITY_FACE}, /* somebody else */
};

enum err tencent_read_session(const json_t *r, struct identity_face *out, struct fault *f)
{
    if (!js_copy(r, "BizToken", out->token, sizeof out->token) || !out->token[0] ||
        !js_copy(r, "Url", out->url, sizeof out->url) || !out->url[0])
        return fail(f, ERR_PROVIDER_UNKNOWN, "DetectAuth: no session in the answer");
    return OK;
}

/* A success whose parts say otherwise. */
static bool contradicts(const json_t *text)
{
    static const char *const parts[] = {"LiveStatus", "Comparestatus"};
    int64_t n = 0;
    for (size_t i = 0; i < 2; i++)
        if (js_int(text, parts[i], &n) && n != 0)
            return true;
    const char *sim = js_str(text, "Sim");
    char *end = NULL;
    double similarity = sim && *sim ? strtod(sim, &end) : 100;
    return (end && *end) || !(similarity >= SAME_PERSON && similarity <= 100);
}

enum err tencent_read_face(const json_t *r, struct identity_result *out, struct fault *f)
{
    const json_t *text = json_object_get(r, "Text");
    if (!text || json_is_null(text)) {
        out->verdict = IDENTITY_PENDING;
        return OK;
    }
    const json_t *code = json_object_get(text, "ErrCode");
    if (json_is_object(text) && (!code || json_is_null(code))) {
        out->verdict = IDENTITY_PENDING;
        return OK;
    }
    if (!json_is_integer(code))
        return fail(f, ERR_PROVIDER_UNKNOWN, "GetDetectInfoEnhanced: a result that is no number");
    js_code(text, "ErrCode", out->trace.code, sizeof out->trace.code);
    text_copy(out->trace.message, sizeof out->trace.message, js_str(text, "ErrMsg"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (json_integer_value(code) != rows[i].code)
            continue;
        if (rows[i].verdict == IDENTITY_MATCH && contradicts(text))
            return fail(f, ERR_PROVIDER_UNKNOWN, "GetDetectInfoEnhanced: contradicts itself");
        out->verdict = rows[i].verdict;
        out->billed = rows[i].billed;
        out->fields = rows[i].fields;
        return OK;
    }
    return fail(f, ERR_PROVIDER_UNKNOWN, "GetDetectInfoEnhanced: unknown result \"%s\"", out->trace.code);
}

enum err tencent_face_start(void *self, const struct identity_person *who,
                            const struct identity_face_order *o, struct arena *a, struct identity_face *out,
                            struct fault *f)
{
    static const struct tencent_call call = {"identity", "faceid", "DetectAuth", "2018-03-01", 0};
    const struct tencent_identity *t = self;
    *out = (struct identity_face){0};
    if (!who->name || !who->id_number || !o->our_no)
        return fail(f, ERR_INVALID, "name, identity number and our number are wanted");
    json_t *params =
        json_pack("{s:s,s:s,s:s,s:s,s:s*}", "RuleId", t->rule_id, "IdCard", upper_x(a, who->id_number),
                  "Name", who->name, "Extra", o->our_no, "RedirectUrl", o->return_url);
    CLEANUP(js_free)
    json_t *r = NULL;
    int64_t now = t->faceid.now_ms();
    TRY(tencent_send(&t->faceid, &call, params, a, &r, &out->trace, f));
    TRY(tencent_read_session(r, out, f));
    out->expires_ms = now + SESSION_MS;
    return OK;
}

enum err tencent_face_query(void *self, const char *token, struct arena *a, struct identity_result *out,
                            struct fault *f)
{
    static const struct tencent_call call = {"identity", "faceid", "GetDetectInfoEnhanced", "2018-03-01", 0};
    const struct tencent_identity *t = self;
    *out = (struct identity_result){0};
    json_t *params = json_pack("{s:s,s:s,s:s}", "BizToken", token, "RuleId", t->rule_id, "InfoType", "1");
    enum err e = tencent_ask(&t->faceid, &call, params, tencent_read_face, a, out, f);
    if (e == OK && strcmp(out->trace.code, "InvalidParameterValue.BizTokenExpired") == 0)
        out->verdict = IDENTITY_ABANDONED;
    if (e == OK && strcmp(out->trace.code, "InvalidParameterValue.BizTokenIllegal") == 0)
        return fail(f, ERR_NOT_FOUND, "GetDetectInfoEnhanced: no such session");
    return e;
}
