/* What comes in on a call: accept, look up, receive, decode. */
#include "rpc/server_internal.h"

#include "base/clock.h"
#include "rpc/codec.h"

#include <grpc/byte_buffer.h>
#include <grpc/support/time.h>
#include <string.h>

static void on_new(struct tag *t, bool ok);
static void on_recv(struct tag *t, bool ok);

void call_accept(struct rpc_server *s)
{
    struct rpc_call *c = call_new(s);
    c->t_new.fn = on_new;
    c->t_recv.fn = on_recv;
    if (grpc_server_request_call(s->core, &c->core, &c->details, &c->metadata, s->cq, s->cq, &c->t_new) !=
        GRPC_CALL_OK)
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
    grpc_slice_unref(c->bytes);
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

static void open_with_request(struct rpc_call *c, grpc_byte_buffer *in)
{
    if (in)
        c->request = decode(c, in, &c->arena);
    else
        call_refuse(c, ERR_INVALID, "no request message"); /* loses to a cancel */
    if (c->request && !rpc_call_over(c)) {
        c->opened = true;
        if (c->slot->kind != RPC_UNARY)
            call_arm(c);
        c->slot->route.on_call(c);
    }
    call_arm(c); /* a unary call that was answered at once has its close in the final batch */
}

static void stream_message(struct rpc_call *c, grpc_byte_buffer *in, bool ok)
{
    const struct rpc_route *r = &c->slot->route;
    pthread_mutex_lock(&c->mu);
    c->reading = false;
    bool wanted = !c->answered;
    pthread_mutex_unlock(&c->mu);
    if (!wanted)
        return;
    if (in) {
        const ProtobufCMessage *m = decode(c, in, &c->message_arena);
        if (m)
            r->on_message(c, m);
    } else if (ok && !grpc_call_failed_before_recv_message(c->core) && r->on_half_close) {
        r->on_half_close(c);
    }
}

static void on_recv(struct tag *t, bool ok)
{
    struct rpc_call *c = HOLDER(t, struct rpc_call, t_recv);
    grpc_byte_buffer *in = c->in;
    c->in = NULL; /* a handler may ask for the next at once */
    if (c->slot->kind == RPC_UNARY || c->slot->kind == RPC_SERVER_STREAM)
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

/* Milliseconds on clock_mono_ms() of the core's own. */
static int64_t client_deadline(gpr_timespec t)
{
    if (gpr_time_cmp(t, gpr_inf_future(t.clock_type)) == 0)
        return INT64_MAX;
    int64_t left = gpr_time_to_millis(gpr_time_sub(t, gpr_now(t.clock_type)));
    return clock_mono_ms() + left;
}

static void set_deadline(struct rpc_call *c)
{
    c->deadline = client_deadline(c->details.deadline);
    if (c->slot->route.deadline_ms <= 0)
        return;
    int64_t cap = clock_mono_ms() + c->slot->route.deadline_ms;
    if (cap < c->deadline) { /* else the core watches the client's */
        c->deadline = cap;
        timer_set(c->server, &c->cap, cap);
    }
}

static void enter(struct rpc_call *c)
{
    struct rpc_server *s = c->server;
    c->next = s->calls;
    c->link = &s->calls;
    if (c->next)
        c->next->link = &c->next;
    s->calls = c;
    pthread_mutex_lock(&s->mu);
    s->running++;
    pthread_mutex_unlock(&s->mu);
}

static void on_new(struct tag *t, bool ok)
{
    struct rpc_call *c = HOLDER(t, struct rpc_call, t_new);
    if (!ok) { /* the server is shutting down */
        rpc_call_unref(c);
        return;
    }
    call_accept(c->server);
    enter(c);
    c->deadline = INT64_MAX;
    c->slot = find(c->server, c->details.method);
    if (!c->slot || !c->slot->route.on_call) {
        call_refuse(c, ERR_UNIMPLEMENTED, c->slot ? NULL : "there is no such method");
        return;
    }
    set_deadline(c);
    if (c->slot->kind == RPC_UNARY || c->slot->kind == RPC_SERVER_STREAM) {
        c->pending++; /* nobody else has the call yet */
        receive(c);
        return;
    }
    call_arm(c);
    c->opened = true;
    c->slot->route.on_call(c);
}
