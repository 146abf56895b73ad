/* esign_notify.c - callbacks, signed anew for every attempt: hex HMAC-SHA256 over time stamp, values of the
 * query in the order of their names, body (providers.md 5). Tried again after 1 s and 5 s.
 *
 * Faults of action "callback":
 *
 *   never      no callback at all
 *   twice      the same a second time, at once
 *   late       after `ms` (60 000) by the sandbox's clock
 *   forged     a stranger's first, signed with another secret; then the true one
 *   unsigned   one without its signature first; then the true one
 *   stale      one signed an hour ago first; then the true one
 */
#include "base/clock.h"
#include "sandbox/crypto.h"
#include "sandbox/esign.h"
#include "sandbox/keys.h"
#include "sandbox/push.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const int schedule_s[] = {1, 5, 0};

static bool is(const struct plan *plan, const char *kind)
{
    return strcmp(plan->kind, kind) == 0;
}

void es_notify(struct sandbox *sb, const char *url, json_t *body)
{
    struct plan plan = {0};
    if (*url)
        plan = fault_take(sb, "esign", "callback");
    if (!*url || is(&plan, "never")) {
        if (*url)
            call_log(sb, "esign", "callback", member(body, "flowId"), "not sent", plan.kind, NULL);
        json_decref(body);
        return;
    }
    const char *query = strchr(url, '?');
    json_t *event = json_pack("{s:s,s:s,s:o}", "id", member(body, "flowId"), "query", query ? query + 1 : "",
                              "body", body);
    int64_t delay = is(&plan, "late") ? (plan.ms >= 0 ? plan.ms : 60000) : 0;
    if (is(&plan, "forged") || is(&plan, "unsigned") || is(&plan, "stale"))
        deliver_queue(sb, &esign_caller, url, json_incref(event), plan.kind, delay);
    if (is(&plan, "twice"))
        deliver_queue(sb, &esign_caller, url, json_incref(event), "", delay);
    deliver_queue(sb, &esign_caller, url, event, "", delay);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The values, decoded, in the order of their names. */
static const char *query_values(struct arena *a, const char *query)
{
    enum {
        MAX = 32
    };
    const char *pairs[MAX];
    size_t n = 0;
    char *save = NULL;
    for (char *p = strtok_r(arena_strdup(a, query), "&", &save); p && n < MAX; p = strtok_r(NULL, "&", &save))
        pairs[n++] = p;
    qsort(pairs, n, sizeof *pairs, by_text);
    struct buf b = BUF(a);
    for (size_t i = 0; i < n; i++) {
        const char *value = strchr(pairs[i], '=');
        char *plain = curl_easy_unescape(NULL, value ? value + 1 : "", 0, NULL);
        buf_str(&b, plain ? plain : "");
        curl_free(plain);
    }
    return buf_text(&b);
}

static void build(struct sandbox *sb, struct arena *a, const json_t *event, const char *trick,
                  struct parcel *out)
{
    char *text = json_dumps(json_object_get(event, "body"), JSON_COMPACT);
    out->type = "application/json; charset=UTF-8";
    out->body = arena_strdup(a, text);
    free(text);
    int64_t at = clock_now_ms() - (strcmp(trick, "stale") == 0 ? 3600 * 1000 : 0);
    const char *key = strcmp(trick, "forged") == 0 ? "a stranger's secret" : sb->keys->esign_secret;
    const char *what =
        arena_printf(a, "%" PRId64 "%s%s", at, query_values(a, member(event, "query")), out->body);
    unsigned char raw[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1];
    hmac_sha256(key, strlen(key), what, raw);
    hex_encode(raw, sizeof raw, hex);
    out->headers[out->n_headers++] = arena_printf(a, "X-Tsign-Open-App-Id: %s", sb->keys->esign_app_id);
    out->headers[out->n_headers++] = arena_printf(a, "X-Tsign-Open-TIMESTAMP: %" PRId64, at);
    out->headers[out->n_headers++] = "X-Tsign-Open-SIGNATURE-ALGORITHM: hmac-sha256";
    if (strcmp(trick, "unsigned") != 0)
        out->headers[out->n_headers++] = arena_printf(a, "X-Tsign-Open-SIGNATURE: %s", hex);
}

static bool accepted(long status, const char *body)
{
    (void)body;
    return status == 200;
}

const struct caller esign_caller = {"esign", "callback", schedule_s, accepted, build};
