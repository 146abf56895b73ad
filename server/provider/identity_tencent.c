/* Tencent Cloud: PhoneVerification and BankCard4EVerification (faceid 2018-03-01),
 * VerifyBizLicenseEnterprise4 (ocr 2018-11-19). providers.md 3.2, 3.3. Faces: identity_tencent_face.c. */
#include "provider/identity_tencent.h"

#include <stdlib.h>
#include <string.h>

enum {
    OCR_TIMEOUT_MS = 20000
};

const struct provider_setting tencent_identity_settings[] = {
    {"secret_id", "Tencent Cloud SecretId", true, false, NULL},
    {"secret_key", "Tencent Cloud SecretKey", true, true, NULL},
    {"region", "region header, where the account needs one", false, false, NULL},
    {"faceid_url", "address of the faceid product", true, false, "https://faceid.tencentcloudapi.com/"},
    {"ocr_url", "address of the ocr product", true, false, "https://ocr.tencentcloudapi.com/"},
    {"rule_id", "RuleId of the face product, from its console; without it no faces are checked", false, false,
     NULL},
    {0},
};

/* What a result code says. */
struct code_row {
    const char *code;
    enum identity_verdict verdict;
    bool billed;
    unsigned fields;
};

static enum err read_code(const char *action, const struct code_row *rows, size_t n, const json_t *r,
                          struct identity_result *out, struct fault *f)
{
    const char *code = js_str(r, "Result");
    text_copy(out->trace.code, sizeof out->trace.code, code);
    text_copy(out->trace.message, sizeof out->trace.message, js_str(r, "Description"));
    for (size_t i = 0; code && i < n; i++) {
        if (strcmp(code, rows[i].code) != 0)
            continue;
        out->verdict = rows[i].verdict;
        out->billed = rows[i].billed;
        out->fields = rows[i].fields;
        return OK;
    }
    return fail(f, ERR_PROVIDER_UNKNOWN, "%s: unknown result \"%s\"", action, out->trace.code);
}

/* -- name, identity number, phone ------------------------------------------------------------------------ */

static const struct code_row phone_rows[] = {
    {"0", IDENTITY_MATCH, true, 0},
    {"-4", IDENTITY_MISMATCH, true, 0},
    {"-6", IDENTITY_INVALID_INPUT, false, IDENTITY_PHONE},
    {"-7", IDENTITY_INVALID_INPUT, false, IDENTITY_ID_NUMBER},
    {"-8", IDENTITY_INVALID_INPUT, false, IDENTITY_NAME},
    {"-9", IDENTITY_NOT_FOUND, false, 0},
    {"-11", IDENTITY_BUSY, false, 0},
    {"-12", IDENTITY_RATE_LIMITED, false, 0},
    {"-13", IDENTITY_NOT_FOUND, false, IDENTITY_PHONE},
};

/* Detail mode: which of the three disagrees with the other two. */
static unsigned phone_fields(const char *detail)
{
    static const struct {
        const char *detail;
        unsigned fields;
    } table[] = {
        {"PhoneIdCardMismatch", IDENTITY_ID_NUMBER},
        {"PhoneNameMismatch", IDENTITY_NAME},
        {"PhoneNameIdCardMismatch", IDENTITY_PHONE},
        {"NameIdCardMismatch", IDENTITY_NAME | IDENTITY_ID_NUMBER},
    };
    for (size_t i = 0; detail && i < sizeof table / sizeof *table; i++)
        if (strcmp(detail, table[i].detail) == 0)
            return table[i].fields;
    return 0;
}

enum err tencent_read_phone3(const json_t *r, struct identity_result *out, struct fault *f)
{
    TRY(read_code("PhoneVerification", phone_rows, sizeof phone_rows / sizeof *phone_rows, r, out, f));
    if (out->verdict == IDENTITY_MISMATCH)
        out->fields = phone_fields(js_str(r, "ResultDetail"));
    return OK;
}

/* -- name, identity number, card, phone ------------------------------------------------------------------ */

/* A card that is lost, locked or closed proves nothing about its holder: another card is needed, as for one
 * that no bank knows. */
static const struct code_row bank_rows[] = {
    {"0", IDENTITY_MATCH, true, 0},
    {"-1", IDENTITY_MISMATCH, true, 0},
    {"-2", IDENTITY_INVALID_INPUT, false, IDENTITY_NAME},
    {"-3", IDENTITY_INVALID_INPUT, false, IDENTITY_ID_NUMBER},
    {"-4", IDENTITY_INVALID_INPUT, false, IDENTITY_CARD},
    {"-5", IDENTITY_INVALID_INPUT, false, IDENTITY_PHONE},
    {"-6", IDENTITY_MISMATCH, true, IDENTITY_NAME | IDENTITY_ID_NUMBER}, /* 持卡人信息有误 */
    {"-7", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},                     /* no payments without the card */
    {"-8", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},                     /* confiscated */
    {"-9", IDENTITY_INVALID_INPUT, true, IDENTITY_CARD},                 /* no such number */
    {"-10", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},                    /* no issuer */
    {"-11", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},                    /* not in use */
    {"-12", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},                    /* cheated with, swallowed */
    {"-13", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},                    /* reported lost */
    {"-14", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},                    /* expired */
    {"-15", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},                    /* restricted */
    {"-16", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},                    /* PIN tries used up */
    {"-17", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},                    /* its bank does not do this */
    {"-18", IDENTITY_BUSY, false, 0},
    {"-19", IDENTITY_RATE_LIMITED, false, 0},
    {"-20", IDENTITY_NOT_FOUND, false, IDENTITY_ID_NUMBER},
    {"-21", IDENTITY_NOT_FOUND, true, IDENTITY_CARD}, /* in an abnormal state */
};

enum err tencent_read_bank4(const json_t *r, struct identity_result *out, struct fault *f)
{
    return read_code("BankCard4EVerification", bank_rows, sizeof bank_rows / sizeof *bank_rows, r, out, f);
}

/* -- enterprise ------------------------------------------------------------------------------------------ */

static enum operating_status operating(const char *s)
{
    static const enum operating_status table[] = {
        OPERATING_OTHER,           OPERATING_NORMAL,    OPERATING_MOVED_OUT, OPERATING_CANCELLED,
        OPERATING_LICENCE_REVOKED, OPERATING_RESCINDED, OPERATING_SUSPENDED, OPERATING_REGISTRATION_RESCINDED,
    };
    if (!s || strlen(s) != 1 || s[0] < '0' || s[0] > '7')
        return OPERATING_UNKNOWN; /* "/", "-10002" */
    return table[s[0] - '0'];
}

static enum err read_mismatch(const json_t *r, struct identity_result *out, struct fault *f)
{
    static const struct {
        const char *key;
        unsigned field;
    } table[] = {
        {"IsCreditCodeConsistent", IDENTITY_USCC},
        {"IsEntNameConsistent", IDENTITY_ENTERPRISE_NAME},
        {"IsLrNameConsistent", IDENTITY_LEGAL_REP_NAME},
        {"IsIdNumConsistent", IDENTITY_LEGAL_REP_ID},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const json_t *v = json_object_get(r, table[i].key);
        if (!json_is_boolean(v))
            return fail(f, ERR_PROVIDER_UNKNOWN, "VerifyBizLicenseEnterprise4: no %s", table[i].key);
        if (json_is_false(v))
            out->fields |= table[i].field;
    }
    /* neither name nor code on the register: there is no such company */
    unsigned both = IDENTITY_USCC | IDENTITY_ENTERPRISE_NAME;
    out->verdict = (out->fields & both) == both ? IDENTITY_NOT_FOUND : IDENTITY_MISMATCH;
    return OK;
}

enum err tencent_read_enterprise4(const json_t *r, struct identity_result *out, struct fault *f)
{
    int64_t status = -1, verified = -1;
    if (!js_int(r, "StatusCode", &status))
        return fail(f, ERR_PROVIDER_UNKNOWN, "VerifyBizLicenseEnterprise4: no StatusCode");
    js_code(r, "StatusCode", out->trace.code, sizeof out->trace.code);
    if (status == 1) {
        out->verdict = IDENTITY_BUSY;
        return OK;
    }
    if (status != 0 || !js_int(r, "VerifyResult", &verified) || (verified != 0 && verified != 1))
        return fail(f, ERR_PROVIDER_UNKNOWN, "VerifyBizLicenseEnterprise4: a result that we do not know");
    TRY(read_mismatch(r, out, f));
    if (verified == 1 && out->fields)
        return fail(f, ERR_PROVIDER_UNKNOWN, "VerifyBizLicenseEnterprise4: contradicts itself");
    if (verified == 1)
        out->verdict = IDENTITY_MATCH;
    out->billed = true;
    out->operating = operating(js_str(r, "OperatingStatus"));
    out->operating_refused = operating_status_refused(out->operating);
    text_copy(out->operating_period, sizeof out->operating_period, js_str(r, "OperatingPeriod"));
    return OK;
}

/* -- calls ----------------------------------------------------------------------------------------------- */

enum err tencent_verdict(enum err e, struct identity_result *out)
{
    if (!out->trace.code[0])
        return e; /* not answered, or not understood */
    switch (e) {
    case ERR_RATE_LIMITED:
        out->verdict = IDENTITY_RATE_LIMITED;
        return OK;
    case ERR_PROVIDER_CONFIG:
        out->verdict = IDENTITY_CONFIG_ERROR;
        return OK;
    case ERR_PROVIDER_BUSY:
        out->verdict = IDENTITY_BUSY;
        return OK;
    case ERR_PROVIDER_REFUSED:
        /* the rest of FailedOperation is the data source's trouble, not the data's */
        out->verdict =
            tencent_code_in(out->trace.code, "FailedOperation") ? IDENTITY_BUSY : IDENTITY_INVALID_INPUT;
        return OK;
    default:
        return e;
    }
}

enum err tencent_ask(const struct tencent *t, const struct tencent_call *call, json_t *params,
                     enum err (*read)(const json_t *, struct identity_result *, struct fault *),
                     struct arena *a, struct identity_result *out, struct fault *f)
{
    CLEANUP(js_free)
    json_t *r = NULL;
    enum err e = tencent_send(t, call, params, a, &r, &out->trace, f);
    return e == OK ? read(r, out, f) : tencent_verdict(e, out);
}

static enum err phone3(void *self, const struct identity_person *who, struct arena *a,
                       struct identity_result *out, struct fault *f)
{
    static const struct tencent_call call = {"identity", "faceid", "PhoneVerification", "2018-03-01", 0};
    *out = (struct identity_result){0};
    if (!who->name || !who->id_number || !who->phone)
        return fail(f, ERR_INVALID, "name, identity number and phone are wanted");
    json_t *params = json_pack("{s:s,s:s,s:s,s:s}", "IdCard", upper_x(a, who->id_number), "Name", who->name,
                               "Phone", bare_phone(who->phone), "VerifyMode", "1");
    return tencent_ask(&((struct tencent_identity *)self)->faceid, &call, params, tencent_read_phone3, a, out,
                       f);
}

static enum err bank4(void *self, const struct identity_person *who, struct arena *a,
                      struct identity_result *out, struct fault *f)
{
    static const struct tencent_call call = {"identity", "faceid", "BankCard4EVerification", "2018-03-01", 0};
    *out = (struct identity_result){0};
    if (!who->name || !who->id_number || !who->phone || !who->card_number)
        return fail(f, ERR_INVALID, "name, identity number, card and phone are wanted");
    json_t *params =
        json_pack("{s:s,s:s,s:s,s:s,s:i}", "Name", who->name, "BankCard", who->card_number, "Phone",
                  bare_phone(who->phone), "IdCard", upper_x(a, who->id_number), "CertType", 0);
    return tencent_ask(&((struct tencent_identity *)self)->faceid, &call, params, tencent_read_bank4, a, out,
                       f);
}

static enum err enterprise4(void *self, const struct identity_enterprise *who, struct arena *a,
                            struct identity_result *out, struct fault *f)
{
    static const struct tencent_call call = {"identity", "ocr", "VerifyBizLicenseEnterprise4", "2018-11-19",
                                             OCR_TIMEOUT_MS};
    *out = (struct identity_result){0};
    if (!who->name || !who->uscc || !who->legal_rep_name || !who->legal_rep_id)
        return fail(f, ERR_INVALID, "all four factors are wanted");
    json_t *params = json_pack("{s:s,s:s,s:s,s:s}", "CreditCode", who->uscc, "EntName", who->name, "LrName",
                               who->legal_rep_name, "IdNum", upper_x(a, who->legal_rep_id));
    return tencent_ask(&((struct tencent_identity *)self)->ocr, &call, params, tencent_read_enterprise4, a,
                       out, f);
}

static void tencent_identity_close(void *self)
{
    struct tencent_identity *t = self;
    arena_free(&t->faceid.arena);
    arena_free(&t->ocr.arena);
    free(t);
}

static const struct identity_ops ops = {.name = "tencent",
                                        .phone3 = phone3,
                                        .bank4 = bank4,
                                        .enterprise4 = enterprise4,
                                        .face_start = tencent_face_start,
                                        .face_query = tencent_face_query,
                                        .close = tencent_identity_close};
/* The face product is bought and set up apart. */
static const struct identity_ops faceless = {.name = "tencent",
                                             .phone3 = phone3,
                                             .bank4 = bank4,
                                             .enterprise4 = enterprise4,
                                             .close = tencent_identity_close};

enum err tencent_identity_open(const struct provider_env *env, struct identity_port *out, struct fault *f)
{
    struct tencent_identity *t = calloc(1, sizeof *t);
    if (!t)
        return fail(f, ERR_UNAVAILABLE, "no memory");
    enum err e = tencent_init(&t->faceid, env, tencent_identity_settings, "faceid_url", f);
    if (e == OK)
        e = tencent_init(&t->ocr, env, tencent_identity_settings, "ocr_url", f);
    if (e != OK) {
        tencent_identity_close(t);
        return e;
    }
    t->rule_id = settings_get(env, tencent_identity_settings, "rule_id", &t->faceid.arena);
    *out = (struct identity_port){.ops = t->rule_id ? &ops : &faceless,
                                  .self = t,
                                  .simulator = provider_is_simulator(t->faceid.url) ||
                                               provider_is_simulator(t->ocr.url)};
    return OK;
}
