/* arena.h - memory that lives as long as one request.
 *
 * Bump allocation in chunks, freed as a whole. Everything a handler makes goes here; nobody frees single
 * objects. Freed memory is wiped, because requests carry identity numbers and codes.
 */
#ifndef CERTDESK_BASE_ARENA_H
#define CERTDESK_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *top;
    size_t used;   /* bytes handed out, with padding */
    size_t budget; /* bytes that arena_try may hand out */
};

/* A budget of 0 means no limit. The arena allocates nothing until asked. */
void arena_init(struct arena *a, size_t budget);

/* n zeroed bytes aligned for any type. Never NULL: ends the process when the system has no memory. For
 * sizes that our own code chose; the budget does not apply. */
void *arena_alloc(struct arena *a, size_t n);

/* As arena_alloc for sizes that a peer chose: NULL when the budget is used up. A 4 MB message of empty
 * submessages would otherwise grow 69 times when unpacked. Not zeroed. */
void *arena_try(struct arena *a, size_t n);

char *arena_strdup(struct arena *a, const char *s); /* NULL for NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
void *arena_memdup(struct arena *a, const void *p, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Remembers how far the arena is used, and wipes and frees what came after: a try that is run again, a page
 * of a long walk. Marks nest. */
struct arena_mark {
    struct arena_chunk *top;
    size_t top_used, used;
};
struct arena_mark arena_mark(const struct arena *a);
void arena_release(struct arena *a, struct arena_mark m);

/* Wipes and frees everything; the arena can be used again with the same budget. */
void arena_free(struct arena *a);

#define ARENA_NEW(a, T)      ((T *)arena_alloc((a), sizeof(T)))
#define ARENA_ARRAY(a, T, n) ((T *)arena_alloc((a), sizeof(T) * (n)))

#endif
