/* e签宝's comparisons: phone three-factor, bank four-factor, enterprise four-factor. providers.md 5; codes
 * from the supplier's tables (identity_service: cgs6ee, kyken6, ofppps, qqd8bs, xsafn3, geg8ga). */
#include "provider/esign.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

const struct provider_setting esign_identity_settings[] = {
    {"app_id", "id of the application on the open platform", true, false, NULL},
    {"app_secret", "its secret: signs our calls and the supplier's callbacks", true, true, NULL},
    {"base_url", "address of the open platform; for trials https://smlopenapi.esign.cn", true, false,
     "https://openapi.esign.cn"},
    {"face_mode", "who looks at faces: TENCENT, ZHIMACREDIT, ESIGN", true, false, "TENCENT"},
    {"detail", "yes: the dearer comparisons were bought, which say what differs", true, false, "no"},
    {0},
};

/* -- codes ----------------------------------------------------------------------------------------------- */

/* What is billed is the look into the register, whatever it finds. */
static const struct code_row {
    int64_t code;
    enum identity_verdict verdict;
    bool billed;
    unsigned fields;
} rows[] = {
    {ESIGN_OK, IDENTITY_MATCH, true, 0},
    {ESIGN_BROKEN, IDENTITY_BUSY, false, 0},
    {30504001, IDENTITY_MISMATCH, true, 0},
    {30501006, IDENTITY_MISMATCH, true, IDENTITY_NAME | IDENTITY_ID_NUMBER},
    {30501010, IDENTITY_MISMATCH, true, IDENTITY_PHONE},
    {30504038, IDENTITY_MISMATCH, true, IDENTITY_CARD},
    {1100007, IDENTITY_MISMATCH, true, 0},    /* 企业信息不匹配 */
    {1203052, IDENTITY_NOT_FOUND, true, 0},   /* 核验信息不存在 */
    {30504002, IDENTITY_NOT_FOUND, false, 0}, /* the register does not find it */
    {30500052, IDENTITY_RATE_LIMITED, false, 0},
    {30504900, IDENTITY_RATE_LIMITED, false, 0}, /* the same data too often */
    {30503107, IDENTITY_CONFIG_ERROR, false, 0}, /* nothing left of what was bought */
    {30500100, IDENTITY_INVALID_INPUT, false, 0},
    {30500101, IDENTITY_INVALID_INPUT, false, 0},
    {30500116, IDENTITY_INVALID_INPUT, false, 0},
    {30500103, IDENTITY_INVALID_INPUT, false, IDENTITY_NAME},
    {30500104, IDENTITY_INVALID_INPUT, false, IDENTITY_ID_NUMBER},
    {30500106, IDENTITY_INVALID_INPUT, false, IDENTITY_PHONE},
    {30500107, IDENTITY_INVALID_INPUT, false, IDENTITY_CARD},
    {30500113, IDENTITY_INVALID_INPUT, false, IDENTITY_LEGAL_REP_NAME},
    {30500114, IDENTITY_INVALID_INPUT, false, IDENTITY_LEGAL_REP_ID},
    {30500118, IDENTITY_INVALID_INPUT, false, IDENTITY_ID_NUMBER},
    {30500119, IDENTITY_INVALID_INPUT, false, IDENTITY_NAME},
    {30500120, IDENTITY_INVALID_INPUT, false, IDENTITY_PHONE},
    {30504031, IDENTITY_INVALID_INPUT, false, IDENTITY_NAME},
    {30504032, IDENTITY_INVALID_INPUT, false, IDENTITY_ID_NUMBER},
    {30504033, IDENTITY_INVALID_INPUT, false, IDENTITY_PHONE},
    {30504034, IDENTITY_INVALID_INPUT, false, IDENTITY_CARD},
};

enum err esign_read_verdict(const struct esign_answer *x, struct identity_result *out, struct fault *f)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].code != x->code)
            continue;
        out->verdict = rows[i].verdict;
        out->billed = rows[i].billed;
        out->fields = rows[i].fields;
        return OK;
    }
    return fail(f, ERR_PROVIDER_REFUSED, "esign: %lld", (long long)x->code);
}

/* -- enterprise ------------------------------------------------------------------------------------------ */

static enum operating_status operating(const char *s)
{
    static const enum operating_status table[] = {
        OPERATING_UNKNOWN,   OPERATING_NORMAL,    OPERATING_CANCELLED, OPERATING_LICENCE_REVOKED,
        OPERATING_RESCINDED, OPERATING_MOVED_OUT, OPERATING_OTHER, /* being founded */
        OPERATING_OTHER,                                           /* being wound up */
        OPERATING_SUSPENDED, OPERATING_OTHER,
    };
    return s && strlen(s) == 1 && s[0] >= '0' && s[0] <= '9' ? table[s[0] - '0'] : OPERATING_UNKNOWN;
}

/* compareDetails: "1" the same, "0" not. Given only to those who asked the supplier for it. */
static enum err read_details(const json_t *details, struct identity_result *out, struct fault *f)
{
    static const struct {
        const char *key;
        unsigned field;
    } table[] = {
        {"sameOrgName", IDENTITY_ENTERPRISE_NAME},
        {"sameOrgCode", IDENTITY_USCC},
        {"sameLegalRepresentative", IDENTITY_LEGAL_REP_NAME},
        {"sameLegalRepresentativeCode", IDENTITY_LEGAL_REP_ID},
    };
    unsigned fields = 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *s = js_str(details, table[i].key);
        if (!s || (strcmp(s, "0") != 0 && strcmp(s, "1") != 0))
            return fail(f, ERR_PROVIDER_UNKNOWN, "bureau4Factors: no %s", table[i].key);
        if (*s == '0')
            fields |= table[i].field;
    }
    if ((out->verdict == IDENTITY_MATCH) != (fields == 0))
        return fail(f, ERR_PROVIDER_UNKNOWN, "bureau4Factors: contradicts itself");
    /* neither name nor code on the register: there is no such company */
    unsigned both = IDENTITY_USCC | IDENTITY_ENTERPRISE_NAME;
    if ((fields & both) == both)
        out->verdict = IDENTITY_NOT_FOUND;
    out->fields = fields;
    out->operating = operating(js_str(details, "legalOrgState"));
    out->operating_refused = operating_status_refused(out->operating);
    return OK;
}

enum err esign_read_enterprise4(const struct esign_answer *x, struct identity_result *out, struct fault *f)
{
    TRY(esign_read_verdict(x, out, f));
    const json_t *details = json_object_get(x->data, "compareDetails");
    bool compared = out->verdict == IDENTITY_MATCH || out->verdict == IDENTITY_MISMATCH;
    return compared && details && !json_is_null(details) ? read_details(details, out, f) : OK;
}

/* -- calls ----------------------------------------------------------------------------------------------- */

/* What the gateway said is a verdict, too. */
static enum err verdict_of(enum err e, struct identity_result *out)
{
    if (!out->trace.code[0])
        return e;
    if (e == ERR_PROVIDER_CONFIG)
        out->verdict = IDENTITY_CONFIG_ERROR;
    else if (e == ERR_RATE_LIMITED)
        out->verdict = IDENTITY_RATE_LIMITED;
    else
        return e;
    return OK;
}

static enum err compare(const struct esign *e, const char *path, json_t *body,
                        enum err (*read)(const struct esign_answer *, struct identity_result *,
                                         struct fault *),
                        struct arena *a, struct identity_result *out, struct fault *f)
{
    if (!body)
        return fail(f, ERR_INVALID, "a field is not UTF-8");
    CLEANUP(esign_answer_free)
    struct esign_answer x = {0};
    enum err sent =
        esign_send(e, &(struct esign_call){.method = "POST", .path = path}, body, a, &x, &out->trace, f);
    return sent == OK ? read(&x, out, f) : verdict_of(sent, out);
}

static enum err phone3(void *self, const struct identity_person *who, struct arena *a,
                       struct identity_result *out, struct fault *f)
{
    const struct esign *e = self;
    *out = (struct identity_result){0};
    if (!who->name || !who->id_number || !who->phone)
        return fail(f, ERR_INVALID, "name, identity number and phone are wanted");
    const char *path = e->detail ? "/v2/identity/verify/individual/telecom3Factors/detail"
                                 : "/v2/identity/verify/individual/telecom3Factors";
    json_t *body = json_pack("{s:s,s:s,s:s}", "name", who->name, "idNo", upper_x(a, who->id_number),
                             "mobileNo", bare_phone(who->phone));
    return compare(e, path, body, esign_read_verdict, a, out, f);
}

static enum err bank4(void *self, const struct identity_person *who, struct arena *a,
                      struct identity_result *out, struct fault *f)
{
    const struct esign *e = self;
    *out = (struct identity_result){0};
    if (!who->name || !who->id_number || !who->phone || !who->card_number)
        return fail(f, ERR_INVALID, "name, identity number, card and phone are wanted");
    const char *path = e->detail ? "/v2/identity/verify/individual/bank4Factors/detail"
                                 : "/v2/identity/verify/individual/bank4Factors";
    json_t *body = json_pack("{s:s,s:s,s:s,s:s}", "name", who->name, "idNo", upper_x(a, who->id_number),
                             "cardNo", who->card_number, "mobileNo", bare_phone(who->phone));
    return compare(e, path, body, esign_read_verdict, a, out, f);
}

static enum err enterprise4(void *self, const struct identity_enterprise *who, struct arena *a,
                            struct identity_result *out, struct fault *f)
{
    *out = (struct identity_result){0};
    if (!who->name || !who->uscc || !who->legal_rep_name || !who->legal_rep_id)
        return fail(f, ERR_INVALID, "all four factors are wanted");
    json_t *body = json_pack("{s:s,s:s,s:s,s:s}", "name", who->name, "orgCode", who->uscc, "legalRepName",
                             who->legal_rep_name, "legalRepCertNo", upper_x(a, who->legal_rep_id));
    return compare(self, "/v2/identity/verify/organization/enterprise/bureau4Factors", body,
                   esign_read_enterprise4, a, out, f);
}

static void esign_close(void *self)
{
    struct esign *e = self;
    arena_free(&e->arena);
    free(e);
}

static const struct identity_ops ops = {.name = "esign",
                                        .phone3 = phone3,
                                        .enterprise4 = enterprise4,
                                        .bank4 = bank4,
                                        .face_start = esign_face_start,
                                        .face_query = esign_face_query,
                                        .transfer_open = esign_transfer_open,
                                        .transfer_start = esign_transfer_start,
                                        .transfer_query = esign_transfer_query,
                                        .transfer_confirm = esign_transfer_confirm,
                                        .callback_verify = esign_callback_verify,
                                        .close = esign_close};

enum err esign_identity_open(const struct provider_env *env, struct identity_port *out, struct fault *f)
{
    struct esign *e = calloc(1, sizeof *e);
    if (!e)
        return fail(f, ERR_UNAVAILABLE, "no memory");
    enum err bad = esign_init(e, env, esign_identity_settings, f);
    if (bad != OK) {
        free(e);
        return bad;
    }
    *out = (struct identity_port){.ops = &ops, .self = e, .simulator = provider_is_simulator(e->url)};
    return OK;
}
