#include "screen/once.h"

#include <stdlib.h>
#include <string.h>

struct unsettled {
    struct unsettled *next;
    char id[ID_SIZE];
    const char *method;
    size_t n;
    uint8_t bytes[]; /* the request without its id */
};

static char **id_field(ProtobufCMessage *m)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(m->descriptor, "request_id");
    return f ? (char **)(void *)((char *)m + f->offset) : NULL;
}

static struct unsettled *pack(const char *method, const ProtobufCMessage *m)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    struct unsettled *u = calloc(1, sizeof *u + n);
    if (!u)
        abort();
    u->method = method;
    u->n = protobuf_c_message_pack(m, u->bytes);
    return u;
}

static void drop(struct unsettled *u)
{
    wipe(u->bytes, u->n); /* a login request has a password in it */
    free(u);
}

void once_id(struct once *o, const char *method, ProtobufCMessage *request)
{
    char **id = id_field(request);
    if (!id)
        return;
    struct unsettled *mine = pack(method, request);
    for (struct unsettled *u = o->first; u; u = u->next) {
        if (strcmp(u->method, method) == 0 && u->n == mine->n && memcmp(u->bytes, mine->bytes, u->n) == 0) {
            *id = u->id;
            drop(mine);
            return;
        }
    }
    id_new("req", mine->id);
    mine->next = o->first;
    o->first = mine;
    *id = mine->id;
}

bool once_unknown(enum err e)
{
    enum rpc_status s = e == OK ? RPC_OK : err_status(e);
    return s == RPC_UNAVAILABLE || s == RPC_DEADLINE_EXCEEDED || s == RPC_CANCELLED || s == RPC_UNKNOWN ||
           s == RPC_INTERNAL || s == RPC_RESOURCE_EXHAUSTED;
}

void once_settle(struct once *o, const char *id, enum err e)
{
    if (once_unknown(e))
        return;
    for (struct unsettled **at = &o->first; *at; at = &(*at)->next) {
        struct unsettled *u = *at;
        if (strcmp(u->id, id) != 0)
            continue;
        *at = u->next;
        drop(u);
        return;
    }
}

void once_free(struct once *o)
{
    while (o->first) {
        struct unsettled *u = o->first;
        o->first = u->next;
        drop(u);
    }
}
