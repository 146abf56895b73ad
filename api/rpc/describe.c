#include "rpc/describe.h"

#include "rpc/codec.h"

#include <string.h>

extern const unsigned char certdesk_descriptors[], certdesk_descriptors_end[];

typedef Google__Protobuf__DescriptorProto message_t;
typedef Google__Protobuf__EnumDescriptorProto enum_t;
typedef Google__Protobuf__ServiceDescriptorProto service_t;
typedef Google__Protobuf__FieldDescriptorProto field_t;

enum err describe_open(struct describe *d, struct arena *a, struct fault *f)
{
    const ProtobufCMessage *m;
    size_t n = (size_t)(certdesk_descriptors_end - certdesk_descriptors);
    if (codec_unpack(&google__protobuf__file_descriptor_set__descriptor, certdesk_descriptors, n, a, &m, f) !=
        OK)
        return fail(f, ERR_INTERNAL, "the descriptor set in this program is damaged");
    d->set = (const Google__Protobuf__FileDescriptorSet *)m;
    return OK;
}

/* The rest of a dotted name after `head` and its dot; "" when that is all of it; NULL when it does not begin
 * so. An empty head is the package of a file that names none. */
static const char *after(const char *name, const char *head)
{
    if (!head || !*head)
        return name;
    size_t n = strlen(head);
    if (strncmp(name, head, n) != 0)
        return NULL;
    if (name[n] == '.')
        return name + n + 1;
    return name[n] == '\0' ? name + n : NULL;
}

static bool field_named(field_t *const *f, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(f[i]->name, name) == 0)
            return true;
    return false;
}

static bool in_enums(enum_t *const *e, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(e[i]->name, name) == 0)
            return true;
        /* an enum's values are named beside it, not below it */
        for (size_t j = 0; j < e[i]->n_value; j++)
            if (strcmp(e[i]->value[j]->name, name) == 0)
                return true;
    }
    return false;
}

static bool in_messages(message_t *const *m, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        const char *rest = after(name, m[i]->name);
        if (!rest)
            continue;
        if (!*rest || field_named(m[i]->field, m[i]->n_field, rest) ||
            field_named(m[i]->extension, m[i]->n_extension, rest) ||
            in_enums(m[i]->enum_type, m[i]->n_enum_type, rest) ||
            in_messages(m[i]->nested_type, m[i]->n_nested_type, rest))
            return true;
    }
    return false;
}

static const Google__Protobuf__MethodDescriptorProto *method_named(const service_t *s, const char *name)
{
    for (size_t i = 0; i < s->n_method; i++)
        if (strcmp(s->method[i]->name, name) == 0)
            return s->method[i];
    return NULL;
}

static bool in_services(service_t *const *s, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        const char *rest = after(name, s[i]->name);
        if (rest && (!*rest || method_named(s[i], rest)))
            return true;
    }
    return false;
}

bool describe_kind(const struct describe *d, const char *service, const char *method, enum rpc_kind *kind)
{
    for (size_t i = 0; i < d->set->n_file; i++) {
        const describe_file_t *f = d->set->file[i];
        const char *rest = after(service, f->package);
        for (size_t j = 0; rest && j < f->n_service; j++) {
            if (strcmp(f->service[j]->name, rest) != 0)
                continue;
            const Google__Protobuf__MethodDescriptorProto *m = method_named(f->service[j], method);
            if (!m)
                return false;
            *kind = m->client_streaming ? (m->server_streaming ? RPC_BIDI : RPC_CLIENT_STREAM)
                                        : (m->server_streaming ? RPC_SERVER_STREAM : RPC_UNARY);
            return true;
        }
    }
    return false;
}

const describe_file_t *describe_file(const struct describe *d, const char *name)
{
    for (size_t i = 0; i < d->set->n_file; i++)
        if (strcmp(d->set->file[i]->name, name) == 0)
            return d->set->file[i];
    return NULL;
}

const describe_file_t *describe_symbol(const struct describe *d, const char *symbol)
{
    for (size_t i = 0; i < d->set->n_file; i++) {
        const describe_file_t *f = d->set->file[i];
        const char *rest = after(symbol, f->package);
        if (rest && *rest &&
            (in_messages(f->message_type, f->n_message_type, rest) ||
             in_enums(f->enum_type, f->n_enum_type, rest) || in_services(f->service, f->n_service, rest) ||
             field_named(f->extension, f->n_extension, rest)))
            return f;
    }
    return NULL;
}
