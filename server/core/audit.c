#include "core/audit.h"

#include "base/clock.h"
#include "core/audit_chain.h"
#include "core/crypt.h"
#include "core/db_tx.h"
#include "core/tx.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LEFT_BEHIND_MS = 24 * 3600 * 1000, /* how far back the first seal looks for writers that died unsealed */
};

/* The committed end of one chain of this process, as seals see it. */
struct head {
    struct head *next;
    char schema[65];
    char writer[ID_SIZE];
    int64_t seq, sealed;
    unsigned char hash[HASH];
    bool closed; /* nothing will be added any more: dropped when sealed */
};

/* One of the few mutable globals: the writers of this process are its connections, whoever owns those.
 * A program that has several schemas (a test) seals each with its own. */
static pthread_mutex_t heads_lock = PTHREAD_MUTEX_INITIALIZER;
static struct head *heads;
static pthread_mutex_t seal_lock = PTHREAD_MUTEX_INITIALIZER; /* one seal at a time: it frees closed heads */
static bool sealed_before; /* this process has sealed what its predecessors left */

/* A connection's chain. `staged` runs ahead of the head inside a transaction. */
struct chain {
    struct head *head; /* NULL: the next row starts a new writer */
    const struct db *db;
    char writer[ID_SIZE];
    bool begun; /* audit_writer has the row, or the running transaction adds it */
    int64_t staged_seq;
    unsigned char staged[HASH];
};

/* -- the bytes ------------------------------------------------------------------------------------------ */

static void put_number(struct buf *b, int64_t v)
{
    unsigned char o[8];
    for (int i = 7; i >= 0; i--, v = (int64_t)((uint64_t)v >> 8))
        o[i] = (unsigned char)v;
    buf_add(b, o, sizeof o);
}

static void put_text(struct buf *b, const char *s)
{
    put_number(b, s ? (int64_t)strlen(s) : -1);
    if (s)
        buf_str(b, s);
}

void audit_hash(struct arena *a, const struct audit_row *r, const unsigned char prev[static HASH],
                unsigned char out[static HASH])
{
    struct buf b = BUF(a);
    buf_add(&b, prev, HASH);
    put_text(&b, r->writer);
    put_number(&b, r->seq);
    put_number(&b, r->at_ms);
    put_number(&b, r->caller_kind);
    put_text(&b, r->caller);
    put_text(&b, r->session);
    put_text(&b, r->request);
    put_text(&b, r->method);
    put_text(&b, r->action);
    put_text(&b, r->object);
    put_number(&b, r->version);
    put_text(&b, r->detail);
    crypt_sha256(b.p, b.n, out);
}

const char *audit_seal_content(struct arena *a, int64_t number, int64_t at_ms,
                               const unsigned char prev[static HASH], const char *lines)
{
    char hex[2 * HASH + 1];
    hex_encode(prev, HASH, hex);
    return arena_printf(a, "certdesk audit seal\nnumber %" PRId64 "\nat %" PRId64 "\nprev %s\n%s", number,
                        at_ms, hex, lines);
}

/* -- chains follow their transactions ------------------------------------------------------------------- */

static void forget_staged(struct chain *x)
{
    x->begun = x->head != NULL;
    x->staged_seq = x->head ? x->head->seq : 0;
    if (x->head)
        memcpy(x->staged, x->head->hash, HASH);
    else
        memset(x->staged, 0, HASH);
}

static void on_commit(void *p)
{
    struct chain *x = p;
    if (!x->begun)
        return;
    pthread_mutex_lock(&heads_lock);
    if (!x->head) {
        x->head = calloc(1, sizeof *x->head);
        if (!x->head)
            abort();
        memcpy(x->head->writer, x->writer, sizeof x->writer);
        snprintf(x->head->schema, sizeof x->head->schema, "%s", db_schema(x->db));
        x->head->next = heads;
        heads = x->head;
    }
    x->head->seq = x->staged_seq;
    memcpy(x->head->hash, x->staged, HASH);
    pthread_mutex_unlock(&heads_lock);
}

static void on_rollback(void *p)
{
    forget_staged(p);
}

static void let_go(struct chain *x)
{
    if (!x->head)
        return;
    pthread_mutex_lock(&heads_lock);
    x->head->closed = true;
    pthread_mutex_unlock(&heads_lock);
    x->head = NULL;
}

/* Whether the rows are there may stay open for a while (the old COMMIT can still land), so nobody follows
 * them: a new writer begins, and the old chain ends wherever it ends. */
static void on_unknown(void *p)
{
    struct chain *x = p;
    let_go(x);
    forget_staged(x);
}

static void on_close(void *p)
{
    let_go(p);
    free(p);
}

static const struct tx_hooks hooks = {on_commit, on_rollback, on_unknown, on_close};

static struct chain *chain_of(struct db *db)
{
    struct chain *x = db_hooked(db);
    if (!x) {
        x = calloc(1, sizeof *x);
        if (!x)
            abort();
        x->db = db;
        db_set_hooks(db, &hooks, x);
    }
    return x;
}

/* -- writing -------------------------------------------------------------------------------------------- */

static enum err begin_writer(struct ctx *c, struct chain *x)
{
    char host[64] = "";
    gethostname(host, sizeof host - 1);
    id_new("wrt", x->writer);
    TRY(db_exec(c, NULL,
                SQL("INSERT INTO audit_writer (writer, process, started_ms) VALUES (?, CONCAT(?, ' ', ?,"
                    " ' connection ', CONNECTION_ID()), ?)"),
                TEXT(x->writer), TEXT(host), INT(getpid()), INT(clock_now_ms())));
    x->begun = true;
    return OK;
}

enum err audit_add(struct ctx *c, const struct audit_entry *e)
{
    if (!db_in_tx(c->db))
        return fail(c->fault, ERR_INTERNAL, NULL); /* a row without its transaction proves nothing */
    struct chain *x = chain_of(c->db);
    if (!x->begun)
        TRY(begin_writer(c, x));
    struct audit_row r = {.writer = x->writer,
                          .seq = x->staged_seq + 1,
                          .at_ms = c->now_ms,
                          .caller_kind = c->caller.kind,
                          .caller = c->caller.id,
                          .session = c->caller.session,
                          .request = c->request,
                          .method = c->method,
                          .action = e->action,
                          .object = e->object ? e->object : "",
                          .version = e->version,
                          .detail = e->detail};
    unsigned char hash[HASH];
    audit_hash(c->arena, &r, x->staged, hash);
    TRY(db_exec(c, NULL,
                SQL("INSERT INTO audit (writer, seq, at_ms, caller_kind, caller, session, request, method,"
                    " action, object, version, detail, prev, hash)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
                TEXT(r.writer), INT(r.seq), INT(r.at_ms), INT(r.caller_kind), TEXT(r.caller), TEXT(r.session),
                TEXT(r.request), TEXT(r.method), TEXT(r.action), TEXT(r.object), INT(r.version),
                TEXT(r.detail), BYTES(x->staged, HASH), BYTES(hash, HASH)));
    x->staged_seq = r.seq;
    memcpy(x->staged, hash, HASH);
    return OK;
}

/* -- sealing -------------------------------------------------------------------------------------------- */

static void add_line(struct buf *b, const char *writer, int64_t seq, const void *hash)
{
    char hex[2 * HASH + 1];
    hex_encode(hash, HASH, hex);
    buf_printf(b, "%s %" PRId64 " %s\n", writer, seq, hex);
}

struct sealing {
    bool whole; /* look for what dead processes left, too */
    struct {
        struct head *head;
        int64_t seq;
    } covered[512];
    size_t n;
};

/* The heads come from memory, not from the table: what was altered since the commit is noticed. */
static void own_heads(struct buf *b, struct sealing *s, const char *schema)
{
    s->n = 0;
    pthread_mutex_lock(&heads_lock);
    for (struct head *h = heads; h && s->n < sizeof s->covered / sizeof *s->covered; h = h->next) {
        if ((h->seq == h->sealed && !h->closed) || strcmp(h->schema, schema) != 0)
            continue;
        if (h->seq != h->sealed)
            add_line(b, h->writer, h->seq, h->hash);
        s->covered[s->n].head = h;
        s->covered[s->n++].seq = h->seq;
    }
    pthread_mutex_unlock(&heads_lock);
}

static void note_sealed(struct sealing *s)
{
    pthread_mutex_lock(&heads_lock);
    for (size_t i = 0; i < s->n; i++)
        s->covered[i].head->sealed = s->covered[i].seq;
    for (struct head **at = &heads; *at;) {
        struct head *h = *at;
        if (h->closed && h->sealed == h->seq) {
            *at = h->next;
            free(h);
        } else {
            at = &h->next;
        }
    }
    sealed_before |= s->whole;
    pthread_mutex_unlock(&heads_lock);
}

/* Rows of processes that ended without a seal, as the table has them. */
static enum err left_behind(struct ctx *c, struct buf *b, int64_t since_ms)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT a.writer, a.seq, a.hash FROM audit a JOIN"
                     " (SELECT writer, MAX(seq) AS last FROM audit WHERE at_ms >= ? GROUP BY writer) m"
                     " ON m.writer = a.writer AND m.last = a.seq ORDER BY a.writer"),
                 INT(since_ms)));
    for (size_t i = 0; i < r.n; i++)
        if (!strstr(buf_text(b), row_text(&r, i, 0)) && row_cell(&r, i, 2)->n == HASH)
            add_line(b, row_text(&r, i, 0), row_int(&r, i, 1), row_text(&r, i, 2));
    return OK;
}

static enum err body_seal(struct ctx *c, void *arg)
{
    struct sealing *s = arg;
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT number, at_ms, digest FROM audit_seal ORDER BY number DESC LIMIT 1")));
    int64_t number = r.n ? row_int(&r, 0, 0) + 1 : 1;
    unsigned char prev[HASH] = {0}, digest[HASH], sig[128];
    if (r.n && row_cell(&r, 0, 2)->n == HASH)
        memcpy(prev, row_text(&r, 0, 2), HASH);
    struct buf lines = BUF(c->arena);
    own_heads(&lines, s, db_schema(c->db));
    if (s->whole)
        TRY(left_behind(c, &lines, r.n ? row_int(&r, 0, 1) - LEFT_BEHIND_MS : 0));
    if (lines.n == 0)
        return OK;
    const char *content = audit_seal_content(c->arena, number, c->now_ms, prev, buf_text(&lines));
    size_t n = strlen(content), sig_n;
    crypt_sha256(content, n, digest);
    TRY(crypt_sign(c->keys, content, n, sig, &sig_n, c->fault));
    enum err e = db_exec(c, NULL,
                         SQL("INSERT INTO audit_seal (number, at_ms, prev, heads, digest, signature)"
                             " VALUES (?, ?, ?, ?, ?, ?)"),
                         INT(number), INT(c->now_ms), BYTES(prev, HASH), TEXT(buf_text(&lines)),
                         BYTES(digest, HASH), BYTES(sig, sig_n));
    return e == ERR_DB_DUPLICATE ? fail(c->fault, ERR_DB_RETRY, NULL) : e; /* another server sealed first */
}

enum err audit_seal(struct ctx *c)
{
    pthread_mutex_lock(&seal_lock);
    struct sealing s = {.whole = !sealed_before};
    enum err e = tx_run(c, body_seal, &s);
    if (e == OK)
        note_sealed(&s);
    pthread_mutex_unlock(&seal_lock);
    return e;
}
