#include "rpc/status.h"

#include "base/str.h"
#include "rpc/codec.h"

#include <google/rpc/error_details.pb-c.h>
#include <stdio.h>
#include <string.h>

#define STATE_KEY   "state"
#define TYPE_PREFIX "type.googleapis.com/"

enum {
    MAX_DETAILS = 5
};

/* A text of ours may have been cut to its array in the middle of a character. */
static char *whole_text(struct arena *a, const char *s)
{
    size_t n = strlen(s);
    while (n && !utf8_valid(s, n))
        n--;
    return arena_strndup(a, s, n);
}

static Google__Protobuf__Any *any_of(struct arena *a, const ProtobufCMessage *m)
{
    Google__Protobuf__Any *any = ARENA_NEW(a, Google__Protobuf__Any);
    google__protobuf__any__init(any);
    any->type_url = arena_printf(a, TYPE_PREFIX "%s", m->descriptor->name);
    any->value.data = arena_alloc(a, protobuf_c_message_get_packed_size(m) + 1);
    any->value.len = protobuf_c_message_pack(m, any->value.data);
    return any;
}

static Google__Rpc__LocalizedMessage *in_chinese(struct arena *a, const char *text)
{
    Google__Rpc__LocalizedMessage *m = ARENA_NEW(a, Google__Rpc__LocalizedMessage);
    google__rpc__localized_message__init(m);
    m->locale = arena_strdup(a, "zh-CN");
    m->message = whole_text(a, text);
    return m;
}

static Google__Protobuf__Any *error_info(struct arena *a, const struct fault *f)
{
    Google__Rpc__ErrorInfo m = GOOGLE__RPC__ERROR_INFO__INIT;
    m.reason = arena_strdup(a, err_name(f->code));
    m.domain = arena_strdup(a, STATUS_DOMAIN);
    Google__Rpc__ErrorInfo__MetadataEntry state = GOOGLE__RPC__ERROR_INFO__METADATA_ENTRY__INIT,
                                          *all[] = {&state};
    state.key = arena_strdup(a, STATE_KEY);
    state.value = arena_strdup(a, f->state);
    m.metadata = all;
    m.n_metadata = f->state[0] ? 1 : 0;
    return any_of(a, &m.base);
}

static Google__Protobuf__Any *retry_info(struct arena *a, int64_t ms)
{
    Google__Protobuf__Duration d = GOOGLE__PROTOBUF__DURATION__INIT;
    d.seconds = ms / 1000;
    d.nanos = (int32_t)(ms % 1000) * 1000000;
    Google__Rpc__RetryInfo m = GOOGLE__RPC__RETRY_INFO__INIT;
    m.retry_delay = &d;
    return any_of(a, &m.base);
}

static Google__Protobuf__Any *resource_info(struct arena *a, const char *name)
{
    Google__Rpc__ResourceInfo m = GOOGLE__RPC__RESOURCE_INFO__INIT;
    m.resource_name = whole_text(a, name);
    return any_of(a, &m.base);
}

static Google__Rpc__BadRequest__FieldViolation *violation(struct arena *a, const struct violation *v)
{
    Google__Rpc__BadRequest__FieldViolation *m = ARENA_NEW(a, Google__Rpc__BadRequest__FieldViolation);
    google__rpc__bad_request__field_violation__init(m);
    m->field = whole_text(a, v->field);
    m->reason = whole_text(a, v->reason);
    m->description = whole_text(a, v->text);
    if (v->text_zh[0])
        m->localized_message = in_chinese(a, v->text_zh);
    return m;
}

/* All violations within `room` bytes. */
static Google__Protobuf__Any *bad_request(struct arena *a, const struct fault *f, size_t room)
{
    Google__Rpc__BadRequest m = GOOGLE__RPC__BAD_REQUEST__INIT;
    m.n_field_violations = f->n_violations;
    m.field_violations = ARENA_ARRAY(a, Google__Rpc__BadRequest__FieldViolation *, f->n_violations);
    for (size_t i = 0; i < f->n_violations; i++)
        m.field_violations[i] = violation(a, &f->violations[i]);
    for (size_t i = f->n_violations; i-- > 0 && protobuf_c_message_get_packed_size(&m.base) > room;)
        m.field_violations[i]->localized_message = NULL;
    while (m.n_field_violations && protobuf_c_message_get_packed_size(&m.base) > room)
        m.n_field_violations--;
    return any_of(a, &m.base);
}

const void *status_pack(const struct fault *f, struct arena *a, size_t *n)
{
    Google__Protobuf__Any *details[MAX_DETAILS];
    Google__Rpc__Status s = GOOGLE__RPC__STATUS__INIT;
    s.code = (int32_t)err_status(f->code);
    s.message = whole_text(a, fault_text(f));
    s.details = details;
    details[s.n_details++] = error_info(a, f);
    Google__Rpc__LocalizedMessage *zh = in_chinese(a, fault_text_zh(f));
    details[s.n_details++] = any_of(a, &zh->base);
    if (f->retry_ms > 0)
        details[s.n_details++] = retry_info(a, f->retry_ms);
    if (f->resource[0])
        details[s.n_details++] = resource_info(a, f->resource);
    if (f->n_violations) {
        size_t overhead = protobuf_c_message_get_packed_size(&s.base) + 64;
        details[s.n_details++] = bad_request(a, f, overhead < STATUS_MAX ? STATUS_MAX - overhead : 0);
    }
    void *out = arena_alloc(a, protobuf_c_message_get_packed_size(&s.base));
    *n = protobuf_c_message_pack(&s.base, out);
    return out;
}

/* The table's code for a status that came without our ErrorInfo. */
static enum err code_of_status(int status)
{
    static const enum err by_status[] = {
        [RPC_OK] = ERR_INTERNAL,
        [RPC_CANCELLED] = ERR_CANCELLED,
        [RPC_UNKNOWN] = ERR_INTERNAL,
        [RPC_INVALID_ARGUMENT] = ERR_INVALID,
        [RPC_DEADLINE_EXCEEDED] = ERR_DEADLINE,
        [RPC_NOT_FOUND] = ERR_NOT_FOUND,
        [RPC_ALREADY_EXISTS] = ERR_EXISTS,
        [RPC_PERMISSION_DENIED] = ERR_DENIED,
        [RPC_RESOURCE_EXHAUSTED] = ERR_EXHAUSTED,
        [RPC_FAILED_PRECONDITION] = ERR_PRECONDITION,
        [RPC_ABORTED] = ERR_CONFLICT,
        [RPC_OUT_OF_RANGE] = ERR_INVALID,
        [RPC_UNIMPLEMENTED] = ERR_UNIMPLEMENTED,
        [RPC_INTERNAL] = ERR_INTERNAL,
        [RPC_UNAVAILABLE] = ERR_UNAVAILABLE,
        [RPC_DATA_LOSS] = ERR_DATA_LOSS,
        [RPC_UNAUTHENTICATED] = ERR_UNAUTHENTICATED,
    };
    return status >= 0 && status <= RPC_UNAUTHENTICATED ? by_status[status] : ERR_INTERNAL;
}

static void read_error_info(const Google__Rpc__ErrorInfo *m, struct fault *f)
{
    if (strcmp(m->domain, STATUS_DOMAIN) != 0)
        return;
    enum err e = err_by_name(m->reason);
    /* a newer server's reason that this table does not have: the status says enough */
    if (e != OK && strcmp(err_name(e), m->reason) == 0)
        f->code = e;
    for (size_t i = 0; i < m->n_metadata; i++)
        if (strcmp(m->metadata[i]->key, STATE_KEY) == 0)
            snprintf(f->state, sizeof f->state, "%s", m->metadata[i]->value);
}

static void read_bad_request(const Google__Rpc__BadRequest *m, struct fault *f)
{
    enum err keep = f->code;
    for (size_t i = 0; i < m->n_field_violations; i++) {
        const Google__Rpc__BadRequest__FieldViolation *v = m->field_violations[i];
        fault_field(f, v->field, v->reason, v->description,
                    v->localized_message ? v->localized_message->message : "");
    }
    f->code = keep;
}

static const void *opened(const Google__Protobuf__Any *any, const ProtobufCMessageDescriptor *d,
                          struct arena *a)
{
    const char *slash = strrchr(any->type_url, '/');
    const ProtobufCMessage *m;
    struct fault ignored;
    if (!slash || strcmp(slash + 1, d->name) != 0 ||
        codec_unpack(d, any->value.data, any->value.len, a, &m, &ignored) != OK)
        return NULL;
    return m;
}

static void read_detail(const Google__Protobuf__Any *any, struct arena *a, struct fault *f)
{
    const void *m;
    if ((m = opened(any, &google__rpc__error_info__descriptor, a)))
        read_error_info(m, f);
    else if ((m = opened(any, &google__rpc__bad_request__descriptor, a)))
        read_bad_request(m, f);
    else if ((m = opened(any, &google__rpc__resource_info__descriptor, a)))
        snprintf(f->resource, sizeof f->resource, "%s",
                 ((const Google__Rpc__ResourceInfo *)m)->resource_name);
    else if ((m = opened(any, &google__rpc__localized_message__descriptor, a)))
        snprintf(f->text_zh, sizeof f->text_zh, "%s", ((const Google__Rpc__LocalizedMessage *)m)->message);
    else if ((m = opened(any, &google__rpc__retry_info__descriptor, a))) {
        const Google__Protobuf__Duration *d = ((const Google__Rpc__RetryInfo *)m)->retry_delay;
        if (d && d->seconds >= 0 && d->seconds < INT32_MAX)
            f->retry_ms = d->seconds * 1000 + d->nanos / 1000000;
    }
}

enum err status_unpack(int status, const char *message, const void *details, size_t n, struct fault *f)
{
    fault_clear(f);
    f->code = code_of_status(status);
    snprintf(f->text, sizeof f->text, "%s", message ? message : "");
    if (!details)
        return f->code;
    struct arena a;
    arena_init(&a, 1u << 20);
    const ProtobufCMessage *m;
    struct fault ignored;
    if (codec_unpack(&google__rpc__status__descriptor, details, n, &a, &m, &ignored) == OK) {
        const Google__Rpc__Status *s = (const Google__Rpc__Status *)m;
        for (size_t i = 0; i < s->n_details; i++)
            read_detail(s->details[i], &a, f);
    }
    arena_free(&a);
    return f->code;
}
