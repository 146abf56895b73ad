#include "base/log.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum {
    LINE = 1024, /* longer ones go on in an arena */
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

void log_write(enum log_level level, const char *event, const struct log_kv *kv, size_t n)
{
    if ((int)level < threshold)
        return;
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct arena a;
    arena_init(&a, 0);
    char now[CLOCK_TEXT_SIZE], line[LINE];
    struct buf b = {.arena = &a, .p = line, .cap = sizeof line};
    clock_rfc3339(clock_now_ms(), now);
    buf_printf(&b, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", now, names[level]);
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
    buf_str(&b, "}\n");
    ssize_t w = write(STDERR_FILENO, b.p, b.n); /* one write: lines of threads and processes never mix */
    (void)w;
    arena_free(&a);
}
