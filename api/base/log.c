#include "base/log.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum {
    LINE = 1024,       /* longer ones go on in an arena */
    SAME_MS = 1000,    /* an error that comes again meanwhile is counted */
    SAME_AT_ONCE = 16, /* different ones that are remembered; others are written as they come */
};

static _Atomic int threshold = LOG_INFO;

void log_threshold(enum log_level level)
{
    threshold = (int)level;
}

static void add_text(struct buf *b, const char *s)
{
    const char *plain = s; /* what stands for itself goes in one piece: nearly always all of it */
    bool clean = false, ascii = true;
    buf_add(b, "\"", 1);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c >= 0x80 && ascii) {
            ascii = false;
            clean = utf8_valid(s, strlen(s));
        }
        if (c != '"' && c != '\\' && c >= 0x20 && c != 0x7F && (c < 0x80 || clean))
            continue;
        buf_add(b, plain, (size_t)(s - plain));
        buf_printf(b, c == '"' || c == '\\' ? "\\%c" : "\\u%04x", c);
        plain = s + 1;
    }
    buf_add(b, plain, (size_t)(s - plain));
    buf_add(b, "\"", 1);
}

/* One write: lines of threads and processes never mix. */
static void put(const char *line, size_t n)
{
    ssize_t w = write(STDERR_FILENO, line, n);
    (void)w;
}

/* The line up to its event, which is all that is not the same when it comes again. */
static void begin_line(struct buf *b, enum log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    char now[CLOCK_TEXT_SIZE];
    clock_rfc3339(clock_now_ms(), now);
    buf_printf(b, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", now, names[level]);
}

/* -- errors that come again -------------------------------------------------------------------------------
 *
 * What every call meets (a disk that is full) is one error, not one a call. */

static struct same {
    char text[LINE]; /* of the line, behind the time */
    size_t n;        /* 0: free */
    int64_t since_ms, more;
} same[SAME_AT_ONCE];
static pthread_mutex_t same_mu = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int64_t look_at_ms = INT64_MAX; /* when a count is due */

/* Under the lock: those whose time is up are told, and watched on, or forgotten. */
static void tell_counts(int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < SAME_AT_ONCE; i++) {
        struct same *s = &same[i];
        if (s->n && now_ms - s->since_ms >= SAME_MS) {
            struct arena a;
            arena_init(&a, 0);
            struct buf b = BUF(&a);
            begin_line(&b, LOG_ERROR);
            buf_add(&b, s->text, s->n);
            buf_printf(&b, ",\"repeated\":%lld}\n", (long long)s->more);
            if (s->more)
                put(b.p, b.n);
            else
                s->n = 0;
            s->since_ms = now_ms;
            s->more = 0;
            arena_free(&a);
        }
        if (s->n && s->since_ms + SAME_MS < next)
            next = s->since_ms + SAME_MS;
    }
    look_at_ms = next;
}

/* True when it was written less than a second ago, and now is counted. */
static bool is_repeated(const char *text, size_t n, int64_t now_ms)
{
    struct same *free_one = NULL;
    if (n > LINE)
        return false;
    for (size_t i = 0; i < SAME_AT_ONCE; i++) {
        struct same *s = &same[i];
        if (s->n == n && memcmp(s->text, text, n) == 0) {
            s->more++;
            return true;
        }
        if (!s->n)
            free_one = s;
    }
    if (!free_one)
        return false;
    memcpy(free_one->text, text, n);
    free_one->n = n;
    free_one->since_ms = now_ms;
    free_one->more = 0;
    if (now_ms + SAME_MS < look_at_ms)
        look_at_ms = now_ms + SAME_MS;
    return false;
}

/* Counts what is due, and an error itself. */
static bool held_back(enum log_level level, const char *text, size_t n)
{
    int64_t now_ms = clock_mono_ms();
    if (level < LOG_ERROR && now_ms < look_at_ms)
        return false;
    pthread_mutex_lock(&same_mu);
    tell_counts(now_ms);
    bool again = level == LOG_ERROR && is_repeated(text, n, now_ms);
    pthread_mutex_unlock(&same_mu);
    return again;
}

void log_write(enum log_level level, const char *event, const struct log_kv *kv, size_t n)
{
    if ((int)level < threshold)
        return;
    struct arena a;
    arena_init(&a, 0);
    char line[LINE];
    struct buf b = {.arena = &a, .p = line, .cap = sizeof line};
    begin_line(&b, level);
    size_t head = b.n;
    add_text(&b, event);
    for (size_t i = 0; i < n; i++) {
        buf_str(&b, ",");
        add_text(&b, kv[i].key);
        buf_str(&b, ":");
        if (kv[i].text)
            add_text(&b, kv[i].text);
        else
            buf_printf(&b, "%lld", (long long)kv[i].number);
    }
    if (!held_back(level, b.p + head, b.n - head)) {
        buf_str(&b, "}\n");
        put(b.p, b.n);
    }
    arena_free(&a);
}
