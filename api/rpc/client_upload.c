/* Blocking client streams. */
#include "rpc/client_internal.h"

#include <grpc/support/time.h>
#include <stdlib.h>

struct rpc_upload {
    struct client_call call;
    grpc_completion_queue *cq;
    int headers_tag, message_tag, end_tag;
    bool broken;
};

static void pluck(struct rpc_upload *u, void *tag, bool *ok)
{
    *ok = grpc_completion_queue_pluck(u->cq, tag, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).success != 0;
}

static void upload_free(struct rpc_upload *u)
{
    client_call_free(&u->call);
    grpc_completion_queue_shutdown(u->cq);
    grpc_completion_queue_destroy(u->cq);
    free(u);
}

enum err rpc_upload_open(struct rpc_channel *ch, struct rpc_method m, int64_t timeout_ms,
                         struct rpc_upload **out, struct fault *f)
{
    struct rpc_upload *u = calloc(1, sizeof *u);
    if (!u)
        abort();
    u->cq = grpc_completion_queue_create_for_pluck(NULL);
    enum err e = client_call_open(&u->call, ch, m, u->cq, timeout_ms > 0 ? timeout_ms : 300000, f);
    if (e != OK) {
        upload_free(u);
        return e;
    }
    bool ok;
    grpc_op op = client_send_headers(&u->call);
    if (grpc_call_start_batch(u->call.core, &op, 1, &u->headers_tag, NULL) != GRPC_CALL_OK) {
        upload_free(u);
        return fail(f, ERR_INTERNAL, "gRPC core refused the call");
    }
    pluck(u, &u->headers_tag, &ok);
    u->broken = !ok;
    *out = u;
    return OK;
}

enum err rpc_upload_send(struct rpc_upload *u, const ProtobufCMessage *message)
{
    if (u->broken)
        return ERR_UNAVAILABLE;
    bool ok = false;
    grpc_op op = client_send_message(&u->call, message);
    if (grpc_call_start_batch(u->call.core, &op, 1, &u->message_tag, NULL) == GRPC_CALL_OK)
        pluck(u, &u->message_tag, &ok);
    u->broken = !ok;
    return ok ? OK : ERR_UNAVAILABLE;
}

enum err rpc_upload_finish(struct rpc_upload *u, struct arena *a, const ProtobufCMessage **response,
                           struct fault *f)
{
    *response = NULL;
    bool ok;
    enum err e;
    grpc_op ops[] = {client_send_end(), client_recv_headers(&u->call), client_recv_message(&u->call),
                     client_recv_status(&u->call)};
    if (grpc_call_start_batch(u->call.core, ops, sizeof ops / sizeof *ops, &u->end_tag, NULL) !=
        GRPC_CALL_OK) {
        e = fail(f, ERR_INTERNAL, "gRPC core refused the call");
    } else {
        pluck(u, &u->end_tag, &ok);
        e = client_outcome(&u->call, f);
    }
    if (e == OK)
        e = client_response(&u->call, a, response, f);
    upload_free(u);
    return e;
}
