/* server_internal.h - what the files of the server share. Private to api/rpc.
 *
 * Unary methods are registered with the core, which saves an event: their message comes with the call. All
 * other calls are generic, so that an unknown method is answered too.
 *
 *   accept ── t_new ──> running ──────────────── on_call … answer ──> t_final ─┐
 *                          │ RECV_MESSAGE ──> t_recv                            ├─> pending == 0: on_end
 *                          └ RECV_CLOSE_ON_SERVER (armed) ──> t_close ──────────┘
 *
 * All tags come back on the queue's thread. What other threads may touch is under rpc_call.mu; `pending`
 * counts the batches in flight, and the call has ended when it is 0. The close of a call always comes: alone
 * (armed), or inside the final batch when the answer was there before it was armed, which saves an event.
 */
#ifndef CERTDESK_RPC_SERVER_INTERNAL_H
#define CERTDESK_RPC_SERVER_INTERNAL_H

#include "rpc/handover.h"
#include "rpc/describe.h"
#include "rpc/server.h"
#include "rpc/wire.h"

#include <grpc/support/time.h>
#include <pthread.h>
#include <stdatomic.h>

struct timer {
    int64_t due; /* on clock_mono_ms() */
    size_t pos;  /* place in the heap + 1; 0: not in it */
    void (*fire)(struct timer *t);
};

/* Timers of the queue's thread: a heap, and when its first is due. */
struct timers {
    pthread_mutex_t mu;
    struct timer **heap;
    size_t n, cap;
    _Atomic int64_t next_due; /* INT64_MAX: none */
};

struct slot { /* a route and what was found out about it */
    struct rpc_route route;
    const char *path;
    size_t path_len;
    enum rpc_kind kind;
    const ProtobufCMessageDescriptor *input;
    size_t max_request, budget;
    void *registered; /* unary: the core's handle of the method; it reads the message before it hands over */
};

struct health_entry {
    char *service;
    bool serving;
};

struct rpc_server {
    grpc_server *core;
    grpc_completion_queue *cq;
    pthread_t thread;
    bool started;
    _Atomic bool thread_runs; /* the loop has a thread, or is about to */
    void *app;
    struct arena arena; /* lives as long as the server */
    struct describe describe;
    struct slot *slots;
    size_t n_slots;
    struct slot **index; /* open addressing by path */
    size_t index_size;   /* power of two */
    int *ports;
    size_t n_addresses;
    size_t arena_budget;

    struct timers timers;
    pthread_mutex_t post_mu;
    grpc_channel *lame; /* an empty batch on a call that goes nowhere comes back on the queue at once */
    grpc_call *lame_call;
    bool post_closed;

    pthread_mutex_t mu; /* the fields below */
    pthread_cond_t changed;
    bool shutdown_done, drained;
    struct health_entry *health;
    size_t n_health;
    bool draining;

    _Atomic size_t running; /* calls that have not ended; goes up on the queue's thread only */
    _Atomic size_t live;    /* calls in memory */
    int64_t now;            /* clock_mono_ms() when this event came; the queue's thread only */
    int64_t zero_ms;        /* clock_mono_ms() at ... */
    gpr_timespec zero;      /* ... this time of the core's */

    struct rpc_call *calls; /* running, newest first; the queue's thread only */
    struct tag shutdown_tag;
};

struct rpc_call {
    _Atomic size_t refs;
    struct rpc_server *server;
    const struct slot *slot; /* NULL: unknown method, or not looked up yet */
    grpc_call *core;
    grpc_call_details details;
    grpc_metadata_array metadata;
    int64_t deadline;
    bool capped;      /* the route's deadline is sooner than the client's ... */
    struct timer cap; /* ... and this watches it */
    struct tag t_new, t_recv, t_close, t_send, t_probe, t_final;
    struct rpc_call *next, **link; /* server->calls */

    struct arena arena, message_arena;
    grpc_byte_buffer *in;
    grpc_slice bytes; /* the request's, when request is set */
    const ProtobufCMessage *request;
    void *user;
    bool opened; /* on_call was called; the queue's thread only */

    pthread_mutex_t mu; /* the fields below */
    bool answered;      /* the answer was chosen, or there will be none */
    bool over;          /* cancelled or past its deadline */
    bool armed;         /* RECV_CLOSE_ON_SERVER is under way or in the final batch */
    bool headers_sent, reading, sending, send_refused, deferred, ended;
    size_t pending;
    int cancelled;
    void (*sent)(struct rpc_call *c, bool ok);
    grpc_byte_buffer *out;
    struct arena answer_arena; /* headers and trailers: the answer may come while a handler uses `arena` */
    struct wire_pairs headers, trailers;
    grpc_byte_buffer *final_message;
    grpc_status_code final_status;
    grpc_slice final_text;
};

/* server_loop.c */
enum err loop_open(struct rpc_server *s, struct fault *f);
void *loop_run(void *server);
void loop_close(struct rpc_server *s);
/* Brings a tag to the queue's thread; false when the queue is closing. Any thread. */
bool loop_post(struct rpc_server *s, struct tag *t);
void timer_set(struct rpc_server *s, struct timer *t, int64_t due);
void timer_cancel(struct rpc_server *s, struct timer *t);

/* server_listen.c */
enum err listen_open(struct rpc_server *s, const struct rpc_server_options *o, size_t max_message,
                     struct fault *f);

/* server.c */
size_t slot_hash(const char *path, size_t n);

/* server_read.c: asks the core for one more call: of a registered method, or (NULL) of any other */
void call_accept(struct rpc_server *s, const struct slot *slot);

/* One of the counters above goes down; drain and close hear of zero. */
void server_count_down(struct rpc_server *s, _Atomic size_t *counter);

/* server_call.c: the life of a call */
struct rpc_call *call_new(struct rpc_server *s);
/* Starts a batch that was counted in `pending`. */
void call_start(struct rpc_call *c, const grpc_op *ops, size_t n, struct tag *t);
/* A batch came back; ends the call when it was the last. The queue's thread. */
void call_done(struct rpc_call *c);
/* Asks to be told of cancel and deadline, once. */
void call_arm(struct rpc_call *c);
grpc_op call_headers_op(struct rpc_call *c);
/* Sends the answer that call_answer() chose. */
void call_start_final(struct rpc_call *c, bool with_close);
/* What was being sent is through: the status may follow if one waits. The queue's thread. */
void call_send_done(struct rpc_call *c);
/* rpc_fail() with a sentence; NULL: the table's. */
void call_refuse(struct rpc_call *c, enum err code, const char *text);
/* Chooses the answer; false when there is one. message may be NULL. Takes the message and the text. */
bool call_answer(struct rpc_call *c, grpc_byte_buffer *message, enum rpc_status status, grpc_slice text,
                 const void *details, size_t n_details);

/* health.c, reflection.c */
size_t health_routes(struct rpc_route *out);
void health_register(struct rpc_server *s);
void health_drain(struct rpc_server *s);
void health_free(struct rpc_server *s);
size_t reflection_routes(struct rpc_route *out);
/* v1alpha is decoded as v1. */
void reflection_share_types(struct slot *slot);
enum {
    MAX_BUILTIN_ROUTES = 8
};

#endif
