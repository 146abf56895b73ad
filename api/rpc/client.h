/* client.h - the gRPC client: blocking calls for tools, completions in the caller's loop for the console.
 *
 * A channel has one completion queue with one thread. Completions of the asynchronous calls are queued, the
 * channel's descriptor becomes readable, and rpc_channel_dispatch() runs them on the thread that called it.
 * Core retries are off: repeating a call is the caller's decision, under the same request_id.
 */
#ifndef CERTDESK_RPC_CLIENT_H
#define CERTDESK_RPC_CLIENT_H

#include "base/arena.h"
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

struct rpc_channel;
struct rpc_pending;

struct rpc_channel_options {
    const char *target;                     /* "unix:/run/x.sock", "127.0.0.1:8443" */
    const char *ca_pem;                     /* not NULL: TLS */
    const char *tls_cert_pem, *tls_key_pem; /* client certificate for mutual TLS, or NULL */
    const char *tls_name; /* name to check in the server's certificate, or NULL: the target's */
};

enum err rpc_channel_open(const struct rpc_channel_options *o, struct rpc_channel **out, struct fault *f);
/* Cancels what is pending; its completions do not run. */
void rpc_channel_close(struct rpc_channel *ch);
/* Sent with every call from now on ("authorization", "Bearer …"); value NULL removes it. */
void rpc_channel_set_metadata(struct rpc_channel *ch, const char *key, const char *value);

/* Which method: descriptor and name, e.g. {&certdesk__v1__order_service__descriptor, "GetOrder"}. */
struct rpc_method {
    const ProtobufCServiceDescriptor *service;
    const char *name;
};

/* Blocking unary call. *response is unpacked into the arena. On failure f has code (by ErrorInfo.reason, else
 * by status), sentences, violations, retry_ms; of a server that is not there, in both languages, its address
 * and what is the matter (UNAVAILABLE, DEADLINE). timeout_ms 0: 10 s. */
enum err rpc_unary(struct rpc_channel *ch, struct rpc_method m, const ProtobufCMessage *request,
                   int64_t timeout_ms, struct arena *a, const ProtobufCMessage **response, struct fault *f);

/* Asynchronous unary call. done runs in rpc_channel_dispatch(); response is NULL on failure and lives until
 * done returns. The request is packed before return. */
typedef void rpc_done(void *arg, enum err e, const ProtobufCMessage *response, const struct fault *f);
struct rpc_pending *rpc_start(struct rpc_channel *ch, struct rpc_method m, const ProtobufCMessage *request,
                              int64_t timeout_ms, rpc_done *done, void *arg);

/* Asynchronous server stream without deadline: on_message for each message, then on_end once. */
typedef void rpc_on_message(void *arg, const ProtobufCMessage *message);
struct rpc_pending *rpc_watch(struct rpc_channel *ch, struct rpc_method m, const ProtobufCMessage *request,
                              rpc_on_message *on_message, rpc_done *on_end, void *arg);

/* Gives up a pending call: its functions will not run any more. */
void rpc_cancel(struct rpc_pending *p);

/* Blocking client stream: send each message, then finish for the response. After any error only
 * rpc_upload_finish() is allowed; it frees the upload and says why. */
struct rpc_upload;
enum err rpc_upload_open(struct rpc_channel *ch, struct rpc_method m, int64_t timeout_ms,
                         struct rpc_upload **out, struct fault *f);
enum err rpc_upload_send(struct rpc_upload *u, const ProtobufCMessage *message);
enum err rpc_upload_finish(struct rpc_upload *u, struct arena *a, const ProtobufCMessage **response,
                           struct fault *f);

/* Readable when rpc_channel_dispatch() has something to do. */
int rpc_channel_fd(const struct rpc_channel *ch);
void rpc_channel_dispatch(struct rpc_channel *ch);

#endif
