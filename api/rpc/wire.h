/* wire.h - small tools over the core's slices, buffers and metadata. Private to api/rpc.
 *
 * A tag is what the core hands back when a batch is done: each batch embeds one, and the loop calls its
 * function.
 */
#ifndef CERTDESK_RPC_WIRE_H
#define CERTDESK_RPC_WIRE_H

#include "base/arena.h"
#include "base/err.h"

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

struct tag {
    void (*fn)(struct tag *t, bool ok);
};

/* The struct of type T that holds the member `m` at address p. */
#define HOLDER(p, T, m) ((T *)((char *)(p)-offsetof(T, m)))

/* Starts the core (counted; grpc_shutdown() is the end) with its messages in our log. */
void wire_init(void);

/* A message as a buffer for SEND_MESSAGE; the caller destroys it after the batch. */
grpc_byte_buffer *wire_pack(const ProtobufCMessage *m);
/* The bytes of a received buffer, without a copy in the usual case of one slice; the caller unrefs. False
 * for a compressed message: nothing here inflates, because a bomb is inflated before any limit. */
bool wire_bytes(grpc_byte_buffer *b, grpc_slice *out);

/* grpc_slice_unref() without a way into the core for a slice that owns nothing, as an empty one. */
static inline void wire_drop(grpc_slice s)
{
    if (s.refcount)
        grpc_slice_unref(s);
}

/* Metadata to send, growing in an arena. The values are copied. */
struct wire_pairs {
    grpc_metadata *pair;
    size_t n, cap;
};
/* False when the core would refuse the key or the value. */
bool wire_pairs_add(struct wire_pairs *p, struct arena *a, const char *key, const void *value, size_t n);
/* Gives the slices back. */
void wire_pairs_free(struct wire_pairs *p);

/* The first value of a key among received metadata, or NULL. */
const grpc_slice *wire_find(const grpc_metadata_array *m, const char *key);

#endif
