#include "provider/http.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "provider/transport.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    MAX_ANSWER = 1 << 20,
    MAX_HEADERS = 100,
};

struct sink {
    struct buf body;
    size_t max;
    bool head_ended; /* libcurl takes a head that breaks off for a whole one */
};

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct sink *s = arg;
    n *= size;
    if (n >= 5 && memcmp(p, "HTTP/", 5) == 0)
        s->head_ended = false;
    else if (n <= 2 && n > 0 && p[n - 1] == '\n')
        s->head_ended = true;
    return n;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct sink *s = arg;
    if (size * n > s->max - s->body.n)
        return 0; /* ends the transfer */
    buf_add(&s->body, p, size * n);
    return size * n;
}

static void slist_free(struct curl_slist **l)
{
    curl_slist_free_all(*l);
}

/* "Expect:" sends the body at once instead of waiting for a 100. */
static struct curl_slist *header_list(const struct http_request *req, struct arena *a)
{
    struct curl_slist *l = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < req->n_headers; i++) {
        const char *v = req->headers[i].value;
        if (strpbrk(v, "\r\n"))
            continue;
        l = curl_slist_append(l, arena_printf(a, "%s: %s", req->headers[i].name, v));
    }
    return l;
}

static void set_request(CURL *c, const struct http_request *req, struct curl_slist *headers,
                        struct sink *sink)
{
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, req->method);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "certdesk");
    if (req->body || strcmp(req->method, "POST") == 0) {
        curl_easy_setopt(c, CURLOPT_POST, 1L);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->n_body);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, req->body ? req->body : "");
    }
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, sink);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, sink);
}

static void read_headers(CURL *c, struct arena *a, struct http_response *out)
{
    struct provider_pair *list = ARENA_ARRAY(a, struct provider_pair, MAX_HEADERS);
    struct curl_header *h = NULL;
    out->headers = list;
    while (out->n_headers < MAX_HEADERS && (h = curl_easy_nextheader(c, CURLH_HEADER, -1, h)))
        list[out->n_headers++] = (struct provider_pair){arena_strdup(a, h->name), arena_strdup(a, h->value)};
}

enum err http_send(struct http *h, const struct http_request *req, struct arena *a, struct http_response *out,
                   struct fault *f)
{
    *out = (struct http_response){0};
    CLEANUP(transport_close)
    struct transport t = {0};
    struct transport_schemes schemes = {"https", "http", false};
    TRY(transport_open(h, req->url, schemes, req->timeout_ms, &t, f));
    if (req->told_by)
        TRY(transport_guard(&t, provider_is_simulator(req->told_by), f));
    CLEANUP(slist_free)
    struct curl_slist *headers = header_list(req, a);
    struct sink sink = {.body = BUF(a), .max = req->max_answer ? req->max_answer : MAX_ANSWER};
    set_request(t.curl, req, headers, &sink);

    int64_t start = clock_mono_ms();
    transport_point(req->point, "before");
    CURLcode code = curl_easy_perform(t.curl);
    transport_point(req->point, "after");
    long status = 0;
    curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &status);
    LOG(DEBUG, "provider.call", KV_S("provider", req->point), KV_I("curl", code), KV_I("status", status),
        KV_I("ms", clock_mono_ms() - start));
    if (code == CURLE_OK && !sink.head_ended)
        code = CURLE_PARTIAL_FILE;
    if (code != CURLE_OK)
        return transport_failure(&t, code, req->point, f);
    out->status = (int)status;
    read_headers(t.curl, a, out);
    buf_add(&sink.body, "", 0);
    out->body = sink.body.p;
    out->n_body = sink.body.n;
    return OK;
}

/* Index of the one pair with this name, n when there is none or more than one. */
static size_t only(const struct provider_pair *p, size_t n, const char *name,
                   int (*compare)(const char *, const char *))
{
    size_t found = n;
    for (size_t i = 0; i < n; i++) {
        if (compare(p[i].name, name) != 0)
            continue;
        if (found != n)
            return n;
        found = i;
    }
    return found;
}

const char *http_header(const struct provider_pair *headers, size_t n, const char *name)
{
    size_t i = only(headers, n, name, strcasecmp);
    return i < n ? headers[i].value : NULL;
}

const char *form_value(const struct provider_pair *pairs, size_t n, const char *name)
{
    size_t i = only(pairs, n, name, strcmp);
    return i < n ? pairs[i].value : NULL;
}

const char *url_escape(struct arena *a, const char *s)
{
    char *e = curl_easy_escape(NULL, s, (int)strlen(s));
    const char *out = arena_strdup(a, e ? e : "");
    curl_free(e);
    return out;
}

const char *form_encode(struct arena *a, const struct provider_pair *pairs, size_t n)
{
    struct buf b = BUF(a);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%s=%s", i ? "&" : "", url_escape(a, pairs[i].name), url_escape(a, pairs[i].value));
    return buf_text(&b);
}

/* NULL for a decoded NUL, which no C string can hold. */
static char *form_unescape(struct arena *a, const char *s, size_t n)
{
    char *plus = arena_strndup(a, s, n);
    for (char *p = plus; (p = strchr(p, '+'));)
        *p = ' ';
    int len = 0;
    char *raw = curl_easy_unescape(NULL, plus, (int)n, &len);
    char *out = raw && strlen(raw) == (size_t)len ? arena_strdup(a, raw) : NULL;
    curl_free(raw);
    return out;
}

enum err form_decode(struct arena *a, const char *body, size_t n, struct provider_pair **out, size_t *n_out)
{
    enum {
        MAX_FIELDS = 64
    };
    *out = ARENA_ARRAY(a, struct provider_pair, MAX_FIELDS);
    *n_out = 0;
    if (n > MAX_ANSWER || memchr(body, '\0', n))
        return ERR_INVALID;
    for (const char *p = body, *end = body + n; p < end;) {
        const char *amp = memchr(p, '&', (size_t)(end - p));
        const char *stop = amp ? amp : end;
        const char *eq = memchr(p, '=', (size_t)(stop - p));
        const char *name_end = eq ? eq : stop;
        const char *value = eq ? eq + 1 : stop;
        if (*n_out == MAX_FIELDS)
            return ERR_INVALID;
        struct provider_pair pair = {form_unescape(a, p, (size_t)(name_end - p)),
                                     form_unescape(a, value, (size_t)(stop - value))};
        if (!pair.name || !pair.value)
            return ERR_INVALID;
        (*out)[(*n_out)++] = pair;
        p = stop + 1;
    }
    return OK;
}
