/* What comes in on a call: accept, look up, receive, decode. */
#include "rpc/server_internal.h"

#include "rpc/codec.h"

#include <grpc/byte_buffer.h>
#include <grpc/support/time.h>
#include <string.h>

static void on_new(struct tag *t, bool ok);
static void on_recv(struct tag *t, bool ok);
static void on_probe(struct tag *t, bool ok);

void call_accept(struct rpc_server *s, const struct slot *slot)
{
    struct rpc_call *c = call_new(s);
    c->t_new.fn = on_new;
    c->t_recv.fn = on_recv;
    c->t_probe.fn = on_probe;
    c->slot = slot;
    hand_over(&c->t_new);
    grpc_call_error e =
        slot
            ? grpc_server_request_registered_call(s->core, slot->registered, &c->core, &c->details.deadline,
                                                  &c->metadata, &c->in, s->cq, s->cq, &c->t_new)
            : grpc_server_request_call(s->core, &c->core, &c->details, &c->metadata, s->cq, s->cq, &c->t_new);
    if (e != GRPC_CALL_OK)
        rpc_call_unref(c);
}

/* -- decode ------------------------------------------------------------------------------------------------
 */

/* The buffer as a message; NULL after ending the call when it is none. */
static const ProtobufCMessage *decode(struct rpc_call *c, grpc_byte_buffer *in, struct arena *a)
{
    const ProtobufCMessage *m = NULL;
    struct fault f;
    if (grpc_byte_buffer_length(in) > c->slot->max_request) {
        call_refuse(c, ERR_EXHAUSTED, "the message is larger than this method takes");
        return NULL;
    }
    wire_drop(c->bytes);
    if (!wire_bytes(in, &c->bytes)) {
        c->bytes = grpc_empty_slice();
        call_refuse(c, ERR_UNIMPLEMENTED, "compressed messages are not accepted");
        return NULL;
    }
    a->budget = c->slot->budget;
    if (codec_unpack(c->slot->input, GRPC_SLICE_START_PTR(c->bytes), GRPC_SLICE_LENGTH(c->bytes), a, &m,
                     &f) != OK) {
        rpc_fail(c, &f);
        return NULL;
    }
    return m;
}

/* -- receive -----------------------------------------------------------------------------------------------
 */

static void receive(struct rpc_call *c)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &c->in};
    call_start(c, &op, 1, &c->t_recv);
}

static bool answered(struct rpc_call *c)
{
    pthread_mutex_lock(&c->mu);
    bool yes = c->answered;
    pthread_mutex_unlock(&c->mu);
    return yes;
}

static void open_with_request(struct rpc_call *c, grpc_byte_buffer *in)
{
    if (in)
        c->request = decode(c, in, &c->arena);
    else
        call_refuse(c, ERR_INVALID, "no request message"); /* loses to a cancel */
    if (c->request && !answered(c)) {
        c->opened = true;
        if (c->slot->kind != RPC_UNARY)
            call_arm(c);
        c->slot->route.on_call(c);
    }
    call_arm(c); /* a unary call that was answered at once has its close in the final batch */
}

/* Some clients (node's HTTP/2) end a stream before they reset it, so an upload that was given up would pass
 * for a whole one. The reset has closed our direction too by then: the headers can only be sent when it was a
 * true end. */
static void on_probe(struct tag *t, bool ok)
{
    struct rpc_call *c = HOLDER(t, struct rpc_call, t_probe);
    call_send_done(c);
    if (ok && !answered(c))
        c->slot->route.on_half_close(c);
    call_done(c);
}

static void half_closed(struct rpc_call *c)
{
    pthread_mutex_lock(&c->mu);
    bool probe = !c->headers_sent && !c->sending && !c->answered;
    if (probe) {
        c->sending = true;
        c->pending++;
    }
    pthread_mutex_unlock(&c->mu);
    if (!probe) {
        if (!answered(c)) /* a bidi stream that has spoken: its end decides nothing */
            c->slot->route.on_half_close(c);
        return;
    }
    grpc_op op = call_headers_op(c);
    call_start(c, &op, 1, &c->t_probe);
}

static void stream_message(struct rpc_call *c, grpc_byte_buffer *in, bool ok)
{
    const struct rpc_route *r = &c->slot->route;
    pthread_mutex_lock(&c->mu);
    c->reading = false;
    pthread_mutex_unlock(&c->mu);
    if (answered(c))
        return;
    if (in) {
        const ProtobufCMessage *m = decode(c, in, &c->message_arena);
        if (m)
            r->on_message(c, m);
    } else if (ok && !grpc_call_failed_before_recv_message(c->core) && r->on_half_close) {
        half_closed(c);
    }
}

static void on_recv(struct tag *t, bool ok)
{
    struct rpc_call *c = HOLDER(t, struct rpc_call, t_recv);
    grpc_byte_buffer *in = c->in;
    c->in = NULL; /* a handler may ask for the next at once */
    if (c->slot->kind == RPC_SERVER_STREAM)
        open_with_request(c, in);
    else
        stream_message(c, in, ok);
    if (in)
        grpc_byte_buffer_destroy(in);
    call_done(c);
}

void rpc_next(struct rpc_call *c)
{
    pthread_mutex_lock(&c->mu);
    bool now = !c->answered && !c->reading;
    if (now) {
        c->reading = true;
        c->pending++;
    }
    pthread_mutex_unlock(&c->mu);
    if (!now)
        return;
    arena_free(&c->message_arena);
    receive(c);
}

/* -- accept ------------------------------------------------------------------------------------------------
 */

static const struct slot *find(const struct rpc_server *s, grpc_slice path)
{
    const char *p = (const char *)GRPC_SLICE_START_PTR(path);
    size_t n = GRPC_SLICE_LENGTH(path);
    for (size_t i = slot_hash(p, n);; i++) {
        const struct slot *slot = s->index[i & (s->index_size - 1)];
        if (!slot || (slot->path_len == n && memcmp(slot->path, p, n) == 0))
            return slot;
    }
}

/* A time of the core's in milliseconds on clock_mono_ms(). */
static int64_t our_time(const struct rpc_server *s, gpr_timespec t)
{
    if (gpr_time_cmp(t, gpr_inf_future(t.clock_type)) == 0)
        return INT64_MAX;
    return s->zero_ms + (t.tv_sec - s->zero.tv_sec) * 1000 + (t.tv_nsec - s->zero.tv_nsec) / 1000000;
}

static void set_deadline(struct rpc_call *c)
{
    c->deadline = our_time(c->server, c->details.deadline);
    int64_t cap = c->server->now + c->slot->route.deadline_ms;
    c->capped = c->slot->route.deadline_ms > 0 && cap < c->deadline; /* else the core watches the client's */
    if (c->capped)
        c->deadline = cap;
}

/* Apart from the above, because a call that is answered at once needs no timer. */
static void watch_deadline(struct rpc_call *c)
{
    if (c->capped)
        timer_set(c->server, &c->cap, c->deadline);
}

static void enter(struct rpc_call *c)
{
    struct rpc_server *s = c->server;
    c->next = s->calls;
    c->link = &s->calls;
    if (c->next)
        c->next->link = &c->next;
    s->calls = c;
    s->running++;
}

static void open_generic(struct rpc_call *c)
{
    c->slot = find(c->server, c->details.method);
    if (!c->slot || !c->slot->route.on_call) {
        call_refuse(c, ERR_UNIMPLEMENTED, c->slot ? NULL : "this method is not served here");
        return;
    }
    set_deadline(c);
    if (c->slot->kind == RPC_SERVER_STREAM) {
        c->pending++; /* nobody else has the call yet */
        watch_deadline(c);
        receive(c);
        return;
    }
    watch_deadline(c);
    call_arm(c);
    c->opened = true;
    c->slot->route.on_call(c);
}

static void on_new(struct tag *t, bool ok)
{
    struct rpc_call *c = HOLDER(t, struct rpc_call, t_new);
    if (!ok) { /* the server is shutting down */
        rpc_call_unref(c);
        return;
    }
    call_accept(c->server, c->slot);
    enter(c);
    c->deadline = INT64_MAX;
    if (!c->slot) {
        open_generic(c);
        return;
    }
    set_deadline(c);
    open_with_request(c, c->in);
    if (!answered(c))
        watch_deadline(c);
}
