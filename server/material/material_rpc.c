#include "material/material_rpc.h"

#include "convert/convert.h"
#include "material/material_upload.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

PB(Material) * to_material(struct ctx *c, const struct material *m)
{
    PB(Material) *out = ARENA_NEW(c->arena, PB(Material));
    PB_INIT(material, out);
    out->id = to_text(c->arena, m->id);
    out->kind = to_text(c->arena, m->kind);
    out->title = to_text(c->arena, m->title);
    out->file_name = to_text(c->arena, m->file_name);
    out->content_type = to_text(c->arena, m->content_type);
    out->size_bytes = m->size;
    out->digest = arena_alloc(c->arena, 65);
    hex_encode(m->digest, 32, out->digest);
    out->verdict = (PB(MaterialVerdict))m->verdict;
    out->reason = to_text(c->arena, m->reason);
    out->create_time = to_timestamp(c->arena, m->created_ms);
    return out;
}

static enum err read_file(struct ctx *c, const struct upload *u, const void **bytes)
{
    char *p = arena_alloc(c->arena, (size_t)u->size + 1);
    for (int64_t got = 0; got < u->size;) {
        ssize_t n = pread(u->fd, p + got, (size_t)(u->size - got), got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(c->fault, ERR_UNAVAILABLE, "the upload cannot be read back");
        got += n;
    }
    *bytes = p;
    return OK;
}

static enum err upload_material(struct ctx *c, const ProtobufCMessage *first, const struct upload *u,
                                ProtobufCMessage *response)
{
    const PB(UploadMaterialRequest) *in = (const PB(UploadMaterialRequest) *)first;
    PB(UploadMaterialResponse) *out = (PB(UploadMaterialResponse) *)response;
    const PB(UploadHeader) *h = in->header;
    struct incoming file = {.order_id = h->order_id,
                            .kind = h->kind,
                            .file_name = h->file_name,
                            .size = h->size_bytes,
                            .digest = h->digest,
                            .n = (size_t)u->size};
    struct material m;
    memcpy(file.actual, u->digest, 32);
    TRY(read_file(c, u, &file.bytes));
    TRY(material_take(c, &file, &m));
    out->material = to_material(c, &m);
    return OK;
}

RPC_HANDLER(list_materials, ListMaterialsRequest, ListMaterialsResponse)
{
    struct order o;
    const struct material *list;
    const char **missing;
    TRY(order_load(c, in->order_id, &o));
    TRY(material_list(c, o.id, &list, &out->n_materials));
    out->materials = ARENA_ARRAY(c->arena, PB(Material) *, out->n_materials + 1);
    for (size_t i = 0; i < out->n_materials; i++)
        out->materials[i] = to_material(c, &list[i]);
    TRY(material_missing(c, &o, &missing, &out->n_missing_kinds));
    out->missing_kinds = ARENA_ARRAY(c->arena, char *, out->n_missing_kinds + 1);
    for (size_t i = 0; i < out->n_missing_kinds; i++)
        out->missing_kinds[i] = to_text(c->arena, missing[i]);
    return OK;
}

static enum err download_material(struct ctx *c, const ProtobufCMessage *in, const void **bytes, size_t *n)
{
    struct material m;
    TRY(material_load(c, ((const PB(DownloadMaterialRequest) *)in)->material_id, &m));
    return material_bytes(c, &m, bytes, n);
}

RPC_HANDLER(delete_material, DeleteMaterialRequest, DeleteMaterialResponse)
{
    (void)out;
    return material_drop(c, in->material_id);
}

enum {
    REVIEWERS = ROLE_REVIEWER | ROLE_OPERATOR | ROLE_ADMIN
};

#define ROW(m, who, staff, how, ...)                                                                         \
    {                                                                                                        \
        .service = PB_SERVICE(material_service), .method = (m), .access = (who), .roles = (staff),           \
        .mode = (how), __VA_ARGS__                                                                           \
    }

static const struct rpc_row rows[] = {
    ROW("UploadMaterial", ACCESS_ACCOUNT, 0, MODE_WRITE, .upload = upload_material),
    ROW("ListMaterials", ACCESS_ANY, REVIEWERS, MODE_READ, .handler = list_materials),
    ROW("DownloadMaterial", ACCESS_ANY, REVIEWERS, MODE_READ, .download = download_material),
    ROW("DeleteMaterial", ACCESS_ACCOUNT, 0, MODE_WRITE, .handler = delete_material),
};

const struct rpc_table material_rpc = {rows, sizeof rows / sizeof *rows};
