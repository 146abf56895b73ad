/* Alipay's answers: cut out what is signed, verify it, only then believe it. providers.md 2.2 */
#include "provider/alipay.h"

#include <string.h>

/* One JSON value at the start of the n octets: how many octets it takes, white space before it included; 0
 * when there is none. The scanner is jansson's own: told not to look for the end of the text
 * (JSON_DISABLE_EOF_CHECK) it reads one value and tells in error.position how many octets it read. */
static size_t value_length(const char *p, size_t n, json_t **value)
{
    json_error_t at;
    *value = json_loadb(p, n, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &at);
    return *value && at.position > 0 ? (size_t)at.position : 0;
}

static size_t skip_space(const char *text, size_t n, size_t i)
{
    while (i < n && strchr(" \t\r\n", text[i]) && text[i])
        i++;
    return i;
}

/* The octet at i, behind white space, is c: the index behind it. 0 when it is not. */
static size_t expect(const char *text, size_t n, size_t i, char c)
{
    i = skip_space(text, n, i);
    return i < n && text[i] == c ? i + 1 : 0;
}

/* Walks over the outer object's members; what is inside a string or a nested value is jansson's to know, so a
 * key's name inside another value cannot lead astray. */
bool json_cut(const char *text, size_t n, const char *key, const char **value, size_t *n_value)
{
    size_t i = expect(text, n, 0, '{');
    while (i) {
        CLEANUP(js_free)
        json_t *name = NULL;
        CLEANUP(js_free)
        json_t *v = NULL;
        size_t k = value_length(text + i, n - i, &name);
        if (!k || !json_is_string(name))
            return false;
        i = expect(text, n, i + k, ':');
        if (!i)
            return false;
        i = skip_space(text, n, i);
        k = value_length(text + i, n - i, &v);
        if (!k)
            return false;
        if (strcmp(json_string_value(name), key) == 0) {
            *value = text + i;
            *n_value = k;
            return true;
        }
        i = expect(text, n, i + k, ',');
    }
    return false;
}

/* -- what errors mean ------------------------------------------------------------------------------------ */

static const struct meaning {
    const char *code;
    enum err e;
} by_sub_code[] =
    {
        {"ACQ.TRADE_NOT_EXIST", ERR_NOT_FOUND},
        {"isp.bill_not_exist", ERR_NOT_FOUND},
        {"ACQ.TRADE_HAS_SUCCESS", ERR_PAYMENT_STATE},
        {"ACQ.TRADE_HAS_CLOSE", ERR_PAYMENT_STATE},
        {"ACQ.TRADE_HAS_FINISHED", ERR_PAYMENT_STATE},
        {"ACQ.TRADE_STATUS_ERROR", ERR_PAYMENT_STATE},
        {"ACQ.REASON_TRADE_STATUS_INVALID", ERR_PAYMENT_STATE},
        {"ACQ.REASON_ILLEGAL_STATUS", ERR_PAYMENT_STATE},
        {"ACQ.SYSTEM_ERROR", ERR_PROVIDER_BUSY},
        {"AQC.SYSTEM_ERROR", ERR_PROVIDER_BUSY}, /* so spelt for alipay.trade.cancel */
        {"ACQ.SELLER_BALANCE_NOT_ENOUGH", ERR_PROVIDER_CONFIG},
        {"ACQ.ACCESS_FORBIDDEN", ERR_PROVIDER_CONFIG},
        {"ACQ.PARTNER_ERROR", ERR_PROVIDER_CONFIG},
        {"ACQ.SELLER_NOT_IN_WHITE_LIST", ERR_PROVIDER_CONFIG},
        {"isv.invalid-signature", ERR_PROVIDER_CONFIG},
        {"isv.missing-signature", ERR_PROVIDER_CONFIG},
        {"isv.invalid-app-id", ERR_PROVIDER_CONFIG},
        {"isv.missing-app-id", ERR_PROVIDER_CONFIG},
        {"isv.invalid-timestamp", ERR_PROVIDER_CONFIG},
        {"isv.invalid-cert", ERR_PROVIDER_CONFIG},
        {"isv.app-call-limited", ERR_RATE_LIMITED},
},
  by_code[] = {
      {"20000", ERR_PROVIDER_BUSY},    {"20001", ERR_PROVIDER_CONFIG},  {"40001", ERR_PROVIDER_REFUSED},
      {"40002", ERR_PROVIDER_REFUSED}, {"40003", ERR_PROVIDER_REFUSED}, {"40004", ERR_PROVIDER_REFUSED},
      {"40005", ERR_RATE_LIMITED},     {"40006", ERR_PROVIDER_CONFIG},
};

static enum err meaning(const struct meaning *table, size_t n, const char *code, enum err otherwise)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].code, code) == 0)
            return table[i].e;
    return otherwise;
}

#define N(a) (sizeof(a) / sizeof *(a))

/* `proved`: the answer was signed. One that is not may say that the gateway let nothing through (our key, our
 * clock, too often); what it says about a trade is not believed. */
static enum err read_error(const struct alipay_call *call, const char *code, bool proved,
                           struct provider_trace *trace, struct fault *f)
{
    enum err e = meaning(by_code, N(by_code), code, ERR_PROVIDER_UNKNOWN);
    e = meaning(by_sub_code, N(by_sub_code), trace->code, e);
    bool about_trade = strcmp(code, "40004") == 0 || e == ERR_NOT_FOUND || e == ERR_PAYMENT_STATE;
    if (!proved && (about_trade || e == ERR_PROVIDER_UNKNOWN))
        return fail(f, ERR_SIGNATURE_BAD, "alipay: not signed");
    if (e == ERR_PROVIDER_BUSY && call->changes)
        e = ERR_PROVIDER_UNKNOWN; /* "system error": it may have happened */
    return fail(f, e, "alipay: %s", trace->code);
}

/* -- the answer ------------------------------------------------------------------------------------------ */

/* "alipay.trade.query" answers under "alipay_trade_query_response". */
static const char *answer_key(const char *method, char *out, size_t size)
{
    static const char tail[] = "_response";
    size_t n = strlen(method);
    if (n + sizeof tail > size)
        return "";
    for (size_t i = 0; i < n; i++)
        out[i] = method[i] == '.' ? '_' : method[i];
    memcpy(out + n, tail, sizeof tail);
    return out;
}

/* *proved: there is a signature, and it is Alipay's over these octets. */
static enum err verify(const struct alipay *p, const json_t *root, const char *inner, size_t n, bool *proved,
                       struct fault *f)
{
    const char *sign = js_str(root, "sign"), *sn = js_str(root, "alipay_cert_sn");
    *proved = false;
    if (!sign)
        return OK;
    if (p->alipay_cert_sn && (!sn || strcmp(sn, p->alipay_cert_sn) != 0))
        return fail(f, ERR_SIGNATURE_BAD, "alipay: signed with a certificate that we do not have");
    if (!rsa_sha256_verify(p->alipay_key, inner, n, sign))
        return fail(f, ERR_SIGNATURE_BAD, "alipay: the signature does not verify");
    *proved = true;
    return OK;
}

static enum err read_inner(const struct alipay *p, const struct alipay_call *call, const json_t *root,
                           const char *inner, size_t n, json_t **answer, struct provider_trace *trace,
                           struct fault *f)
{
    bool proved = false;
    TRY(verify(p, root, inner, n, &proved, f));
    CLEANUP(js_free)
    json_t *j = js_parse(inner, n);
    char code[16] = "";
    if (!j || !js_code(j, "code", code, sizeof code) || !code[0])
        return fail(f, ERR_PROVIDER_UNKNOWN, "alipay: an answer without a code");
    const char *sub = js_str(j, "sub_code"), *text = js_str(j, "sub_msg");
    text_copy(trace->code, sizeof trace->code, sub ? sub : code);
    text_copy(trace->message, sizeof trace->message, text ? text : js_str(j, "msg"));
    if (strcmp(code, "10000") != 0)
        return read_error(call, code, proved, trace, f);
    if (!proved)
        return fail(f, ERR_SIGNATURE_BAD, "alipay: not signed");
    *answer = json_incref(j);
    return OK;
}

enum err alipay_read(const struct alipay *p, const struct alipay_call *call, const char *body, size_t n,
                     json_t **answer, struct provider_trace *trace, struct fault *f)
{
    char key[96];
    const char *inner = NULL;
    size_t n_inner = 0;
    *answer = NULL;
    CLEANUP(js_free)
    json_t *root = js_parse(body, n);
    bool found = root && (json_cut(body, n, answer_key(call->method, key, sizeof key), &inner, &n_inner) ||
                          json_cut(body, n, "error_response", &inner, &n_inner));
    if (!found)
        return fail(f, ERR_PROVIDER_UNKNOWN, "alipay: the answer is not JSON, or not one to %s",
                    call->method);
    return read_inner(p, call, root, inner, n_inner, answer, trace, f);
}
