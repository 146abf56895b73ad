#include "material/partial.h"

#include "base/log.h"
#include "core/audit.h"
#include "core/crypt.h"
#include "core/tx.h"
#include "material/partial_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum err too_many(struct ctx *c)
{
    enum err e = fail(c->fault, ERR_RATE_LIMITED,
                      "an account has at most %d unfinished uploads of %d MiB together; finish some first",
                      PARTIAL_MOST, PARTIAL_MOST_MIB);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "未完成的上传过多，请先完成已开始的上传");
    return e;
}

enum err partial_start(struct ctx *c, const struct incoming *in, struct partial *out)
{
    int64_t count, bytes;
    *out = (struct partial){.kind = in->kind,
                            .file_name = material_clean_name(c->arena, in->file_name),
                            .size = in->size,
                            .created_ms = c->now_ms,
                            .expires_ms = c->now_ms + PARTIAL_LIFE_MS};
    if (in->size < 1)
        fault_field(c->fault, "header.size_bytes", "REQUIRED", "the size must be announced", "缺少文件大小");
    if (!hex_decode(in->digest, out->digest, 32) || in->digest[64])
        fault_field(c->fault, "header.digest", "FORMAT", "a digest is 64 hexadecimal digits",
                    "文件摘要应为 64 位十六进制数");
    TRY(fault_fields(c->fault));
    TRY(material_look(c, in));
    TRY(partial_remove_own_expired(c));
    TRY(partial_remove_kind(c, in->order_id, in->kind));
    TRY(partial_count(c, &count, &bytes));
    if (count >= PARTIAL_MOST || bytes + in->size > (int64_t)PARTIAL_MOST_MIB << 20)
        return too_many(c);
    id_new("upl", out->id);
    snprintf(out->account, ID_SIZE, "%s", c->caller.id);
    snprintf(out->order, ID_SIZE, "%s", in->order_id);
    TRY(partial_insert(c, out));
    return audit_add(c, &(struct audit_entry){"material.upload_begun", out->order, 0,
                                              arena_printf(c->arena, "{\"upload\":\"%s\",\"kind\":\"%s\"}",
                                                           out->id, out->kind)});
}

enum err partial_load(struct ctx *c, const char *id, struct partial *out)
{
    if (!id_valid("upl", id))
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    return partial_by_id(c, id, out);
}

/* -- chunks ---------------------------------------------------------------------------------------------- */

static enum err refuse(struct ctx *c, const char *field, const char *reason, const char *text, const char *zh)
{
    fault_field(c->fault, field, reason, text, zh);
    return fault_fields(c->fault);
}

static enum err check_chunk(struct ctx *c, const struct partial *p, int64_t offset, size_t n)
{
    const char *next = arena_printf(c->arena, "the next byte expected is %lld", (long long)p->received);
    const char *next_zh = arena_printf(c->arena, "应从第 %lld 字节继续", (long long)p->received);
    if (n < 1 || n > PARTIAL_CHUNK)
        fault_field(c->fault, "chunk", "LENGTH", "a chunk has 1 byte to 256 KiB",
                    "分块应为 1 字节至 256 KiB");
    if (offset < 0 || offset > p->size || (int64_t)n > p->size - offset)
        fault_field(c->fault, "offset", "RANGE", "the chunk lies beyond the announced size",
                    "分块超出声明的文件大小");
    else if (offset > p->received)
        fault_field(c->fault, "offset", "GAP", next, next_zh);
    else if (offset < p->received && offset + (int64_t)n > p->received)
        fault_field(c->fault, "offset", "OVERLAP", next, next_zh);
    return fault_fields(c->fault);
}

/* What was received may come again, cut in any way. */
static enum err compare(struct ctx *c, const struct partial *p, int64_t offset, const char *bytes, int64_t n)
{
    while (n > 0) {
        const char *have;
        int64_t at, size;
        TRY(partial_chunk(c, p->id, offset, &at, &have, &size));
        int64_t skip = offset - at, k = size - skip < n ? size - skip : n;
        if (memcmp(have + skip, bytes, (size_t)k) != 0)
            return refuse(c, "chunk", "MISMATCH", "other bytes were received at this offset before",
                          "该位置已收到不同的内容");
        offset += k;
        bytes += k;
        n -= k;
    }
    return OK;
}

enum err partial_add(struct ctx *c, struct partial *p, int64_t offset, const void *bytes, size_t n)
{
    TRY(check_chunk(c, p, offset, n));
    if (*p->material) /* its bytes are elsewhere by now */
        return fail_both(c->fault, ERR_PRECONDITION, "this upload is finished", "该上传已完成");
    if (offset < p->received)
        return compare(c, p, offset, bytes, (int64_t)n);
    TRY(partial_advance(c, p, (int64_t)n));
    TRY(partial_insert_chunk(c, p->id, offset, bytes, n));
    p->received += (int64_t)n;
    return OK;
}

/* -- the end --------------------------------------------------------------------------------------------- */

/* What a file begins with, in whichever chunks it came. */
static enum err read_head(struct ctx *c, const struct partial *p, const char **out)
{
    char *head = arena_alloc(c->arena, MATERIAL_HEAD);
    int64_t want = p->size < MATERIAL_HEAD ? p->size : MATERIAL_HEAD;
    for (int64_t got = 0, at, size; got < want; got += size) {
        const char *bytes;
        TRY(partial_chunk(c, p->id, got, &at, &bytes, &size));
        memcpy(head + got, bytes, (size_t)(size < want - got ? size : want - got));
    }
    *out = head;
    return OK;
}

enum err partial_incoming(struct ctx *c, const struct partial *p, struct incoming *in)
{
    char *hex = arena_alloc(c->arena, 65);
    const char *head;
    if (p->received != p->size)
        return fail(c->fault, ERR_PRECONDITION, "bytes are missing: the next one expected is %lld",
                    (long long)p->received);
    hex_encode(p->digest, 32, hex);
    TRY(read_head(c, p, &head));
    *in = (struct incoming){.order_id = p->order,
                            .kind = p->kind,
                            .file_name = p->file_name,
                            .size = p->size,
                            .digest = hex,
                            .bytes = head,
                            .n = (size_t)p->size};
    return OK;
}

enum err partial_write(struct ctx *c, const struct partial *p, int fd)
{
    for (int64_t at = 0, begin, size; at < p->size; at += size) {
        struct arena_mark mark = arena_mark(c->arena);
        const char *bytes;
        TRY(partial_chunk(c, p->id, at, &begin, &bytes, &size));
        for (int64_t done = 0; done < size;) {
            ssize_t n = pwrite(fd, bytes + done, (size_t)(size - done), at + done);
            if (n < 0 && errno != EINTR)
                return fail(c->fault, ERR_UNAVAILABLE, "uploads cannot be stored now: %s", strerror(errno));
            done += n > 0 ? n : 0;
        }
        arena_release(c->arena, mark);
    }
    return OK;
}

enum err partial_done(struct ctx *c, const struct partial *p, const char *material)
{
    if (!material)
        return partial_remove(c, p->id);
    TRY(partial_set_material(c, p->id, material));
    return partial_remove_chunks(c, p->id);
}

static enum err sweep_body(struct ctx *c, void *arg)
{
    return partial_remove_expired(c, arg);
}

/* Until none is left: what may come in is bounded by account, not by the minute. */
enum err partial_sweep(struct ctx *c)
{
    int64_t gone = 0;
    for (size_t n = PARTIAL_BATCH; n == PARTIAL_BATCH;) {
        struct arena_mark mark = arena_mark(c->arena);
        TRY(tx_run(c, sweep_body, &n));
        arena_release(c->arena, mark);
        gone += (int64_t)n;
    }
    if (gone)
        LOG(INFO, "prune", KV_S("what", "material_upload"), KV_I("rows", gone));
    return OK;
}
