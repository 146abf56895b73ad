/* dispatch_internal.h - what the files of dispatch share. */
#ifndef CERTDESK_DISPATCH_INTERNAL_H
#define CERTDESK_DISPATCH_INTERNAL_H

#include "app.h"
#include "core/pool.h"
#include "dispatch.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    ANSWER_WITHIN_MS = 2600, /* with the watchdog's step no caller waits 3 s, whatever the database does */
    WATCHDOG_EVERY_MS = 100,
    LOOK_EVERY_MS = 1000, /* watchers look at least this often: other servers commit too */
    RETRY_AFTER_MS = 1000,
    READ_LISTS = 2,      /* of one method at a time: more would be shorter, and dearer by the call */
    WRITES_TOGETHER = 8, /* in one transaction: more would only leave other workers idle */
    STREAM_LIFE_MS = 5 * 60 * 1000, /* uploads and downloads */
    ASIDE_WITHIN_MS = 15000,        /* a part without database, with its wait */
    ASIDE_QUEUE = 32,               /* waiting for it; each has a file */
};

/* A row as dispatch uses it. */
struct entry {
    struct dispatch *dispatch;
    const struct rpc_row *row;
    const ProtobufCMethodDescriptor *types;
    const ProtobufCFieldDescriptor *header;     /* the request's message that has it; NULL: itself */
    const ProtobufCFieldDescriptor *request_id; /* of the request; NULL: the method takes none */
    char path[128];
};

struct dispatch {
    struct app *app;
    struct dispatch_options options;
    struct pool *pool;
    struct pool *aside; /* without connections */
    struct rpc_server *server;
    struct entry *entries;
    struct rpc_route *routes;
    size_t n;
    pthread_mutex_t mu;
    struct waited *oldest, *newest; /* by age */
    struct watch *watches;
    bool tick_due; /* a look at all watches is on its way */
    bool closing;
    size_t timers; /* functions that rpc_after still owes us */
};

/* A call while a worker has it; in the call's arena. */
struct waited {
    struct rpc_call *call;
    struct waited *older, *newer;
    int64_t since_ms; /* clock_mono_ms() */
    bool listed;
};

/* One unary call on its way through the pool; in the call's arena. */
struct task {
    struct pool_work work;
    struct rpc_call *call;
    const struct entry *entry;
    struct waited waited;
    int64_t began_ms; /* clock_mono_ms() */
};

/* -- dispatch.c: shared steps ---- */

/* Fills a ctx for one call on this connection; the caller is not known yet. */
void call_ctx(const struct entry *e, struct rpc_call *call, struct db *db, struct arena *a, struct fault *f,
              struct ctx *out);
/* The bearer token of the call, NULL without one. */
const char *call_token(const struct rpc_call *call);
/* UNAUTHENTICATED or DENIED unless the caller may use the row. */
enum err call_allowed(const struct rpc_row *row, struct ctx *c);
/* Makes the fault say what goes on the wire: its code is e, internal codes are translated, retries are told,
 * and what the request `in` (NULL: none) named and was not found is named. */
void fault_for_wire(struct fault *f, enum err e, const ProtobufCMessage *in);
/* Words for a NOT_FOUND that has none (dispatch_absent.c). */
void fault_name_absent(struct fault *f, const ProtobufCMessage *in);
/* Looks up who calls, in one statement for the list. */
enum err call_who(size_t n, struct rpc_call *const *calls, struct ctx *const *cs);
/* Fails the call with this code. */
void call_refuse_code(struct rpc_call *call, enum err e);
/* The request's id, "" when its header is missing; NULL: the method takes none. */
const char *call_request_id(const struct entry *e, const ProtobufCMessage *request);
/* An empty response of the row's type, in the arena. */
ProtobufCMessage *new_response(const struct entry *e, struct arena *a);
/* -- dispatch_write.c ---- */

/* Runs one write's own part: its handler. */
typedef enum err write_body(struct ctx *c, void *arg, ProtobufCMessage *out);
struct write {
    const struct entry *entry;
    const char *request_id; /* NULL: no idempotency */
    unsigned char digest[32];
    write_body *body;
    void *arg;
    ProtobufCMessage *out; /* in the ctx's arena after OK */
};
/* Transaction, idempotency, body. */
enum err run_write(struct ctx *c, struct write *w);
/* The same for several calls on one connection, each with its request_id: in one transaction when all of them
 * succeed, which costs one commit; else each in its own, as if the group had never been. */
void run_writes(size_t n, struct ctx *const *cs, struct write *list, enum err *errs);

/* -- dispatch.c again ---- */

/* After a call that wrote: watchers and jobs. */
void after_write(struct dispatch *d, const struct ctx *c);
void log_call(const struct entry *e, const struct ctx *c, enum err outcome, int64_t began_ms);

/* -- dispatch_wait.c ---- */

/* From the moment a worker is asked until it is through. The caller holds a reference to the call meanwhile.
 */
void waited_add(struct dispatch *d, struct waited *w, struct rpc_call *call);
void waited_remove(struct dispatch *d, struct waited *w);
/* Answers UNAVAILABLE where it has taken ANSWER_WITHIN_MS; the worker's later answer is dropped (the first
 * wins). On the queue's thread. */
void waited_watchdog(struct dispatch *d);

/* -- dispatch_aside.c ---- */

/* A call with a part that needs no database; in the call's arena. */
struct considered {
    struct pool_work work;
    struct waited waited;
    struct rpc_call *call;
    const struct entry *entry;
    const ProtobufCMessage *in;
    struct upload *file;
    void *found;
    int64_t began_ms, aside_until_ms;
    int fail_at;
    enum err (*last)(struct considered *k, struct ctx *c, ProtobufCMessage **out);
    void (*over)(struct considered *k); /* answered: gives back what it holds */
};
/* Look, aside, last; answers. Any thread. */
void consider(struct considered *k);

/* -- the kinds of calls ---- */
void unary_route(struct rpc_route *r);
void watch_route(struct rpc_route *r);
void considered_route(struct rpc_route *r);
void upload_route(struct rpc_route *r);
void download_route(struct rpc_route *r);
/* Every watch looks again. */
void watch_tick(struct dispatch *d);

#endif
