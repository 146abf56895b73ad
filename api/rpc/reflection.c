/* grpc.reflection.v1 and v1alpha. The two are the same on the wire, so v1's types serve both. */
#include "rpc/server_internal.h"

#include <grpc/reflection/v1/reflection.pb-c.h>
#include <grpc/reflection/v1alpha/reflection.pb-c.h>
#include <string.h>

typedef Grpc__Reflection__V1__ServerReflectionRequest request_t;
typedef Grpc__Reflection__V1__ServerReflectionResponse response_t;
#define ASKED(name)    GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name
#define ANSWERED(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name

static void refuse(response_t *r, struct arena *a, enum rpc_status code, const char *text)
{
    Grpc__Reflection__V1__ErrorResponse *e = ARENA_NEW(a, Grpc__Reflection__V1__ErrorResponse);
    grpc__reflection__v1__error_response__init(e);
    e->error_code = (int32_t)code;
    e->error_message = arena_strdup(a, text);
    r->message_response_case = ANSWERED(ERROR_RESPONSE);
    r->error_response = e;
}

/* The file and, first found first, everything it imports: a client need not ask for each. */
static void collect(const struct describe *d, const describe_file_t *f, const describe_file_t **found,
                    size_t *n)
{
    for (size_t i = 0; i < *n; i++)
        if (found[i] == f)
            return;
    found[(*n)++] = f;
    for (size_t i = 0; i < f->n_dependency; i++) {
        const describe_file_t *next = describe_file(d, f->dependency[i]);
        if (next)
            collect(d, next, found, n);
    }
}

static void answer_file(response_t *r, struct arena *a, const struct describe *d, const describe_file_t *f)
{
    if (!f) {
        refuse(r, a, RPC_NOT_FOUND, "not found");
        return;
    }
    const describe_file_t **found = ARENA_ARRAY(a, const describe_file_t *, d->set->n_file);
    size_t n = 0;
    collect(d, f, found, &n);
    Grpc__Reflection__V1__FileDescriptorResponse *m =
        ARENA_NEW(a, Grpc__Reflection__V1__FileDescriptorResponse);
    grpc__reflection__v1__file_descriptor_response__init(m);
    m->file_descriptor_proto = ARENA_ARRAY(a, ProtobufCBinaryData, n);
    m->n_file_descriptor_proto = n;
    for (size_t i = 0; i < n; i++) {
        ProtobufCBinaryData *b = &m->file_descriptor_proto[i];
        b->data = arena_alloc(a, protobuf_c_message_get_packed_size(&found[i]->base));
        b->len = protobuf_c_message_pack(&found[i]->base, b->data);
    }
    r->message_response_case = ANSWERED(FILE_DESCRIPTOR_RESPONSE);
    r->file_descriptor_response = m;
}

static void answer_services(response_t *r, struct arena *a, const struct rpc_server *s)
{
    Grpc__Reflection__V1__ListServiceResponse *m = ARENA_NEW(a, Grpc__Reflection__V1__ListServiceResponse);
    grpc__reflection__v1__list_service_response__init(m);
    m->service = ARENA_ARRAY(a, Grpc__Reflection__V1__ServiceResponse *, s->n_slots);
    for (size_t i = 0; i < s->n_slots; i++) {
        const ProtobufCServiceDescriptor *d = s->slots[i].route.service;
        bool listed = false;
        for (size_t j = 0; j < i && !listed; j++)
            listed = s->slots[j].route.service == d;
        if (listed)
            continue;
        Grpc__Reflection__V1__ServiceResponse *one = ARENA_NEW(a, Grpc__Reflection__V1__ServiceResponse);
        grpc__reflection__v1__service_response__init(one);
        one->name = arena_strdup(a, d->name);
        m->service[m->n_service++] = one;
    }
    r->message_response_case = ANSWERED(LIST_SERVICES_RESPONSE);
    r->list_services_response = m;
}

static void next(struct rpc_call *c, bool ok)
{
    if (ok)
        rpc_next(c);
}

static void on_message(struct rpc_call *c, const ProtobufCMessage *message)
{
    const struct rpc_server *s = c->server;
    request_t *q = (request_t *)(uintptr_t)message; /* repeated in the answer, which protobuf-c only reads */
    response_t r = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    struct arena a;
    arena_init(&a, 0);
    r.valid_host = q->host;
    r.original_request = q;
    if (q->message_request_case == ASKED(FILE_BY_FILENAME))
        answer_file(&r, &a, &s->describe, describe_file(&s->describe, q->file_by_filename));
    else if (q->message_request_case == ASKED(FILE_CONTAINING_SYMBOL))
        answer_file(&r, &a, &s->describe, describe_symbol(&s->describe, q->file_containing_symbol));
    else if (q->message_request_case == ASKED(LIST_SERVICES))
        answer_services(&r, &a, s);
    else if (q->message_request_case == ASKED(FILE_CONTAINING_EXTENSION))
        refuse(&r, &a, RPC_NOT_FOUND, "our protos extend nothing");
    else
        refuse(&r, &a, RPC_UNIMPLEMENTED, "our protos extend nothing");
    rpc_send(c, &r.base, next);
    arena_free(&a);
}

static void half_closed(struct rpc_call *c)
{
    rpc_finish(c);
}

static void going_away(struct rpc_call *c)
{
    rpc_fail_status(c, RPC_UNAVAILABLE, "the server is going away");
}

size_t reflection_routes(struct rpc_route *out)
{
    struct rpc_route r = {.service = &grpc__reflection__v1__server_reflection__descriptor,
                          .method = "ServerReflectionInfo",
                          .on_call = rpc_next,
                          .on_message = on_message,
                          .on_half_close = half_closed,
                          .on_drain = going_away};
    out[0] = out[1] = r;
    out[1].service = &grpc__reflection__v1alpha__server_reflection__descriptor;
    return 2;
}

void reflection_share_types(struct slot *slot)
{
    if (slot->input == &grpc__reflection__v1alpha__server_reflection_request__descriptor)
        slot->input = &grpc__reflection__v1__server_reflection_request__descriptor;
}
