#include "screen/msg.h"

#include "base/clock.h"
#include "base/str.h"

#include <google/protobuf/timestamp.pb-c.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessage *m, const char *name)
{
    return protobuf_c_message_descriptor_get_field_by_name(m->descriptor, name);
}

/* Fields lie at the offsets that the descriptor names. */
static const void *at(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    return (const char *)m + f->offset;
}

const char *msg_text(const ProtobufCMessage *m, const char *field)
{
    const ProtobufCFieldDescriptor *f = field_of(m, field);
    if (!f || f->type != PROTOBUF_C_TYPE_STRING || f->label == PROTOBUF_C_LABEL_REPEATED)
        return "";
    const char *s = *(char *const *)at(m, f);
    return s ? s : "";
}

void msg_set_text(ProtobufCMessage *m, const char *field, const char *text)
{
    const ProtobufCFieldDescriptor *f = field_of(m, field);
    if (f && f->type == PROTOBUF_C_TYPE_STRING && f->label != PROTOBUF_C_LABEL_REPEATED)
        *(const char **)(void *)((char *)m + f->offset) = text;
}

void msg_set_int(ProtobufCMessage *m, const char *field, int32_t n)
{
    const ProtobufCFieldDescriptor *f = field_of(m, field);
    if (f && f->type == PROTOBUF_C_TYPE_INT32 && f->label != PROTOBUF_C_LABEL_REPEATED)
        *(int32_t *)(void *)((char *)m + f->offset) = n;
}

void msg_set_bool(ProtobufCMessage *m, const char *field, bool on)
{
    const ProtobufCFieldDescriptor *f = field_of(m, field);
    if (f && f->type == PROTOBUF_C_TYPE_BOOL && f->label != PROTOBUF_C_LABEL_REPEATED)
        *(protobuf_c_boolean *)(void *)((char *)m + f->offset) = on;
}

static size_t count(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    return *(const size_t *)(const void *)((const char *)m + f->quantifier_offset);
}

size_t msg_rows(const ProtobufCMessage *m, ProtobufCMessage ***rows)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        if (f->label == PROTOBUF_C_LABEL_REPEATED && f->type == PROTOBUF_C_TYPE_MESSAGE) {
            *rows =
                *(ProtobufCMessage *const *const *)at(m, f) ? *(ProtobufCMessage * *const *)at(m, f) : NULL;
            return count(m, f);
        }
    }
    *rows = NULL;
    return 0;
}

ProtobufCMessage *msg_copy(const ProtobufCMessage *m)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    uint8_t *bytes = malloc(n + 1);
    if (!bytes)
        abort();
    protobuf_c_message_pack(m, bytes);
    ProtobufCMessage *copy = protobuf_c_message_unpack(m->descriptor, NULL, n, bytes);
    wipe(bytes, n);
    free(bytes);
    if (!copy)
        abort();
    return copy;
}

static bool secret(const char *name)
{
    static const char *const names[] = {"token", "pin", "puk", "management_key", "password", "totp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static json_t *int64_json(int64_t n)
{
    char out[24];
    snprintf(out, sizeof out, "%" PRId64, n);
    return json_string(out);
}

static json_t *bytes_json(const ProtobufCBinaryData *b)
{
    char *hex = malloc(b->len * 2 + 1);
    if (!hex)
        abort();
    hex_encode(b->data, b->len, hex);
    json_t *j = json_string(hex);
    free(hex);
    return j;
}

static json_t *enum_json(const ProtobufCFieldDescriptor *f, int n)
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(f->descriptor, n);
    return v ? json_string(v->name) : json_integer(n);
}

static json_t *message_json(const ProtobufCMessage *m)
{
    if (!m)
        return NULL;
    if (m->descriptor != &google__protobuf__timestamp__descriptor)
        return msg_json(m);
    const Google__Protobuf__Timestamp *t = (const void *)m;
    char out[CLOCK_TEXT_SIZE];
    clock_rfc3339(t->seconds * 1000 + t->nanos / 1000000, out);
    return json_string(out);
}

static size_t size_of(ProtobufCType t)
{
    switch (t) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

/* NULL: nothing to say. */
static json_t *value_json(const ProtobufCFieldDescriptor *f, const void *v)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        return json_string(*(char *const *)v ? *(char *const *)v : "");
    case PROTOBUF_C_TYPE_BYTES:
        return bytes_json(v);
    case PROTOBUF_C_TYPE_MESSAGE:
        return message_json(*(ProtobufCMessage *const *)v);
    case PROTOBUF_C_TYPE_ENUM:
        return enum_json(f, *(const int *)v);
    case PROTOBUF_C_TYPE_BOOL:
        return json_boolean(*(const protobuf_c_boolean *)v);
    default:
        return size_of(f->type) == 8 ? int64_json(*(const int64_t *)v) : json_integer(*(const int32_t *)v);
    }
}

static json_t *repeated_json(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    json_t *list = json_array();
    const char *p = *(const char *const *)at(m, f);
    for (size_t i = 0; i < count(m, f); i++)
        json_array_append_new(list, value_json(f, p + i * size_of(f->type)));
    return list;
}

json_t *msg_json(const ProtobufCMessage *m)
{
    json_t *o = json_object();
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        if (secret(f->name))
            continue;
        json_t *v = f->label == PROTOBUF_C_LABEL_REPEATED ? repeated_json(m, f) : value_json(f, at(m, f));
        if (v)
            json_object_set_new(o, f->name, v);
    }
    return o;
}
