/* What goes out on a stream before its end, and what is said beside the messages. */
#include "rpc/server_internal.h"

#include <grpc/byte_buffer.h>
#include <string.h>

static void on_sent(struct tag *t, bool ok)
{
    struct rpc_call *c = HOLDER(t, struct rpc_call, t_send);
    pthread_mutex_lock(&c->mu);
    ok = ok && !c->send_refused;
    grpc_byte_buffer *out = c->out;
    c->out = NULL;
    void (*sent)(struct rpc_call *, bool) = c->sent;
    pthread_mutex_unlock(&c->mu);
    grpc_byte_buffer_destroy(out);
    call_send_done(c);
    if (sent)
        sent(c, ok);
    call_done(c);
}

/* The stream was answered or has gone: says so from the queue's thread, like any other outcome. */
static void refuse_send(struct rpc_call *c)
{
    if (!loop_post(c->server, &c->t_send)) {
        pthread_mutex_lock(&c->mu);
        c->pending--;
        pthread_mutex_unlock(&c->mu);
    }
}

void rpc_send(struct rpc_call *c, const ProtobufCMessage *message, void (*sent)(struct rpc_call *c, bool ok))
{
    grpc_byte_buffer *out = wire_pack(message);
    pthread_mutex_lock(&c->mu);
    bool possible = !c->ended && !c->sending;
    c->send_refused = c->answered;
    if (possible) {
        c->sending = true;
        c->pending++;
        c->sent = sent;
        c->out = out;
        c->t_send.fn = on_sent;
    }
    bool refused = c->send_refused, headers = !c->headers_sent;
    pthread_mutex_unlock(&c->mu);
    if (!possible) { /* the call has ended, or the caller did not wait for sent() */
        grpc_byte_buffer_destroy(out);
        return;
    }
    if (refused) {
        refuse_send(c);
        return;
    }
    grpc_op ops[2];
    size_t n = 0;
    if (headers)
        ops[n++] = call_headers_op(c);
    ops[n++] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = out};
    call_start(c, ops, n, &c->t_send);
}

static void add(struct rpc_call *c, struct wire_pairs *p, const char *key, const void *value, size_t n)
{
    pthread_mutex_lock(&c->mu);
    if (!c->answered)
        wire_pairs_add(p, &c->answer_arena, key, value, n);
    pthread_mutex_unlock(&c->mu);
}

void rpc_call_add_trailer(struct rpc_call *c, const char *key, const char *value)
{
    add(c, &c->trailers, key, value, strlen(value));
}

void rpc_call_add_trailer_bin(struct rpc_call *c, const char *key, const void *value, size_t n)
{
    add(c, &c->trailers, key, value, n);
}

void rpc_call_add_header(struct rpc_call *c, const char *key, const char *value)
{
    add(c, &c->headers, key, value, strlen(value));
}
