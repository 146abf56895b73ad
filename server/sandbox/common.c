/* common.c - the small tools of sandbox.h: replies, drawn ids, times as Chinese suppliers write them, masks.
 */
#include "sandbox/sandbox.h"

#include "sandbox/crypto.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

json_t *request_json(const struct request *r)
{
    json_t *j = json_loadb(r->body, r->n_body, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(j))
        return j;
    json_decref(j);
    return NULL;
}

void reply_header(struct reply *p, const char *name, const char *value)
{
    if (p->n_headers == REPLY_HEADERS)
        abort(); /* our own list is too long */
    p->headers[p->n_headers].name = name;
    p->headers[p->n_headers++].value = arena_strdup(p->a, value);
}

void reply_text(struct reply *p, unsigned status, const char *type, const char *text)
{
    p->status = status;
    p->type = type;
    p->n_body = strlen(text);
    p->body = arena_strndup(p->a, text, p->n_body);
}

void reply_bytes(struct reply *p, unsigned status, const char *type, const void *body, size_t n)
{
    p->status = status;
    p->type = type;
    p->n_body = n;
    p->body = arena_memdup(p->a, body, n);
}

void reply_json(struct reply *p, unsigned status, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    reply_text(p, status, "application/json; charset=utf-8", text ? text : "{}");
    free(text);
}

bool sandbox_wait(struct sandbox *sb, int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + (ms % 1000) * 1000000;
    t.tv_sec += ms / 1000 + ns / 1000000000;
    t.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&sb->lock);
    while (!sb->stopping && pthread_cond_timedwait(&sb->stop, &sb->lock, &t) != ETIMEDOUT)
        ;
    bool go_on = !sb->stopping;
    pthread_mutex_unlock(&sb->lock);
    return go_on;
}

void draw_bytes(struct sandbox *sb, void *out, size_t n)
{
    if (!sb->seeded) {
        random_bytes(out, n);
        return;
    }
    for (size_t done = 0; done < n;) {
        uint64_t block[2] = {sb->seed, sb->drawn++};
        unsigned char hash[SHA256_SIZE];
        sha256(block, sizeof block, hash);
        size_t k = n - done < sizeof hash ? n - done : sizeof hash;
        memcpy((char *)out + done, hash, k);
        done += k;
    }
}

static const char *draw(struct sandbox *sb, struct arena *a, size_t n, const char *set)
{
    size_t size = strlen(set);
    unsigned char *raw = arena_alloc(a, n);
    char *out = arena_alloc(a, n + 1);
    draw_bytes(sb, raw, n);
    for (size_t i = 0; i < n; i++)
        out[i] = set[raw[i] % size]; /* slightly uneven; these are names, not secrets */
    return out;
}

const char *draw_digits(struct sandbox *sb, struct arena *a, size_t n)
{
    return draw(sb, a, n, "0123456789");
}

const char *draw_lower(struct sandbox *sb, struct arena *a, size_t n)
{
    return draw(sb, a, n, "0123456789abcdefghijklmnopqrstuvwxyz");
}

const char *draw_letters(struct sandbox *sb, struct arena *a, size_t n)
{
    return draw(sb, a, n, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

const char *draw_uuid(struct sandbox *sb, struct arena *a)
{
    unsigned char b[16];
    draw_bytes(sb, b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    char hex[33];
    hex_encode(b, sizeof b, hex);
    return arena_printf(a, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static const char *beijing(struct arena *a, int64_t ms, const char *format)
{
    time_t s = (time_t)(ms / 1000 + 8 * 3600); /* no summer time since 1991 */
    struct tm tm;
    gmtime_r(&s, &tm);
    char *out = arena_alloc(a, 40);
    strftime(out, 40, format, &tm);
    return out;
}

const char *beijing_rfc3339(struct arena *a, int64_t ms)
{
    return beijing(a, ms, "%Y-%m-%dT%H:%M:%S+08:00");
}

const char *beijing_plain(struct arena *a, int64_t ms)
{
    return beijing(a, ms, "%Y-%m-%d %H:%M:%S");
}

int64_t rfc3339_ms(const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest)
        return -1;
    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    int offset = 0, h, m, end = 0;
    if (strcmp(rest, "Z") != 0) {
        if (sscanf(rest, "%*1[+-]%2d:%2d%n", &h, &m, &end) != 2 || rest[end] || h > 23 || m > 59)
            return -1;
        offset = (h * 60 + m) * (*rest == '-' ? -60 : 60);
    }
    return ((int64_t)timegm(&tm) - offset) * 1000;
}

const char *mask_tail(struct arena *a, const char *text)
{
    size_t n = text ? strlen(text) : 0;
    if (n < 8)
        return n ? "****" : "";
    size_t head = n > 11 ? 4 : 3;
    char *out = arena_strdup(a, text);
    memset(out + head, '*', n - head - 4);
    return out;
}

const char *mask_person(struct arena *a, const char *name)
{
    if (!name || !*name)
        return "";
    size_t first = 1;
    while (((unsigned char)name[first] & 0xC0) == 0x80)
        first++;
    struct buf b = BUF(a);
    buf_add(&b, name, first);
    for (size_t i = utf8_length(name); i > 1; i--)
        buf_str(&b, "*");
    return buf_text(&b);
}

const char *member(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

int64_t member_int(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}
