/* client_internal.h - what the files of the client share. Private to api/rpc. */
#ifndef CERTDESK_RPC_CLIENT_INTERNAL_H
#define CERTDESK_RPC_CLIENT_INTERNAL_H

#include "rpc/handover.h"
#include "rpc/client.h"
#include "rpc/wire.h"

#include <pthread.h>

struct header {
    struct header *next;
    char *key, *value;
};

struct rpc_channel {
    grpc_channel *core;
    char *target;
    grpc_completion_queue *cq; /* of the asynchronous calls */
    pthread_t thread;
    int fd; /* eventfd */

    pthread_mutex_t mu; /* the fields below */
    struct header *headers;
    struct done_tag *first, **last; /* what came back and waits for dispatch */

    struct rpc_pending *pending; /* the caller's thread only */
};

/* A batch of an asynchronous call, and how it came back. */
struct done_tag {
    struct done_tag *next;
    bool ok;
    void (*fn)(struct done_tag *t);
};

/* Leaves a tag to rpc_channel_dispatch(). Any thread. */
void client_post(struct rpc_channel *ch, struct done_tag *t);

/* What every call needs, blocking or not. */
struct client_call {
    grpc_call *core;
    const char *target; /* the channel's */
    const ProtobufCMethodDescriptor *method;
    struct arena arena;
    struct wire_pairs headers;
    grpc_byte_buffer *out, *in;
    grpc_metadata_array initial, trailing;
    grpc_status_code status;
    grpc_slice text;
};

/* Creates the core's call on a queue. timeout_ms 0: none. ERR_INVALID for a method that does not exist. */
enum err client_call_open(struct client_call *c, struct rpc_channel *ch, struct rpc_method m,
                          grpc_completion_queue *cq, int64_t timeout_ms, struct fault *f);
void client_call_free(struct client_call *c);

/* The operations of a call; each belongs into one batch. */
grpc_op client_send_headers(struct client_call *c);
grpc_op client_send_message(struct client_call *c, const ProtobufCMessage *m);
grpc_op client_send_end(void);
grpc_op client_recv_headers(struct client_call *c);
grpc_op client_recv_message(struct client_call *c);
grpc_op client_recv_status(struct client_call *c);

/* The outcome as our own error; OK for status 0. */
enum err client_outcome(const struct client_call *c, struct fault *f);
/* Both sentences of a fault that the core made itself: the address, what is the matter, and its own words. */
void client_refused(const char *target, const char *detail, struct fault *f);
/* c->in unpacked into the arena. */
enum err client_response(struct client_call *c, struct arena *a, const ProtobufCMessage **out,
                         struct fault *f);

#endif
