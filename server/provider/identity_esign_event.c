/* e签宝's callbacks: verified before anything is parsed, and even then only a hint (identity_service:
 * giq1w40lx67vwofr, zoeoz9z8y80wi76z, qlqh9u1uhe1272gl).
 *
 * The supplier calls with POST, and again after 1 s and 5 s when it is not answered with 200; it opens the
 * same address with GET when a person reaches the face page: that means nothing.
 */
#include "provider/esign.h"

#include "base/str.h"
#include "provider/http.h"
#include "provider/sign.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_BODY = 1 << 20
};

static bool fresh(const char *timestamp, int64_t now_ms)
{
    size_t n = strlen(timestamp);
    if (n == 0 || n > 15 || strspn(timestamp, "0123456789") != n)
        return false;
    int64_t apart = now_ms - strtoll(timestamp, NULL, 10);
    return apart > -ESIGN_WINDOW_S * 1000 && apart < ESIGN_WINDOW_S * 1000;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct provider_pair *)a)->name, ((const struct provider_pair *)b)->name);
}

/* Time stamp, the query's values in the order of their names, the body. */
static void signature_of(const struct esign *e, const struct identity_callback *in, const char *timestamp,
                         struct arena *a, unsigned char out[static SHA256_SIZE])
{
    struct buf b = BUF(a);
    buf_str(&b, timestamp);
    struct provider_pair *query = ARENA_ARRAY(a, struct provider_pair, in->n_query + 1);
    for (size_t i = 0; i < in->n_query; i++)
        query[i] = in->query[i];
    qsort(query, in->n_query, sizeof *query, by_name);
    for (size_t i = 0; i < in->n_query; i++)
        buf_str(&b, query[i].value ? query[i].value : "");
    buf_add(&b, in->body ? in->body : "", in->n_body);
    hmac_sha256(e->app_secret, strlen(e->app_secret), b.p, b.n, out);
}

static enum err verify(const struct esign *e, const struct identity_callback *in, int64_t now_ms,
                       struct arena *a, struct fault *f)
{
    const char *app = http_header(in->headers, in->n_headers, "X-Tsign-Open-App-Id");
    const char *timestamp = http_header(in->headers, in->n_headers, "X-Tsign-Open-TIMESTAMP");
    const char *signature = http_header(in->headers, in->n_headers, "X-Tsign-Open-SIGNATURE");
    const char *how = http_header(in->headers, in->n_headers, "X-Tsign-Open-SIGNATURE-ALGORITHM");
    if (!app || !timestamp || !signature || !how)
        return fail(f, ERR_SIGNATURE_BAD, "esign: not signed");
    if (strcmp(how, "hmac-sha256") != 0)
        return fail(f, ERR_SIGNATURE_BAD, "esign: signed in a way that we do not know");
    if (strcmp(app, e->app_id) != 0)
        return fail(f, ERR_SIGNATURE_BAD, "esign: for another application");
    if (!fresh(timestamp, now_ms))
        return fail(f, ERR_SIGNATURE_BAD, "esign: signed too long ago");
    unsigned char want[SHA256_SIZE], got[SHA256_SIZE];
    signature_of(e, in, timestamp, a, want);
    bool good = strlen(signature) == 2 * SHA256_SIZE && hex_decode(signature, got, SHA256_SIZE) &&
                same_bytes(want, got, SHA256_SIZE);
    return good ? OK : fail(f, ERR_SIGNATURE_BAD, "esign: the signature does not verify");
}

/* The end of a flow has a verifycode, an order to pay its own serviceId (elsewhere that is the flow's number
 * again). Our number is contextId, and pizId in what is told of payments. */
static enum err read_event(const json_t *root, struct identity_event *out, struct fault *f)
{
    const char *flow = js_str(root, "flowId"), *service = js_str(root, "serviceId");
    const char *ours = js_str(root, "contextId"), *code = js_str(root, "verifycode");
    if (!esign_flow_ok(flow))
        return fail(f, ERR_INVALID, "esign: a callback without flow");
    text_copy(out->flow, sizeof out->flow, flow);
    text_copy(out->our_no, sizeof out->our_no, ours ? ours : js_str(root, "pizId"));
    if (code && *code)
        text_copy(out->id, sizeof out->id, code);
    else if (service && strcmp(service, flow) != 0)
        text_copy(out->id, sizeof out->id, service);
    return OK;
}

enum err esign_callback_verify(void *self, const struct identity_callback *in, int64_t now_ms,
                               struct arena *a, struct identity_event *out, struct fault *f)
{
    *out = (struct identity_event){0};
    if (in->n_body > MAX_BODY)
        return fail(f, ERR_INVALID, "esign: a callback of more than 1 MiB");
    TRY(verify(self, in, now_ms, a, f));
    CLEANUP(js_free)
    json_t *root = js_parse(in->body, in->n_body);
    if (!root)
        return fail(f, ERR_INVALID, "esign: the callback is not JSON");
    return read_event(root, out, f);
}
