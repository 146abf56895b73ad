#include "rpc/codec.h"

#include "base/str.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

/* protobuf-c allocates exactly length + 1 bytes for a string field. So the allocator notes every size in
 * front of the memory, and a string whose strlen() is shorter than its allocation was cut by a NUL. */
struct noted {
    alignas(max_align_t) size_t size;
};

struct budget {
    struct arena *arena;
    bool exceeded;
};

static void *noted_alloc(void *data, size_t size)
{
    struct budget *b = data;
    struct noted *p = size > SIZE_MAX - sizeof *p ? NULL : arena_try(b->arena, sizeof *p + size);
    if (!p) {
        b->exceeded = true;
        return NULL;
    }
    p->size = size;
    return p + 1;
}

static void noted_free(void *data, void *p)
{
    (void)data; /* the arena is freed as a whole */
    (void)p;
}

static size_t noted_size(const void *p)
{
    return ((const struct noted *)p)[-1].size;
}

/* Where the walk is, innermost first: turned into text only for a bad field. */
struct path {
    const struct path *up;
    const ProtobufCFieldDescriptor *field;
    size_t index;
};

static void path_text(const struct path *p, char *out, size_t size)
{
    char up[sizeof((struct violation *)0)->field] = "";
    if (p->up)
        path_text(p->up, up, sizeof up);
    const char *dot = p->up ? "." : "";
    if (p->field->label == PROTOBUF_C_LABEL_REPEATED)
        snprintf(out, size, "%s%s%s[%zu]", up, dot, p->field->name, p->index);
    else
        snprintf(out, size, "%s%s%s", up, dot, p->field->name);
}

static void bad_string(const struct path *at, bool has_nul, struct fault *f)
{
    char field[sizeof f->violations[0].field];
    path_text(at, field, sizeof field);
    if (has_nul)
        fault_field(f, field, "NUL", "must not contain a NUL character", "不能包含空字符");
    else
        fault_field(f, field, "UTF8", "must be valid UTF-8", "不是有效的 UTF-8 文本");
}

static void check_string(const ProtobufCFieldDescriptor *d, const char *s, const struct path *at,
                         struct fault *f)
{
    if (!s || s == protobuf_c_empty_string || s == d->default_value)
        return;
    size_t n = noted_size(s) - 1;
    if (!utf8_valid(s, n))
        bad_string(at, memchr(s, '\0', n) != NULL, f);
}

static void check_message(const ProtobufCMessage *m, const struct path *up, struct fault *f);

static void check_value(const ProtobufCFieldDescriptor *d, const void *value, const struct path *at,
                        struct fault *f)
{
    if (d->type == PROTOBUF_C_TYPE_STRING)
        check_string(d, value, at, f);
    else if (value)
        check_message(value, at, f);
}

static void check_field(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *d, const struct path *up,
                        struct fault *f)
{
    const char *base = (const char *)m;
    struct path at = {.up = up, .field = d};
    if (d->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t n = *(const size_t *)(const void *)(base + d->quantifier_offset);
        void *const *values = *(void *const *const *)(const void *)(base + d->offset);
        for (; at.index < n; at.index++)
            check_value(d, values[at.index], &at, f);
        return;
    }
    if ((d->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
        *(const uint32_t *)(const void *)(base + d->quantifier_offset) != d->id)
        return;
    check_value(d, *(void *const *)(const void *)(base + d->offset), &at, f);
}

static void check_message(const ProtobufCMessage *m, const struct path *up, struct fault *f)
{
    const ProtobufCMessageDescriptor *d = m->descriptor;
    for (unsigned i = 0; i < d->n_fields; i++) {
        ProtobufCType t = d->fields[i].type;
        if (t == PROTOBUF_C_TYPE_STRING || t == PROTOBUF_C_TYPE_MESSAGE)
            check_field(m, &d->fields[i], up, f);
    }
}

enum err codec_unpack(const ProtobufCMessageDescriptor *d, const void *bytes, size_t n, struct arena *a,
                      const ProtobufCMessage **out, struct fault *f)
{
    struct budget b = {.arena = a};
    ProtobufCAllocator allocator = {noted_alloc, noted_free, &b};
    ProtobufCMessage *m = protobuf_c_message_unpack(d, &allocator, n, bytes);
    fault_clear(f);
    if (b.exceeded)
        return fail(f, ERR_EXHAUSTED, "the message takes more memory than allowed");
    if (!m)
        return fail(f, ERR_INVALID, "the bytes are not a %s", d->name);
    check_message(m, NULL, f);
    *out = m;
    return fault_fields(f);
}

struct seen {
    const struct seen *up;
    const ProtobufCMessageDescriptor *type;
};

static bool reaches_itself(const ProtobufCMessageDescriptor *d, const struct seen *up)
{
    for (const struct seen *s = up; s; s = s->up)
        if (s->type == d)
            return true;
    struct seen here = {up, d};
    for (unsigned i = 0; i < d->n_fields; i++)
        if (d->fields[i].type == PROTOBUF_C_TYPE_MESSAGE && reaches_itself(d->fields[i].descriptor, &here))
            return true;
    return false;
}

bool codec_recursive(const ProtobufCMessageDescriptor *d)
{
    return reaches_itself(d, NULL);
}
