/* Any bytes as a callback of e签宝's. First octet 's': the rest is a body, signed as it should be; 'q': the
 * same with a query; else the rest is time stamp, line feed, signature, line feed, body, as they came. */
#include "fuzz.h"

#include "base/str.h"
#include "provider/esign.h"
#include "provider/sign.h"

#include <stdlib.h>
#include <string.h>

static const int64_t now = 1700000000000;
static const char secret[] = "secret", app[] = "7438000001";

static void need(int truth)
{
    if (!truth)
        abort();
}

static enum err verify(const char *timestamp, const char *signature, const struct provider_pair *query,
                       size_t n_query, const char *body, size_t n, struct arena *a,
                       struct identity_event *out)
{
    struct esign e = {.app_id = app, .app_secret = secret};
    struct provider_pair headers[] = {{"X-Tsign-Open-App-Id", app},
                                      {"X-Tsign-Open-TIMESTAMP", timestamp},
                                      {"X-Tsign-Open-SIGNATURE-ALGORITHM", "hmac-sha256"},
                                      {"X-Tsign-Open-SIGNATURE", signature}};
    struct identity_callback in = {headers, query, 4, n_query, body, n};
    return esign_callback_verify(&e, &in, now, a, out, NULL);
}

static enum err as_signed(const char *values, const struct provider_pair *query, size_t n_query,
                          const char *body, size_t n, struct arena *a, struct identity_event *out)
{
    struct buf b = BUF(a);
    buf_printf(&b, "1700000000000%s", values);
    buf_add(&b, body, n);
    unsigned char d[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1];
    hmac_sha256(secret, strlen(secret), b.p, b.n, d);
    hex_encode(d, sizeof d, hex);
    enum err e = verify("1700000000000", hex, query, n_query, body, n, a, out);
    need(e != ERR_SIGNATURE_BAD);
    need(verify("1700000000001", hex, query, n_query, body, n, a, &(struct identity_event){0}) ==
         ERR_SIGNATURE_BAD);
    return e;
}

static enum err as_it_came(const char *text, size_t n, struct arena *a, struct identity_event *out)
{
    const char *first = memchr(text, '\n', n);
    const char *second = first ? memchr(first + 1, '\n', n - (size_t)(first + 1 - text)) : NULL;
    if (!second)
        return ERR_SIGNATURE_BAD;
    return verify(arena_strndup(a, text, (size_t)(first - text)),
                  arena_strndup(a, first + 1, (size_t)(second - first - 1)), NULL, 0, second + 1,
                  n - (size_t)(second + 1 - text), a, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct provider_pair query[] = {{"b", "1"}, {"a", "2"}};
    struct arena a;
    struct identity_event out;
    if (!size)
        return 0;
    arena_init(&a, 0);
    const char *rest = (const char *)data + 1;
    enum err e = data[0] == 's'   ? as_signed("", NULL, 0, rest, size - 1, &a, &out)
                 : data[0] == 'q' ? as_signed("21", query, 2, rest, size - 1, &a, &out)
                                  : as_it_came(rest, size - 1, &a, &out);
    need(e == OK || e == ERR_SIGNATURE_BAD || e == ERR_INVALID);
    need(e != OK || (esign_flow_ok(out.flow) && utf8_valid(out.our_no, strlen(out.our_no)) &&
                     utf8_valid(out.id, strlen(out.id))));
    arena_free(&a);
    return 0;
}

FUZZ_TEST
