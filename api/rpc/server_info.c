/* What can be asked about a call. */
#include "rpc/server_internal.h"

#include "base/clock.h"

#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <string.h>

struct rpc_server *rpc_call_server(const struct rpc_call *c)
{
    return c->server;
}

const struct rpc_route *rpc_call_route(const struct rpc_call *c)
{
    return &c->slot->route;
}

enum rpc_kind rpc_call_kind(const struct rpc_call *c)
{
    return c->slot->kind;
}

const char *rpc_call_path(const struct rpc_call *c)
{
    return c->slot ? c->slot->path : "(unknown method)";
}

const ProtobufCMessage *rpc_call_request(const struct rpc_call *c)
{
    return c->request;
}

const void *rpc_call_request_bytes(const struct rpc_call *c, size_t *n)
{
    *n = GRPC_SLICE_LENGTH(c->bytes);
    return GRPC_SLICE_START_PTR(c->bytes);
}

struct arena *rpc_call_arena(struct rpc_call *c)
{
    return &c->arena;
}

const void *rpc_call_metadata_bin(const struct rpc_call *c, const char *key, size_t *n)
{
    const grpc_slice *v = wire_find(&c->metadata, key);
    if (!v)
        return NULL;
    *n = GRPC_SLICE_LENGTH(*v);
    return GRPC_SLICE_START_PTR(*v);
}

const char *rpc_call_metadata(const struct rpc_call *c, const char *key)
{
    size_t n;
    const void *v = rpc_call_metadata_bin(c, key, &n);
    /* the arena is the call's own note-book: asking does not change the call */
    return v ? arena_strndup(&((struct rpc_call *)(uintptr_t)c)->arena, v, n) : NULL;
}

int64_t rpc_call_deadline(const struct rpc_call *c)
{
    return c->deadline;
}

bool rpc_call_over(const struct rpc_call *c)
{
    pthread_mutex_t *mu = &((struct rpc_call *)(uintptr_t)c)->mu;
    pthread_mutex_lock(mu);
    bool over = c->over || c->answered;
    pthread_mutex_unlock(mu);
    return over || (c->deadline != INT64_MAX && clock_mono_ms() >= c->deadline);
}

/* The core says "ipv4:192.0.2.1:5555", "ipv6:%5B::1%5D:5555", "unix:/path". */
void rpc_call_peer_address(const struct rpc_call *c, char out[static RPC_ADDRESS_SIZE])
{
    char *peer = grpc_call_get_peer(c->core);
    const char *from = NULL;
    size_t n = 0;
    out[0] = '\0';
    if (peer && strncmp(peer, "ipv4:", 5) == 0) {
        from = peer + 5;
        n = strcspn(from, ":");
    } else if (peer && strncmp(peer, "ipv6:%5B", 8) == 0) {
        from = peer + 8;
        n = strcspn(from, "%");
    }
    if (n < RPC_ADDRESS_SIZE && from) {
        memcpy(out, from, n);
        out[n] = '\0';
    }
    gpr_free(peer);
}

const char *rpc_call_peer_certificate(const struct rpc_call *c)
{
    const char *pem = NULL;
    grpc_auth_context *ac = grpc_call_auth_context(c->core);
    if (ac && grpc_auth_context_peer_is_authenticated(ac)) {
        grpc_auth_property_iterator it =
            grpc_auth_context_find_properties_by_name(ac, GRPC_X509_PEM_CERT_PROPERTY_NAME);
        const grpc_auth_property *p = grpc_auth_property_iterator_next(&it);
        if (p)
            pem = arena_strndup(&((struct rpc_call *)(uintptr_t)c)->arena, p->value, p->value_length);
    }
    if (ac)
        grpc_auth_context_release(ac);
    return pem;
}

void rpc_call_set_user(struct rpc_call *c, void *user)
{
    c->user = user;
}

void *rpc_call_user(const struct rpc_call *c)
{
    return c->user;
}
