/* dispatch.h - from a call to a handler and back: who are you, may you, BEGIN, handler, COMMIT, one reply.
 *
 * A feature exports one table of rows (x_rpc.c); a row says what must be true before its handler runs, and
 * dispatch.c enforces it. A handler only fills its response: it never begins, commits, replies, frees or
 * calls a provider. Mutating requests carry `request_id` (field of that name; 1-64 visible ASCII characters),
 * which dispatch claims and stores around the handler; the handler does not see repeats.
 */
#ifndef CERTDESK_DISPATCH_H
#define CERTDESK_DISPATCH_H

#include "core/ctx.h"
#include "rpc/server.h"

enum access {
    ACCESS_PUBLIC,  /* anybody; a session is used when there is one */
    ACCESS_ACCOUNT, /* a person's session */
    ACCESS_STAFF,   /* a staff session; roles says which */
    ACCESS_ANY,     /* a person's or a staff session */
};

enum mode {
    MODE_READ,  /* no transaction, or one snapshot */
    MODE_WRITE, /* transaction, idempotency by request_id, retries */
};

/* Generated types are cast by the thunk that RPC_HANDLER makes; handlers themselves are typed. */
typedef enum err rpc_handler(struct ctx *c, const ProtobufCMessage *in, ProtobufCMessage *out);

/* Several waiting reads of one method at once: outs[i] answers ins[i]; errs[i] and cs[i]->fault say how it
 * went. All ctxs share one connection. Returns an error only when nothing could be read at all. */
typedef enum err rpc_many_handler(size_t n, struct ctx *const *cs, const ProtobufCMessage *const *ins,
                                  ProtobufCMessage *const *outs, enum err *errs);

/* One look of a watch stream: fills out and sets *changed when there is something that `*cursor` (the
 * feature's own number, 0 at first; or what the request resumes from) has not seen, and moves the cursor.
 * Called at once, after every commit of this server that could matter, and every second. *over ends the
 * stream after this message. */
typedef enum err rpc_watch_handler(struct ctx *c, const ProtobufCMessage *in, int64_t *cursor,
                                   ProtobufCMessage *out, bool *changed, bool *over);

/* A client stream of bytes: header came first, file holds what followed (positioned at its start, size bytes,
 * SHA-256 digest). Runs as a write with the header as request. */
struct upload {
    int fd;
    int64_t size;
    unsigned char digest[32];
};
typedef enum err rpc_upload_handler(struct ctx *c, const ProtobufCMessage *first, const struct upload *u,
                                    ProtobufCMessage *out);

/* A part that takes long and needs no database, as looking into a file: before the transaction, on a thread
 * of its own kind. look runs on a worker, outside any transaction: *found (in c->arena, which lives as long
 * as the call) is what aside works on and the handler then finds as c->found; NULL: there is nothing to do.
 * file is an upload's; a unary call's has fd -1 and may be given one, which dispatch closes. When look
 * refuses a write, its handler is run all the same, without c->found: a repeat is answered as the first time,
 * and the handler refuses again. aside has no connection; its error is the answer. */
typedef enum err rpc_look(struct ctx *c, const ProtobufCMessage *in, struct upload *file, void **found);
typedef enum err rpc_aside(struct ctx *c, void *found);

/* A server stream of bytes: the handler gives the content once; dispatch cuts it into messages of `chunk`. */
typedef enum err rpc_download_handler(struct ctx *c, const ProtobufCMessage *in, const void **bytes,
                                      size_t *n);

struct rpc_row {
    const ProtobufCServiceDescriptor *service;
    const char *method;
    enum access access;
    unsigned roles; /* ACCESS_STAFF, ACCESS_ANY: staff needs one of these (enum role) */
    enum mode mode;
    rpc_handler *handler;   /* unary */
    rpc_handler *prepare;   /* unary write, optional: runs before, in a transaction of its own that is
                               committed (an intent); must repeat safely; its response is thrown away */
    rpc_many_handler *many; /* unary read, optional: groups */
    bool of_one_moment;     /* unary read and watch: what it reads fits together (tx_read) */
    bool together;          /* unary write with request_id, no prepare: calls that wait may share one
                               transaction; for handlers that mostly insert */
    bool latest;            /* unary write, not together: ctx->latest, for handlers that count what everybody
                               shares; all they change goes by compare-and-set or unique keys */
    rpc_watch_handler *watch;   /* server stream of states */
    rpc_upload_handler *upload; /* client stream of bytes */
    rpc_look *look;             /* unary and upload, optional: before the handler, with aside */
    rpc_aside *aside;
    size_t max_request;             /* bytes of one message; 0: the server's */
    rpc_download_handler *download; /* server stream of bytes */
};

struct rpc_table {
    const struct rpc_row *rows;
    size_t n;
};

/* Names of generated things without their package. */
#define PB(T)           Certdesk__V1__##T
#define PB_INIT(fn, v)  certdesk__v1__##fn##__init(v)
#define PB_SERVICE(svc) (&certdesk__v1__##svc##__descriptor)

/* RPC_HANDLER(order_submit, SubmitOrderRequest, SubmitOrderResponse) { … uses c, in, out … } */
#define RPC_HANDLER(name, In, Out)                                                                           \
    static enum err name##_typed(struct ctx *c, const PB(In) * in, PB(Out) * out);                           \
    static enum err name(struct ctx *c, const ProtobufCMessage *in, ProtobufCMessage *out)                   \
    {                                                                                                        \
        return name##_typed(c, (const PB(In) *)in, (PB(Out) *)out);                                          \
    }                                                                                                        \
    static enum err name##_typed(struct ctx *c, const PB(In) * in, PB(Out) * out)

/* -- the machinery, for main.c ------------------------------------------------------------------------- */

struct app;
struct dispatch;

struct dispatch_options {
    struct app *app;
    const struct rpc_table *tables;
    size_t n_tables;
    int workers;                          /* connections; 0: 10 */
    size_t queue;                         /* waiting calls before RESOURCE_EXHAUSTED; 0: 1024 */
    const char *upload_dir;               /* temporary files of uploads */
    int aside;                            /* threads for what takes long without a database; 0: 2 */
    bool (*database_up)(const void *arg); /* asked before a call is queued: no new work while it is down */
    const void *database_arg;
};

/* A temporary file without a name for an upload's bytes: file->fd. */
enum err upload_open(const char *folder, struct upload *file, struct fault *f);

/* Makes routes for every row: pass them to rpc_server_open(). */
enum err dispatch_open(const struct dispatch_options *o, struct dispatch **out, struct fault *f);
const struct rpc_route *dispatch_routes(const struct dispatch *d, size_t *n);
/* After the server is open: streams need it for timers. */
void dispatch_attach(struct dispatch *d, struct rpc_server *s);
/* Something was committed outside a call (a job): watchers look again. Any thread. */
void dispatch_changed(struct dispatch *d);
/* The database stopped answering: what waits is answered UNAVAILABLE at once. Any thread. */
void dispatch_shed(struct dispatch *d);
/* Waits for the running handlers and stops the workers. After rpc_server_drain(). */
void dispatch_stop(struct dispatch *d);
/* Frees it. After rpc_server_close(): until then timers of ours may fire. */
void dispatch_close(struct dispatch *d);

#endif
