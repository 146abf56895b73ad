/* Any bytes as an answer of Alipay's. First octet 's': the rest is the inner object, signed as it should be;
 * else it is the whole answer. */
#include "fuzz.h"

#include "alipay_keys.h"

/* An answer that is believed was signed over exactly the octets that were cut out. */
static void check_believed(const char *body, size_t n, const json_t *answer)
{
    const char *cut = NULL;
    size_t n_cut = 0;
    need(json_cut(body, n, "alipay_trade_query_response", &cut, &n_cut) ||
         json_cut(body, n, "error_response", &cut, &n_cut));
    need(cut >= body && cut + n_cut <= body + n);
    json_t *again = js_parse(cut, n_cut);
    need(json_equal(again, answer));
    json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    static const struct alipay_call call = {"alipay.trade.query", NULL, false};
    if (!size)
        return 0;
    if (!rig.key)
        set_up();
    arena_init(&a, 0);
    const char *body = arena_strndup(&a, (const char *)data + 1, size - 1);
    size_t n = size - 1;
    if (data[0] == 's') {
        body = arena_printf(&a, "{\"alipay_trade_query_response\":%s,\"sign\":\"%s\"}", body,
                            signature(body, strlen(body), &a));
        n = strlen(body);
    }
    json_t *answer = NULL;
    struct provider_trace trace = {0};
    enum err e = alipay_read(rig.port.self, &call, body, n, &answer, &trace, NULL);
    need((e == OK) == (answer != NULL));
    if (e == OK)
        check_believed(body, n, answer);
    need(e != OK || data[0] == 's' || strstr(body, "\"sign\"") || strstr(body, "\\u"));
    json_decref(answer);
    arena_free(&a);
    return 0;
}

FUZZ_TEST
