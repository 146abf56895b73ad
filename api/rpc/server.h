/* server.h - the gRPC server: the C core under protobuf-c, driven by descriptors.
 *
 * One thread runs one completion queue. It accepts, decodes, checks and calls the route's functions, which
 * must not block; so cancellations, health and pings are always answered. Answers may come from any thread.
 * Nothing outside api/rpc sees a grpc_ type.
 *
 * Built in: grpc.health.v1.Health, grpc.reflection.v1 and v1alpha (from the descriptor set that the compiler
 * made), google.rpc.Status details, message and metadata limits, graceful drain.
 */
#ifndef CERTDESK_RPC_SERVER_H
#define CERTDESK_RPC_SERVER_H

#include "base/arena.h"
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rpc_server;
struct rpc_call;

enum rpc_kind {
    RPC_UNARY,
    RPC_SERVER_STREAM,
    RPC_CLIENT_STREAM,
    RPC_BIDI,
};

/* One method. Its request and response types come from the service descriptor, its kind from the descriptor
 * set. Every function runs on the completion-queue thread.
 *
 * unary, server stream: on_call once, with the request decoded (rpc_call_request).
 * client stream, bidi: on_call first (no request yet); then on_message for each message asked for with
 * rpc_next(); on_half_close when the client has sent all, never when it broke off (the headers are out by
 * then). on_cancel (may be NULL): the client went away, reset, or the deadline passed; answers are dropped
 * from here on. on_end (may be NULL): the call is over whichever way; the last event. user data can be
 * released here. on_drain (may be NULL): the server is draining; a stream that would go on for ever should
 * end itself. Built-in streams do.
 *
 * A message of a stream lives until the next rpc_next() or the end of the call. */
struct rpc_route {
    const ProtobufCServiceDescriptor *service;
    const char *method;
    const void *row;     /* the application's own row about this method */
    size_t max_request;  /* bytes of one message; 0: the server's */
    int64_t deadline_ms; /* cap, and what stands when the client sets none; 0: none. Counted from the
                            first message for unary calls, else from the headers */
    void (*on_call)(struct rpc_call *call);
    void (*on_message)(struct rpc_call *call, const ProtobufCMessage *message);
    void (*on_half_close)(struct rpc_call *call);
    void (*on_cancel)(struct rpc_call *call);
    void (*on_end)(struct rpc_call *call);
    void (*on_drain)(struct rpc_call *call);
};

struct rpc_server_options {
    const char *const *addresses; /* "unix:/run/x.sock", "127.0.0.1:0"; loopback and Unix sockets only */
    size_t n_addresses;
    bool allow_any_address; /* said in so many words by the operator: see README, libgrpc's open holes */
    const char *tls_cert_pem, *tls_key_pem; /* both NULL: plain */
    const char *client_ca_pem;              /* not NULL: mutual TLS, a client certificate is required */
    size_t max_request;                     /* bytes, default 1 MiB */
    size_t max_metadata;                    /* bytes, default 8 KiB */
    size_t arena_budget;                    /* bytes one decoded request may take, default 8 x max_request */
    void *app;                              /* rpc_server_app() */
};

/* Opens and binds but does not serve yet. Routes are copied. ERR_INVALID for an unknown method, an address
 * beyond loopback, or a port that is taken. On OK *out is closed with rpc_server_close(). */
enum err rpc_server_open(const struct rpc_server_options *o, const struct rpc_route *routes, size_t n_routes,
                         struct rpc_server **out, struct fault *f);
/* Starts the completion-queue thread. Methods of registered services that have no route answer UNIMPLEMENTED.
 */
enum err rpc_server_start(struct rpc_server *s, struct fault *f);
/* The port that addresses[i] got ("127.0.0.1:0"); 0 for a Unix socket. */
int rpc_server_port(const struct rpc_server *s, size_t i);
void *rpc_server_app(const struct rpc_server *s);
/* Stops accepting (GOAWAY, health NOT_SERVING), lets running calls end for grace_ms, then cancels the rest.
 * Returns when no call is left. */
void rpc_server_drain(struct rpc_server *s, int64_t grace_ms);
/* Drains without grace if that was not done, and frees. References to calls must have been given back, or
 * come back within seconds: a call that is still held then is logged, and the server is left in memory. */
void rpc_server_close(struct rpc_server *s);

/* Health of a service ("" for the whole server); watchers are told at once. Any thread. */
void rpc_health_set(struct rpc_server *s, const char *service, bool serving);

/* Runs fn(arg) on the completion-queue thread after ms (0: soon). Any thread. With a server that is closing,
 * fn may never run: arg must not be owned by it alone. */
void rpc_after(struct rpc_server *s, int64_t ms, void (*fn)(void *arg), void *arg);

/* -- one call ------------------------------------------------------------------------------------------- */

/* A call lives until it has ended and every reference is given back. on_call lends the call: take a reference
 * before handing it to another thread. */
void rpc_call_ref(struct rpc_call *c);
void rpc_call_unref(struct rpc_call *c);

struct rpc_server *rpc_call_server(const struct rpc_call *c);
const struct rpc_route *rpc_call_route(const struct rpc_call *c);
enum rpc_kind rpc_call_kind(const struct rpc_call *c);
/* "/certdesk.v1.OrderService/CreateOrder" */
const char *rpc_call_path(const struct rpc_call *c);
/* The decoded request of a unary or server-stream call: strings are valid UTF-8 without NUL. */
const ProtobufCMessage *rpc_call_request(const struct rpc_call *c);
/* The message's bytes as they came, for digests; *n is set. Lives as long as the call. */
const void *rpc_call_request_bytes(const struct rpc_call *c, size_t *n);
struct arena *rpc_call_arena(struct rpc_call *c);
/* Value of an ASCII metadata key, NULL when absent; the first when repeated. */
const char *rpc_call_metadata(const struct rpc_call *c, const char *key);
/* Milliseconds on clock_mono_ms() at which the call is over; INT64_MAX for none. */
int64_t rpc_call_deadline(const struct rpc_call *c);
/* True after cancel or deadline, or when it has been answered. Any thread. */
bool rpc_call_over(const struct rpc_call *c);
/* Value of a binary key ("…-bin"), NULL when absent; *n is set. Lives as long as the call. */
const void *rpc_call_metadata_bin(const struct rpc_call *c, const char *key, size_t *n);
/* The IP address at the other end ("192.0.2.1", "::1"), without its port; "" for a Unix socket. */
enum {
    RPC_ADDRESS_SIZE = 48
};
void rpc_call_peer_address(const struct rpc_call *c, char out[static RPC_ADDRESS_SIZE]);
/* PEM of the verified client certificate, NULL without mutual TLS. */
const char *rpc_call_peer_certificate(const struct rpc_call *c);
void rpc_call_set_user(struct rpc_call *c, void *user);
void *rpc_call_user(const struct rpc_call *c);

/* Answers and ends a unary or client-stream call. Any thread. The first answer wins: false when the call was
 * answered before (a watchdog's UNAVAILABLE, a cancel). The message is packed before return. */
bool rpc_reply(struct rpc_call *c, const ProtobufCMessage *response);
/* Ends any call with the fault as google.rpc.Status: ErrorInfo always (domain "certdesk.v1"), BadRequest with
 * all violations, RetryInfo, ResourceInfo, LocalizedMessage zh-CN. Initial metadata is always sent. First
 * wins. */
bool rpc_fail(struct rpc_call *c, const struct fault *f);
/* Ends any call with a bare status, for protocols whose statuses are not ours (health, interop). */
bool rpc_fail_status(struct rpc_call *c, enum rpc_status status, const char *message);
/* Adds trailing metadata to the answer to come (ASCII). Before rpc_reply/rpc_fail. */
void rpc_call_add_trailer(struct rpc_call *c, const char *key, const char *value);
void rpc_call_add_trailer_bin(struct rpc_call *c, const char *key, const void *value, size_t n);
/* Adds initial metadata, before the first message or the answer. */
void rpc_call_add_header(struct rpc_call *c, const char *key, const char *value);

/* Sends one message of a server stream. One at a time: sent(call, ok) runs on the queue's thread when the
 * transport took it (that is the flow control); ok is false when the client is gone. */
void rpc_send(struct rpc_call *c, const ProtobufCMessage *message, void (*sent)(struct rpc_call *c, bool ok));
/* Ends a server or bidi stream with OK. */
bool rpc_finish(struct rpc_call *c);
/* Asks for the next message of a client or bidi stream. */
void rpc_next(struct rpc_call *c);

#endif
