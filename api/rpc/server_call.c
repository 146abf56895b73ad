/* The life of a call: answer, close, end. The picture is in server_internal.h. */
#include "rpc/server_internal.h"

#include "rpc/status.h"

#include <grpc/byte_buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_close(struct tag *t, bool ok);
static void on_final(struct tag *t, bool ok);
static void on_cap(struct timer *t);

/* -- memory ------------------------------------------------------------------------------------------------
 */

struct rpc_call *call_new(struct rpc_server *s)
{
    struct rpc_call *c = malloc(sizeof *c); /* calloc() does not use what the thread has at hand */
    if (!c)
        abort();
    memset(c, 0, sizeof *c);
    atomic_init(&c->refs, 1);
    c->server = s;
    c->pending = 1; /* the close */
    c->t_close.fn = on_close;
    c->t_final.fn = on_final;
    c->cap.fire = on_cap;
    pthread_mutex_init(&c->mu, NULL);
    grpc_call_details_init(&c->details);
    grpc_metadata_array_init(&c->metadata);
    c->bytes = c->final_text = grpc_empty_slice();
    s->live++;
    return c;
}

static void call_free(struct rpc_call *c)
{
    struct rpc_server *s = c->server;
    if (c->in)
        grpc_byte_buffer_destroy(c->in);
    if (c->out)
        grpc_byte_buffer_destroy(c->out);
    if (c->final_message)
        grpc_byte_buffer_destroy(c->final_message);
    wire_drop(c->bytes);
    wire_drop(c->final_text);
    wire_pairs_free(&c->headers);
    wire_pairs_free(&c->trailers);
    grpc_metadata_array_destroy(&c->metadata);
    if (GRPC_SLICE_LENGTH(c->details.method) > 0) /* a generic call's */
        grpc_call_details_destroy(&c->details);
    if (c->core)
        grpc_call_unref(c->core);
    arena_free(&c->arena);
    arena_free(&c->message_arena);
    arena_free(&c->answer_arena);
    pthread_mutex_destroy(&c->mu);
    free(c);
    server_count_down(s, &s->live);
}

void rpc_call_ref(struct rpc_call *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
}

void rpc_call_unref(struct rpc_call *c)
{
    if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
        call_free(c);
}

/* -- end ---------------------------------------------------------------------------------------------------
 */

static void end(struct rpc_call *c)
{
    struct rpc_server *s = c->server;
    if (c->cap.pos)
        timer_cancel(s, &c->cap);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    if (c->opened && c->slot->route.on_end)
        c->slot->route.on_end(c);
    rpc_call_unref(c);
    server_count_down(s, &s->running);
}

/* A batch came back. The queue's thread. */
void call_done(struct rpc_call *c)
{
    pthread_mutex_lock(&c->mu);
    bool last = --c->pending == 0;
    c->ended = last;
    pthread_mutex_unlock(&c->mu);
    if (last)
        end(c);
}

/* -- answer ------------------------------------------------------------------------------------------------
 */

void call_start(struct rpc_call *c, const grpc_op *ops, size_t n, struct tag *t)
{
    /* refused only for a mistake of ours in the ops: no event would ever come */
    hand_over(t);
    grpc_call_error e = grpc_call_start_batch(c->core, ops, n, t, NULL);
    if (e != GRPC_CALL_OK) {
        fprintf(stderr, "certdesk: %s on %s\n", grpc_call_error_to_string(e), rpc_call_path(c));
        abort();
    }
}

grpc_op call_headers_op(struct rpc_call *c)
{
    c->headers_sent = true;
    return (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA,
                     .data.send_initial_metadata = {.count = c->headers.n, .metadata = c->headers.pair}};
}

/* A batch with the status alone would be accepted and never sent, so the headers always go with it. */
void call_start_final(struct rpc_call *c, bool with_close)
{
    grpc_op ops[4];
    size_t n = 0;
    bool has_text = GRPC_SLICE_LENGTH(c->final_text) > 0; /* an empty one would be sent, too */
    if (!c->headers_sent)
        ops[n++] = call_headers_op(c);
    if (c->final_message)
        ops[n++] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = c->final_message};
    ops[n++] = (grpc_op){.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
                         .data.send_status_from_server = {.status = c->final_status,
                                                          .status_details = has_text ? &c->final_text : NULL,
                                                          .trailing_metadata_count = c->trailers.n,
                                                          .trailing_metadata = c->trailers.pair}};
    if (with_close)
        ops[n++] = (grpc_op){.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                             .data.recv_close_on_server.cancelled = &c->cancelled};
    call_start(c, ops, n, &c->t_final);
}

bool call_answer(struct rpc_call *c, grpc_byte_buffer *message, enum rpc_status status, grpc_slice text,
                 const void *details, size_t n_details)
{
    pthread_mutex_lock(&c->mu);
    bool won = !c->answered;
    bool with_close = !c->armed, now = !c->sending;
    if (won) {
        c->answered = c->armed = true;
        c->deferred = !now; /* at most one send at a time: the status follows when it is through */
        if (!with_close)
            c->pending++;
        c->final_message = message;
        c->final_status = (grpc_status_code)status;
        c->final_text = text;
        if (details)
            wire_pairs_add(&c->trailers, &c->answer_arena, STATUS_DETAILS_KEY, details, n_details);
    }
    pthread_mutex_unlock(&c->mu);
    if (!won) {
        if (message)
            grpc_byte_buffer_destroy(message);
        grpc_slice_unref(text);
    } else if (now) {
        call_start_final(c, with_close);
    }
    return won;
}

void call_send_done(struct rpc_call *c)
{
    pthread_mutex_lock(&c->mu);
    c->sending = false;
    bool deferred = c->deferred;
    c->deferred = false;
    pthread_mutex_unlock(&c->mu);
    if (deferred)
        call_start_final(c, false);
}

bool rpc_reply(struct rpc_call *c, const ProtobufCMessage *response)
{
    pthread_mutex_lock(&c->mu);
    bool late = c->answered;
    pthread_mutex_unlock(&c->mu);
    return !late && call_answer(c, wire_pack(response), RPC_OK, grpc_empty_slice(), NULL, 0);
}

bool rpc_finish(struct rpc_call *c)
{
    return call_answer(c, NULL, RPC_OK, grpc_empty_slice(), NULL, 0);
}

bool rpc_fail_status(struct rpc_call *c, enum rpc_status status, const char *message)
{
    return call_answer(c, NULL, status, grpc_slice_from_copied_string(message), NULL, 0);
}

bool rpc_fail(struct rpc_call *c, const struct fault *f)
{
    struct arena a; /* the call's own may be in use by another thread */
    arena_init(&a, 0);
    size_t n;
    const void *details = status_pack(f, &a, &n);
    bool won =
        call_answer(c, NULL, err_status(f->code), grpc_slice_from_copied_string(fault_text(f)), details, n);
    arena_free(&a);
    return won;
}

static void on_final(struct tag *t, bool ok)
{
    (void)ok;
    call_done(HOLDER(t, struct rpc_call, t_final));
}

void call_refuse(struct rpc_call *c, enum err code, const char *text)
{
    struct fault f;
    fault_clear(&f);
    f.code = code;
    if (text)
        (void)fail(&f, code, "%s", text);
    rpc_fail(c, &f);
}

/* -- close and deadline ------------------------------------------------------------------------------------
 */

void call_arm(struct rpc_call *c)
{
    pthread_mutex_lock(&c->mu);
    bool now = !c->armed;
    c->armed = true;
    pthread_mutex_unlock(&c->mu);
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server.cancelled = &c->cancelled};
    if (now)
        call_start(c, &op, 1, &c->t_close);
}

static void on_close(struct tag *t, bool ok)
{
    (void)ok;
    struct rpc_call *c = HOLDER(t, struct rpc_call, t_close);
    pthread_mutex_lock(&c->mu);
    bool abandoned = c->cancelled && !c->answered;
    if (c->cancelled)
        c->answered = c->over = true;
    pthread_mutex_unlock(&c->mu);
    if (abandoned && c->opened && c->slot->route.on_cancel)
        c->slot->route.on_cancel(c);
    call_done(c);
}

/* The route's own deadline. A client that does not read may hold up the last message for ever, then the
 * status cannot follow it in order and the stream is cut. */
static void on_cap(struct timer *t)
{
    struct rpc_call *c = HOLDER(t, struct rpc_call, cap);
    pthread_mutex_lock(&c->mu);
    bool stuck = c->sending;
    c->over = true;
    pthread_mutex_unlock(&c->mu);
    struct fault f;
    fault_clear(&f);
    f.code = ERR_DEADLINE;
    bool won = rpc_fail(c, &f);
    if (stuck)
        (void)grpc_call_cancel_with_status(c->core, GRPC_STATUS_DEADLINE_EXCEEDED, err_text(ERR_DEADLINE),
                                           NULL);
    if (won && c->opened && c->slot->route.on_cancel)
        c->slot->route.on_cancel(c);
}
