#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_FIRST = 960, /* with its header still a size that malloc() keeps at hand: enough for most calls */
    ALIGN = alignof(max_align_t)
};

struct arena_chunk {
    struct arena_chunk *below;
    size_t size, used;
    alignas(max_align_t) unsigned char data[];
};

void arena_init(struct arena *a, size_t budget)
{
    *a = (struct arena){.budget = budget};
}

static void *take(struct arena *a, size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    n = (n + ALIGN - 1) / ALIGN * ALIGN;
    if (n == 0)
        n = ALIGN;
    struct arena_chunk *c = a->top;
    if (!c || c->size - c->used < n) {
        size_t size = c ? c->size * 4 : CHUNK_FIRST;
        if (size > (1u << 20))
            size = 1u << 20;
        if (size < n)
            size = n;
        c = malloc(sizeof *c + size);
        if (!c)
            return NULL;
        c->below = a->top;
        c->size = size;
        c->used = 0;
        a->top = c;
    }
    void *p = c->data + c->used;
    c->used += n;
    a->used += n;
    return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
    void *p = take(a, n);
    if (!p) {
        fprintf(stderr, "certdesk: out of memory (%zu bytes)\n", n);
        abort();
    }
    return memset(p, 0, n);
}

void *arena_try(struct arena *a, size_t n)
{
    if (a->budget && (n > a->budget || a->used > a->budget - n))
        return NULL;
    return take(a, n);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *p = arena_alloc(a, n + 1);
    memcpy(p, s, n);
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

void *arena_memdup(struct arena *a, const void *p, size_t n)
{
    void *q = arena_alloc(a, n);
    if (n)
        memcpy(q, p, n);
    return q;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *p = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);
    if (n > 0)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *p = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return p;
}

struct arena_mark arena_mark(const struct arena *a)
{
    return (struct arena_mark){.top = a->top, .top_used = a->top ? a->top->used : 0, .used = a->used};
}

void arena_release(struct arena *a, struct arena_mark m)
{
    while (a->top != m.top) {
        struct arena_chunk *c = a->top;
        a->top = c->below;
        explicit_bzero(c->data, c->used);
        free(c);
    }
    if (m.top) {
        explicit_bzero(m.top->data + m.top_used, m.top->used - m.top_used);
        m.top->used = m.top_used;
    }
    a->used = m.used;
}

void arena_free(struct arena *a)
{
    arena_release(a, (struct arena_mark){0});
}
