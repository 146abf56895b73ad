#include "material/material_rpc.h"

#include "app.h"
#include "convert/convert.h"
#include "core/crypt.h"
#include "material/decoder.h"
#include "material/partial.h"

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

/* -- taking files in ------------------------------------------------------------------------------------ */

/* A file on its way: what look found, and then aside. */
struct inspected {
    int fd;
    struct decoded decoded;
};

static const struct decode_result *said(const struct ctx *c)
{
    const struct inspected *i = c->found;
    return i ? &i->decoded.said : NULL;
}

static enum err inspect(struct ctx *c, void *found)
{
    struct inspected *i = found;
    return decoder_run(c, i->fd, DECODE_CHECK, 0, 0, &i->decoded);
}

static void *to_inspect(struct ctx *c, int fd)
{
    struct inspected *i = ARENA_NEW(c->arena, struct inspected);
    i->fd = fd;
    return i;
}

static enum err read_file(struct ctx *c, int fd, int64_t size, const void **bytes)
{
    char *p = arena_alloc(c->arena, (size_t)size + 1);
    for (int64_t got = 0; got < size;) {
        ssize_t n = pread(fd, p + got, (size_t)(size - got), got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(c->fault, ERR_UNAVAILABLE, "the upload cannot be read back");
        got += n;
    }
    *bytes = p;
    return OK;
}

static struct incoming announced(const PB(UploadHeader) * h)
{
    return (struct incoming){.order_id = h->order_id,
                             .kind = h->kind,
                             .file_name = h->file_name,
                             .size = h->size_bytes,
                             .digest = h->digest};
}

static enum err look_upload(struct ctx *c, const ProtobufCMessage *first, struct upload *u, void **found)
{
    struct incoming file = announced(((const PB(UploadMaterialRequest) *)first)->header);
    file.n = (size_t)u->size;
    TRY(read_file(c, u->fd, u->size < MATERIAL_HEAD ? u->size : MATERIAL_HEAD, &file.bytes));
    TRY(material_look(c, &file));
    *found = to_inspect(c, u->fd);
    return OK;
}

static enum err upload_material(struct ctx *c, const ProtobufCMessage *first, const struct upload *u,
                                ProtobufCMessage *response)
{
    PB(UploadMaterialResponse) *out = (PB(UploadMaterialResponse) *)response;
    struct incoming file = announced(((const PB(UploadMaterialRequest) *)first)->header);
    struct material m;
    file.n = (size_t)u->size;
    file.said = said(c);
    memcpy(file.actual, u->digest, 32);
    TRY(read_file(c, u->fd, u->size, &file.bytes));
    TRY(material_take(c, &file, &m));
    out->material = to_material(c, &m);
    return OK;
}

/* -- in single calls ------------------------------------------------------------------------------------- */

RPC_HANDLER(start_upload, StartUploadRequest, StartUploadResponse)
{
    struct incoming file = announced(in->header);
    struct partial p;
    TRY(partial_start(c, &file, &p));
    out->upload_id = to_text(c->arena, p.id);
    out->expire_time = to_timestamp(c->arena, p.expires_ms);
    return OK;
}

RPC_HANDLER(upload_chunk, UploadChunkRequest, UploadChunkResponse)
{
    struct partial p;
    TRY(partial_load(c, in->upload_id, &p));
    TRY(partial_add(c, &p, in->offset, in->chunk.data, in->chunk.len));
    out->received_bytes = p.received;
    return OK;
}

RPC_HANDLER(get_upload, GetUploadRequest, GetUploadResponse)
{
    struct partial p;
    TRY(partial_load(c, in->upload_id, &p));
    out->received_bytes = p.received;
    out->size_bytes = p.size;
    out->expire_time = to_timestamp(c->arena, p.expires_ms);
    out->material_id = to_text(c->arena, p.material);
    return OK;
}

static enum err look_finish(struct ctx *c, const ProtobufCMessage *request, struct upload *u, void **found)
{
    struct incoming file;
    struct partial p;
    TRY(partial_load(c, ((const PB(FinishUploadRequest) *)request)->upload_id, &p));
    if (*p.material)
        return OK;
    TRY(partial_incoming(c, &p, &file));
    TRY(material_look(c, &file));
    TRY(upload_open(arena_printf(c->arena, "%s/uploads", c->app->state_dir), u, c->fault));
    TRY(partial_write(c, &p, u->fd));
    *found = to_inspect(c, u->fd);
    return OK;
}

static enum err finish(struct ctx *c, const struct partial *p, struct material *m)
{
    const struct inspected *i = c->found;
    struct incoming file;
    TRY(partial_incoming(c, p, &file));
    if (i) {
        TRY(read_file(c, i->fd, p->size, &file.bytes));
        crypt_sha256(file.bytes, file.n, file.actual);
        file.said = said(c);
    }
    TRY(material_take(c, &file, m));
    return partial_done(c, p, m->id);
}

RPC_HANDLER(finish_upload, FinishUploadRequest, FinishUploadResponse)
{
    struct partial p;
    struct material m;
    TRY(partial_load(c, in->upload_id, &p));
    enum err e = *p.material ? material_load(c, p.material, &m) : finish(c, &p, &m);
    if (e == ERR_MATERIAL_BAD) { /* nobody keeps it: the refusal and its removal are one */
        TRY(partial_done(c, &p, NULL));
        c->keep = true;
    }
    TRY(e);
    out->material = to_material(c, &m);
    return OK;
}

/* -- what is there --------------------------------------------------------------------------------------- */

static PB(Material) * *to_materials(struct ctx *c, const struct material *list, size_t n)
{
    PB(Material) **out = ARENA_ARRAY(c->arena, PB(Material) *, n + 1);
    for (size_t i = 0; i < n; i++)
        out[i] = to_material(c, &list[i]);
    return out;
}

RPC_HANDLER(list_materials, ListMaterialsRequest, ListMaterialsResponse)
{
    struct order o;
    const struct material *list;
    const char **missing;
    TRY(order_load(c, in->order_id, &o));
    TRY(material_shown(c, &o, &list, &out->n_materials));
    out->materials = to_materials(c, list, out->n_materials);
    TRY(material_carried(c, &o, &list, &out->n_carried_over));
    out->carried_over = to_materials(c, list, out->n_carried_over);
    TRY(material_missing(c, &o, &missing, &out->n_missing_kinds));
    out->missing_kinds = ARENA_ARRAY(c->arena, char *, out->n_missing_kinds + 1);
    for (size_t i = 0; i < out->n_missing_kinds; i++)
        out->missing_kinds[i] = to_text(c->arena, missing[i]);
    return OK;
}

RPC_HANDLER(take_over_material, TakeOverMaterialRequest, TakeOverMaterialResponse)
{
    struct material m;
    TRY(material_take_over(c, in->order_id, in->material_id, &m));
    out->material = to_material(c, &m);
    return OK;
}

static enum err download_material(struct ctx *c, const ProtobufCMessage *in, const void **bytes, size_t *n)
{
    struct material m;
    TRY(material_load(c, ((const PB(DownloadMaterialRequest) *)in)->material_id, &m));
    return material_bytes(c, &m, bytes, n);
}

/* -- previews -------------------------------------------------------------------------------------------- */

enum {
    SIDE_MIN = 64,
    SIDE_USUAL = 1024,
    SIDE_MAX = 2048,
};

struct preview {
    struct material material;
    int side, page;
    struct decoded decoded;
};

static enum err look_preview(struct ctx *c, const ProtobufCMessage *request, struct upload *none,
                             void **found)
{
    (void)none;
    const PB(GetMaterialPreviewRequest) *in = (const PB(GetMaterialPreviewRequest) *)request;
    struct preview *p = ARENA_NEW(c->arena, struct preview);
    p->side = in->max_side ? in->max_side : SIDE_USUAL;
    p->page = in->page ? in->page : 1;
    if (p->side < SIDE_MIN || p->side > SIDE_MAX)
        fault_field(c->fault, "max_side", "RANGE", "64 to 2048 pixels", "应为 64 至 2048 像素");
    if (p->page < 1)
        fault_field(c->fault, "page", "RANGE", "pages count from 1", "页码从 1 开始");
    TRY(fault_fields(c->fault));
    TRY(material_load(c, in->material_id, &p->material));
    *found = p;
    return OK;
}

static enum err draw_preview(struct ctx *c, void *found)
{
    struct preview *p = found;
    struct arena *lasting = c->arena, whole;
    const void *bytes;
    size_t n;
    arena_init(&whole, 0);
    c->arena = &whole;
    enum err e = material_bytes(c, &p->material, &bytes, &n);
    c->arena = lasting;
    if (e == OK)
        e = decoder_run_bytes(c, bytes, n, DECODE_PREVIEW, p->side, p->page, &p->decoded);
    arena_free(&whole);
    return e;
}

RPC_HANDLER(get_material_preview, GetMaterialPreviewRequest, GetMaterialPreviewResponse)
{
    const struct preview *p = c->found;
    const struct decode_result *r = &p->decoded.said;
    TRY(decoder_verdict(c, r->verdict == DECODE_NO_PAGE ? "page" : "material_id", r));
    (void)in;
    out->image.len = r->bytes;
    out->image.data = arena_memdup(c->arena, p->decoded.jpeg, r->bytes);
    out->width = r->out_width;
    out->height = r->out_height;
    out->full_width = r->width;
    out->full_height = r->height;
    out->page_count = r->pages;
    return OK;
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
    ROW("UploadMaterial", ACCESS_ACCOUNT, 0, MODE_WRITE, .upload = upload_material, .look = look_upload,
        .aside = inspect),
    ROW("StartUpload", ACCESS_ACCOUNT, 0, MODE_WRITE, .handler = start_upload),
    ROW("UploadChunk", ACCESS_ACCOUNT, 0, MODE_WRITE, .handler = upload_chunk),
    ROW("GetUpload", ACCESS_ACCOUNT, 0, MODE_READ, .handler = get_upload),
    ROW("FinishUpload", ACCESS_ACCOUNT, 0, MODE_WRITE, .handler = finish_upload, .look = look_finish,
        .aside = inspect),
    ROW("TakeOverMaterial", ACCESS_ACCOUNT, 0, MODE_WRITE, .handler = take_over_material),
    ROW("GetMaterialPreview", ACCESS_ANY, REVIEWERS, MODE_READ, .handler = get_material_preview,
        .look = look_preview, .aside = draw_preview),
    ROW("ListMaterials", ACCESS_ANY, REVIEWERS, MODE_READ, .handler = list_materials),
    ROW("DownloadMaterial", ACCESS_ANY, REVIEWERS, MODE_READ, .download = download_material),
    ROW("DeleteMaterial", ACCESS_ACCOUNT, 0, MODE_WRITE, .handler = delete_material),
};

const struct rpc_table material_rpc = {rows, sizeof rows / sizeof *rows};
