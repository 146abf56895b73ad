#include "rpc/wire.h"

#include "base/log.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <grpc/support/log.h>
#include <string.h>

/* The core would write lines of its own form to standard error, over a full-screen program too. */
static void core_log(gpr_log_func_args *args)
{
    if (args->severity == GPR_LOG_SEVERITY_ERROR)
        LOG(WARN, "grpc.core", KV_S("text", args->message), KV_S("file", args->file),
            KV_I("line", args->line));
}

void wire_init(void)
{
    gpr_set_log_function(core_log);
    grpc_init();
}

grpc_byte_buffer *wire_pack(const ProtobufCMessage *m)
{
    grpc_slice s = grpc_slice_malloc(protobuf_c_message_get_packed_size(m));
    protobuf_c_message_pack(m, GRPC_SLICE_START_PTR(s));
    grpc_byte_buffer *b = grpc_raw_byte_buffer_create(&s, 1);
    grpc_slice_unref(s);
    return b;
}

bool wire_bytes(grpc_byte_buffer *b, grpc_slice *out)
{
    if (b->type != GRPC_BB_RAW || b->data.raw.compression != GRPC_COMPRESS_NONE)
        return false;
    if (b->data.raw.slice_buffer.count == 1) {
        *out = grpc_slice_ref(b->data.raw.slice_buffer.slices[0]);
        return true;
    }
    grpc_byte_buffer_reader r;
    if (!grpc_byte_buffer_reader_init(&r, b))
        return false;
    *out = grpc_byte_buffer_reader_readall(&r);
    grpc_byte_buffer_reader_destroy(&r);
    return true;
}

bool wire_pairs_add(struct wire_pairs *p, struct arena *a, const char *key, const void *value, size_t n)
{
    grpc_slice k = grpc_slice_from_copied_string(key);
    grpc_slice v = grpc_slice_from_copied_buffer(value, n);
    if (!grpc_header_key_is_legal(k) ||
        (!grpc_is_binary_header(k) && !grpc_header_nonbin_value_is_legal(v))) {
        grpc_slice_unref(k);
        grpc_slice_unref(v);
        return false;
    }
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 4;
        grpc_metadata *more = ARENA_ARRAY(a, grpc_metadata, cap);
        if (p->n)
            memcpy(more, p->pair, p->n * sizeof *more);
        p->pair = more;
        p->cap = cap;
    }
    p->pair[p->n++] = (grpc_metadata){.key = k, .value = v};
    return true;
}

void wire_pairs_free(struct wire_pairs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        grpc_slice_unref(p->pair[i].key);
        grpc_slice_unref(p->pair[i].value);
    }
    *p = (struct wire_pairs){0};
}

const grpc_slice *wire_find(const grpc_metadata_array *m, const char *key)
{
    for (size_t i = 0; i < m->count; i++)
        if (grpc_slice_str_cmp(m->metadata[i].key, key) == 0)
            return &m->metadata[i].value;
    return NULL;
}
