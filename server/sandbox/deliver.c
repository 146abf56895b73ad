#include "sandbox/deliver.h"

#include "base/clock.h"
#include "sandbox/call.h"
#include "sandbox/state.h"
#include "sandbox/push.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LOOK_MS = 50, /* while something waits: the clock may jump */
    ANSWER_MAX = 64 << 10,
    TIMEOUT_MS = 5000, /* the suppliers give up after 5 s */
};

struct deliver {
    struct sandbox *sb;
    pthread_t thread;
    pthread_cond_t wake;
};

static const struct caller *const callers[] = {&wechat_caller, &alipay_caller, &kuaidi100_caller,
                                               &nuonuo_caller, &esign_caller};

static const struct caller *caller_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof callers / sizeof *callers; i++)
        if (strcmp(callers[i]->name, name) == 0)
            return callers[i];
    return NULL;
}

void deliver_queue(struct sandbox *sb, const struct caller *c, const char *url, json_t *event,
                   const char *trick, int64_t delay_ms)
{
    char key[24];
    state_next(sb->state, "deliveries", key);
    state_put(sb->state, "deliveries", key,
              json_pack("{s:s,s:s,s:o,s:s,s:I,s:i}", "caller", c->name, "url", url, "event", event, "trick",
                        trick, "due_ms", (json_int_t)(clock_now_ms() + delay_ms), "attempt", 0));
    if (sb->deliver)
        pthread_cond_signal(&sb->deliver->wake);
}

/* http(s) to 127.0.0.1, localhost or a name below it. */
static bool is_loopback(const char *url)
{
    CURLU *u = curl_url();
    char *host = NULL;
    bool ok = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    size_t n = ok ? strlen(host) : 0;
    ok = ok && (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0 ||
                (n > 10 && strcmp(host + n - 10, ".localhost") == 0));
    curl_free(host);
    curl_url_cleanup(u);
    return ok;
}

static size_t on_answer(char *data, size_t one, size_t n, void *arg)
{
    (void)one;
    struct buf *b = arg;
    if (b->n + n > ANSWER_MAX)
        return 0;
    buf_add(b, data, n);
    return n;
}

/* Status of the answer, 0 and a sentence in `why` when there is none. No lock. */
static long post(struct arena *a, const char *url, const struct parcel *what, struct buf *answer,
                 const char **why)
{
    CURL *c = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, arena_printf(a, "Content-Type: %s", what->type));
    for (size_t i = 0; i < what->n_headers; i++)
        headers = curl_slist_append(headers, what->headers[i]);
    headers = curl_slist_append(headers, "Expect:");
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, what->body);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L); /* our own machine, with whatever certificate it has */
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, answer);
    CURLcode rc = curl_easy_perform(c);
    long status = 0;
    if (rc == CURLE_OK)
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    *why = curl_easy_strerror(rc);
    curl_slist_free_all(headers);
    curl_easy_cleanup(c);
    return status;
}

static double scale(struct sandbox *sb)
{
    const json_t *v = state_get(sb->state, "config", "callback_scale");
    return v ? json_number_value(v) : 1.0;
}

/* After a failed attempt: later, or never again. Lock held. */
static void put_off(struct sandbox *sb, const struct caller *c, const char *key, json_t *d)
{
    int64_t attempt = member_int(d, "attempt");
    int pause = 0;
    for (int64_t i = 0; i <= attempt; i++) {
        pause = c->schedule_s[i];
        if (!pause)
            break;
    }
    if (!pause || *member(d, "trick")) {
        state_delete(sb->state, "deliveries", key);
        return;
    }
    json_object_set_new(d, "attempt", json_integer(attempt + 1));
    json_object_set_new(d, "due_ms", json_integer(clock_now_ms() + (int64_t)(pause * 1000 * scale(sb))));
    state_touch(sb->state, "deliveries", key);
}

/* Lock held, and given up while the other side is asked. */
static void attempt(struct sandbox *sb, const char *due)
{
    struct arena a;
    arena_init(&a, 0);
    char *key = arena_strdup(&a, due);
    json_t *d = json_incref(state_get(sb->state, "deliveries", key));
    const struct caller *c = caller_by_name(member(d, "caller"));
    struct parcel what = {0};
    struct buf answer = BUF(&a);
    const char *why = "not loopback: not called", *url = arena_strdup(&a, member(d, "url"));
    c->build(sb, &a, json_object_get(d, "event"), member(d, "trick"), &what);
    pthread_mutex_unlock(&sb->lock);
    long status = is_loopback(url) ? post(&a, url, &what, &answer, &why) : 0;
    pthread_mutex_lock(&sb->lock);
    bool done = status && c->accepted(status, buf_text(&answer));
    call_log(sb, c->name, c->action, member(json_object_get(d, "event"), "id"),
             status ? arena_printf(&a, "%ld%s", status, done ? "" : " not accepted") : why,
             member(d, "trick"),
             json_pack("{s:s,s:I}", "url", url, "attempt", (json_int_t)member_int(d, "attempt") + 1));
    if (state_get(sb->state, "deliveries", key) == d) { /* no reset came between */
        if (done)
            state_delete(sb->state, "deliveries", key);
        else
            put_off(sb, c, key, d);
    }
    json_decref(d);
    arena_free(&a);
}

/* The first that is due; NULL when none is. */
static const char *next_due(struct sandbox *sb)
{
    const char *key;
    json_t *d;
    int64_t now = clock_now_ms();
    json_object_foreach(state_section(sb->state, "deliveries"), key,
                        d) if (member_int(d, "due_ms") <= now) return key;
    return NULL;
}

static void look_later(struct deliver *d)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += LOOK_MS * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000L;
    t.tv_nsec %= 1000000000L;
    if (json_object_size(state_section(d->sb->state, "deliveries")))
        pthread_cond_timedwait(&d->wake, &d->sb->lock, &t);
    else
        pthread_cond_wait(&d->wake, &d->sb->lock);
}

static void *run(void *arg)
{
    struct deliver *d = arg;
    pthread_mutex_lock(&d->sb->lock);
    while (!d->sb->stopping) {
        const char *due = next_due(d->sb);
        if (due)
            attempt(d->sb, due);
        else
            look_later(d);
    }
    pthread_mutex_unlock(&d->sb->lock);
    return NULL;
}

struct deliver *deliver_start(struct sandbox *sb)
{
    struct deliver *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->sb = sb;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->wake, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&d->thread, NULL, run, d)) {
        free(d);
        return NULL;
    }
    return d;
}

void deliver_stop(struct deliver *d)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->sb->lock);
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->sb->lock);
    pthread_join(d->thread, NULL);
    pthread_cond_destroy(&d->wake);
    free(d);
}
