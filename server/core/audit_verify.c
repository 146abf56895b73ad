#include "core/audit.h"

#include "core/audit_chain.h"
#include "core/crypt.h"
#include "core/db.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE = 500
};

/* A head that a seal vouches for. */
struct vouched {
    char writer[ID_SIZE];
    int64_t seq, seal;
    unsigned char hash[HASH];
};

struct verifier {
    struct ctx *c;
    const char *key;
    struct audit_report *report;
    struct vouched *heads; /* by writer, seq */
    size_t n, cap;
};

static enum err bad(struct verifier *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static enum err bad(struct verifier *v, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(v->report->first_bad, sizeof v->report->first_bad, fmt, ap);
    va_end(ap);
    return fail(v->c->fault, ERR_DATA_LOSS, "audit: %s", v->report->first_bad);
}

/* -- seals ---------------------------------------------------------------------------------------------- */

static bool read_line(const char **at, struct vouched *out)
{
    char hex[2 * HASH + 1];
    int used = 0;
    if (sscanf(*at, "%32s %" SCNd64 " %64s\n%n", out->writer, &out->seq, hex, &used) != 3 || used == 0 ||
        !hex_decode(hex, out->hash, HASH))
        return false;
    *at += used;
    return true;
}

static enum err collect(struct verifier *v, int64_t number, const char *heads)
{
    while (*heads) {
        if (v->n == v->cap) {
            v->cap = v->cap ? v->cap * 2 : 256;
            v->heads = realloc(v->heads, v->cap * sizeof *v->heads);
            if (!v->heads)
                abort();
        }
        struct vouched *h = &v->heads[v->n++];
        h->seal = number;
        if (!read_line(&heads, h))
            return bad(v, "seal %" PRId64 ": its heads cannot be read", number);
    }
    return OK;
}

static enum err check_seal(struct verifier *v, const struct rows *r, size_t i, int64_t number,
                           unsigned char prev[static HASH])
{
    if (row_int(r, i, 0) != number)
        return bad(v, "seal %" PRId64 ": missing", number);
    const char *heads = row_text(r, i, 3);
    const char *content = audit_seal_content(v->c->arena, number, row_int(r, i, 1), prev, heads);
    unsigned char digest[HASH];
    crypt_sha256(content, strlen(content), digest);
    if (row_cell(r, i, 2)->n != HASH || !same_bytes(row_text(r, i, 2), prev, HASH))
        return bad(v, "seal %" PRId64 ": does not follow the one before", number);
    if (row_cell(r, i, 4)->n != HASH || !same_bytes(row_text(r, i, 4), digest, HASH))
        return bad(v, "seal %" PRId64 ": its digest is not that of its content", number);
    enum err e =
        crypt_verify(v->key, content, strlen(content), row_text(r, i, 5), row_cell(r, i, 5)->n, v->c->fault);
    if (e == ERR_SIGNATURE_BAD)
        return bad(v, "seal %" PRId64 ": its signature does not verify", number);
    TRY(e);
    memcpy(prev, digest, HASH);
    v->report->seals++;
    return collect(v, number, heads);
}

static enum err check_seals(struct verifier *v)
{
    unsigned char prev[HASH] = {0};
    int64_t last = 0;
    for (struct rows r = {.n = PAGE}; r.n == PAGE;) {
        struct arena_mark mark = arena_mark(v->c->arena);
        TRY(db_query(v->c, &r,
                     SQL("SELECT number, at_ms, prev, heads, digest, signature FROM audit_seal"
                         " WHERE number > ? ORDER BY number LIMIT 500"),
                     INT(last)));
        for (size_t i = 0; i < r.n; i++)
            TRY(check_seal(v, &r, i, ++last, prev));
        arena_release(v->c->arena, mark);
    }
    return OK;
}

static int by_writer_seq(const void *a, const void *b)
{
    const struct vouched *x = a, *y = b;
    int d = strcmp(x->writer, y->writer);
    return d ? d : (x->seq > y->seq) - (x->seq < y->seq);
}

/* -- chains --------------------------------------------------------------------------------------------- */

struct walk {
    const char *writer;
    int64_t seq;
    unsigned char head[HASH];
    size_t next; /* the first vouched head of this writer that the walk has not reached */
};

static enum err check_row(struct verifier *v, struct walk *w, const struct rows *r, size_t i)
{
    const struct cell *detail = row_cell(r, i, 10), *prev = row_cell(r, i, 11), *hash = row_cell(r, i, 12);
    struct audit_row row = {.writer = w->writer,
                            .seq = row_int(r, i, 0),
                            .at_ms = row_int(r, i, 1),
                            .caller_kind = row_int(r, i, 2),
                            .caller = row_text(r, i, 3),
                            .session = row_text(r, i, 4),
                            .request = row_text(r, i, 5),
                            .method = row_text(r, i, 6),
                            .action = row_text(r, i, 7),
                            .object = row_text(r, i, 8),
                            .version = row_int(r, i, 9),
                            .detail = detail->null ? NULL : detail->text};
    if (row.seq != ++w->seq)
        return bad(v, "writer %s row %" PRId64 ": missing", w->writer, w->seq);
    if (prev->n != HASH || !same_bytes(prev->text, w->head, HASH))
        return bad(v, "writer %s row %" PRId64 ": does not follow the row before", w->writer, w->seq);
    unsigned char sum[HASH];
    audit_hash(v->c->arena, &row, w->head, sum);
    if (hash->n != HASH || !same_bytes(hash->text, sum, HASH))
        return bad(v, "writer %s row %" PRId64 ": was altered, its hash does not fit", w->writer, w->seq);
    memcpy(w->head, sum, HASH);
    for (; w->next < v->n && strcmp(v->heads[w->next].writer, w->writer) == 0 &&
           v->heads[w->next].seq == w->seq;
         w->next++)
        if (!same_bytes(v->heads[w->next].hash, sum, HASH))
            return bad(v, "writer %s row %" PRId64 ": is not the one that seal %" PRId64 " has seen",
                       w->writer, w->seq, v->heads[w->next].seal);
    v->report->rows++;
    return OK;
}

static enum err check_writer(struct verifier *v, const char *writer)
{
    struct walk w = {.writer = writer};
    while (w.next < v->n && strcmp(v->heads[w.next].writer, writer) < 0)
        w.next++;
    for (struct rows r = {.n = PAGE}; r.n == PAGE;) {
        struct arena_mark mark = arena_mark(v->c->arena);
        TRY(db_query(v->c, &r,
                     SQL("SELECT seq, at_ms, caller_kind, caller, session, request, method, action, object,"
                         " version, detail, prev, hash FROM audit WHERE writer = ? AND seq > ?"
                         " ORDER BY seq LIMIT 500"),
                     TEXT(writer), INT(w.seq)));
        for (size_t i = 0; i < r.n; i++)
            TRY(check_row(v, &w, &r, i));
        arena_release(v->c->arena, mark);
    }
    if (w.next < v->n && strcmp(v->heads[w.next].writer, writer) == 0)
        return bad(v,
                   "writer %s row %" PRId64 ": missing at the tail, seal %" PRId64 " has seen row %" PRId64,
                   writer, w.seq + 1, v->heads[w.next].seal, v->heads[w.next].seq);
    if (w.seq == 0) /* a writer's row comes in the transaction of its first audit row */
        return bad(v, "writer %s row 1: missing, all of its rows are", writer);
    v->report->writers++;
    return OK;
}

/* The seals' writers stand in the list whether or not the tables still know them. */
static enum err check_chains(struct verifier *v)
{
    char last[ID_SIZE] = "";
    for (size_t i = 0;;) {
        struct rows r;
        struct arena_mark mark = arena_mark(v->c->arena);
        TRY(db_query(v->c, &r,
                     SQL("(SELECT writer FROM audit_writer WHERE writer > ? ORDER BY writer LIMIT 1) UNION"
                         " (SELECT writer FROM audit WHERE writer > ? ORDER BY writer LIMIT 1) ORDER BY 1"),
                     TEXT(last), TEXT(last)));
        while (i < v->n && strcmp(v->heads[i].writer, last) <= 0)
            i++;
        const char *next = r.n ? row_text(&r, 0, 0) : NULL;
        if (i < v->n && (!next || strcmp(v->heads[i].writer, next) < 0))
            next = v->heads[i].writer;
        if (!next)
            return OK;
        snprintf(last, sizeof last, "%s", next);
        TRY(check_writer(v, last));
        arena_release(v->c->arena, mark);
    }
}

enum err audit_verify(struct ctx *c, const char *public_key_pem, struct audit_report *out)
{
    *out = (struct audit_report){0};
    struct verifier v = {.c = c, .key = public_key_pem, .report = out};
    TRY(crypt_verifies(public_key_pem, c->fault)); /* before the first seal nothing else would read it */
    enum err e = check_seals(&v);
    if (e == OK && v.n)
        qsort(v.heads, v.n, sizeof *v.heads, by_writer_seq);
    if (e == OK)
        e = check_chains(&v);
    free(v.heads);
    out->intact = e == OK;
    return e;
}
