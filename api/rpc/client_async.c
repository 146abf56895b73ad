/* Asynchronous calls: unary and server streams, completed in the caller's loop. */
#include "rpc/client_internal.h"

#include <grpc/byte_buffer.h>
#include <stdlib.h>

enum {
    DEFAULT_TIMEOUT_MS = 10000
};

/* A call ends with its status; until then a stream also has a message batch under way. Freed when neither is.
 */
struct rpc_pending {
    struct rpc_channel *channel;
    struct rpc_pending *next, **link;
    struct client_call call;
    bool opened; /* call is to be freed */
    bool cancelled, finished;
    struct done_tag message_tag, status_tag;
    size_t in_flight;
    rpc_on_message *on_message; /* NULL: unary */
    rpc_done *done;
    void *arg;
    struct fault early; /* why the call could not even start */
};

static void pending_free(struct rpc_pending *p)
{
    *p->link = p->next;
    if (p->next)
        p->next->link = p->link;
    if (p->opened)
        client_call_free(&p->call);
    free(p);
}

/* Messages lie in front of the status, so the end is told when the last message batch is back too. */
static void maybe_finish(struct rpc_pending *p)
{
    if (p->in_flight)
        return;
    if (!p->cancelled && !p->finished) {
        struct fault f;
        struct arena a;
        fault_clear(&f);
        arena_init(&a, 0);
        const ProtobufCMessage *response = NULL;
        enum err e = p->early.code;
        if (e != OK)
            f = p->early;
        else
            e = client_outcome(&p->call, &f);
        if (e == OK && !p->on_message)
            e = client_response(&p->call, &a, &response, &f);
        p->finished = true;
        if (p->done)
            p->done(p->arg, e, e == OK ? response : NULL, &f);
        arena_free(&a);
    }
    pending_free(p);
}

static void on_status(struct done_tag *t)
{
    struct rpc_pending *p = HOLDER(t, struct rpc_pending, status_tag);
    p->in_flight--;
    maybe_finish(p);
}

static void next_message(struct rpc_pending *p)
{
    grpc_op op = client_recv_message(&p->call);
    hand_over(&p->message_tag);
    if (grpc_call_start_batch(p->call.core, &op, 1, &p->message_tag, NULL) == GRPC_CALL_OK)
        p->in_flight++;
}

static void on_message(struct done_tag *t)
{
    struct rpc_pending *p = HOLDER(t, struct rpc_pending, message_tag);
    bool more = t->ok && p->call.in;
    p->in_flight--;
    if (more && !p->cancelled) {
        struct arena a;
        arena_init(&a, 0);
        const ProtobufCMessage *m;
        p->in_flight++; /* on_message may cancel */
        if (client_response(&p->call, &a, &m, &p->early) == OK)
            p->on_message(p->arg, m);
        else
            (void)grpc_call_cancel(p->call.core, NULL);
        arena_free(&a);
        p->in_flight--;
        if (!p->cancelled)
            next_message(p);
    }
    maybe_finish(p);
}

static struct rpc_pending *pending_new(struct rpc_channel *ch, struct rpc_method m, int64_t timeout_ms,
                                       rpc_done *done, void *arg)
{
    struct rpc_pending *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->channel = ch;
    p->done = done;
    p->arg = arg;
    p->status_tag.fn = on_status;
    p->message_tag.fn = on_message;
    p->next = ch->pending;
    p->link = &ch->pending;
    if (p->next)
        p->next->link = &p->next;
    ch->pending = p;
    p->opened = client_call_open(&p->call, ch, m, ch->cq, timeout_ms, &p->early) == OK;
    return p;
}

static void start_status(struct rpc_pending *p, const grpc_op *ops, size_t n)
{
    p->in_flight = 1;
    hand_over(&p->status_tag);
    if (grpc_call_start_batch(p->call.core, ops, n, &p->status_tag, NULL) == GRPC_CALL_OK)
        return;
    (void)fail(&p->early, ERR_INTERNAL, "gRPC core refused the call");
    client_post(p->channel, &p->status_tag);
}

struct rpc_pending *rpc_start(struct rpc_channel *ch, struct rpc_method m, const ProtobufCMessage *request,
                              int64_t timeout_ms, rpc_done *done, void *arg)
{
    struct rpc_pending *p = pending_new(ch, m, timeout_ms > 0 ? timeout_ms : DEFAULT_TIMEOUT_MS, done, arg);
    if (!p->opened) {
        p->in_flight = 1;
        client_post(ch, &p->status_tag);
        return p;
    }
    grpc_op ops[] = {
        client_send_headers(&p->call), client_send_message(&p->call, request), client_send_end(),
        client_recv_headers(&p->call), client_recv_message(&p->call),          client_recv_status(&p->call)};
    start_status(p, ops, sizeof ops / sizeof *ops);
    return p;
}

struct rpc_pending *rpc_watch(struct rpc_channel *ch, struct rpc_method m, const ProtobufCMessage *request,
                              rpc_on_message *message, rpc_done *on_end, void *arg)
{
    struct rpc_pending *p = pending_new(ch, m, 0, on_end, arg);
    p->on_message = message;
    if (!p->opened) {
        p->in_flight = 1;
        client_post(ch, &p->status_tag);
        return p;
    }
    grpc_op send[] = {client_send_headers(&p->call), client_send_message(&p->call, request),
                      client_send_end(), client_recv_status(&p->call)};
    start_status(p, send, sizeof send / sizeof *send);
    grpc_op recv[] = {client_recv_headers(&p->call), client_recv_message(&p->call)};
    hand_over(&p->message_tag);
    if (grpc_call_start_batch(p->call.core, recv, 2, &p->message_tag, NULL) == GRPC_CALL_OK)
        p->in_flight++;
    return p;
}

void rpc_cancel(struct rpc_pending *p)
{
    p->cancelled = true;
    *p->link = p->next; /* out of the channel's list: it goes when its batches are back */
    if (p->next)
        p->next->link = p->link;
    p->next = NULL;
    p->link = &p->next;
    if (p->opened)
        (void)grpc_call_cancel(p->call.core, NULL);
}
