/* Writes: transaction, idempotency and handler, for one call or for a group of them. */
#include "dispatch_internal.h"

#include "core/tx.h"

static void *from_arena(void *arena, size_t n)
{
    return arena_alloc(arena, n);
}

static void keep_all(void *arena, void *p)
{
    (void)arena;
    (void)p;
}

static enum err unpack_stored(struct ctx *c, struct write *w, const void *p, size_t n)
{
    ProtobufCAllocator a = {.alloc = from_arena, .free = keep_all, .allocator_data = c->arena};
    w->out = protobuf_c_message_unpack(w->entry->types->output, &a, n, p);
    return w->out ? OK : fail(c->fault, ERR_DATA_LOSS, "a stored response cannot be read");
}

static enum err write_once(struct ctx *c, void *arg)
{
    struct write *w = arg;
    const void *stored = NULL;
    size_t n = 0;
    if (w->request_id)
        TRY(idem_claim(c, w->request_id, w->digest, &stored, &n));
    if (stored)
        return unpack_stored(c, w, stored, n);
    w->out = new_response(w->entry, c->arena);
    enum err e = w->body(c, w->arg, w->out);
    if (e != OK && c->keep && w->request_id)
        TRY(idem_release(c, w->request_id));
    TRY(e);
    if (!w->request_id)
        return OK;
    size_t size = protobuf_c_message_get_packed_size(w->out);
    uint8_t *packed = arena_alloc(c->arena, size);
    protobuf_c_message_pack(w->out, packed);
    return idem_store(c, w->request_id, packed, size);
}

enum err run_write(struct ctx *c, struct write *w)
{
    w->out = NULL;
    return tx_run(c, write_once, w);
}

/* -- groups ------------------------------------------------------------------------------------------------
 */

struct group {
    size_t n;
    struct ctx *const *cs;
    struct write *list;
    struct arena_mark marks[POOL_LIST];
};

/* As if none had run: nothing of a try that was rolled back is left in any of them. */
static void begin_again(struct group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        struct ctx *c = g->cs[i];
        arena_release(c->arena, g->marks[i]);
        fault_clear(c->fault);
        c->wrote = c->queued = c->keep = false;
        g->list[i].out = NULL;
    }
}

/* Any error ends the group: what one of them would have kept (ctx->keep) is kept when it runs alone. */
static enum err write_group(struct ctx *c, void *arg)
{
    (void)c; /* the first one's */
    struct group *g = arg;
    enum err e = OK;
    begin_again(g);
    for (size_t i = 0; e == OK && i < g->n; i++) {
        e = write_once(g->cs[i], &g->list[i]);
        g->cs[i]->keep = false;
    }
    return e;
}

void run_writes(size_t n, struct ctx *const *cs, struct write *list, enum err *errs)
{
    struct group g = {.n = n, .cs = cs, .list = list};
    for (size_t i = 0; i < n; i++)
        g.marks[i] = arena_mark(cs[i]->arena);
    enum err e = tx_run(cs[0], write_group, &g);
    if (e != OK)
        begin_again(&g);
    /* Without a connection every one of them would only wait again, one after the other. */
    bool alone = e != OK && db_usable(cs[0]->db);
    for (size_t i = 0; i < n; i++) {
        errs[i] = alone ? run_write(cs[i], &list[i]) : e;
        if (e != OK && !alone)
            (void)!fail(cs[i]->fault, e, NULL);
    }
}
