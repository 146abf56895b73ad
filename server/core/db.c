#include "core/db.h"

#include "base/log.h"
#include "core/db_error.h"
#include "core/db_session.h"

#include <mysql.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_TIMEOUT_S = 1,
    READ_TIMEOUT_S = 3,
    RETRY_HINT_MS = 1000,
    CELL_TEXT = 64, /* room for a date or a floating-point number as text */
};

struct column {
    bool integer;    /* bound to number */
    bool as_integer; /* DECIMAL(n,0) or floating point, as SUM() and ? + ? give: text that is also a number */
    bool rendered;   /* dates and floats: the library makes the text */
    long long number;
    unsigned long length;
    my_bool null, error;
};

struct stmt {
    const char *sql; /* the literal's address is the key */
    MYSQL_STMT *st;
    unsigned n_in, n_out;
    MYSQL_BIND *in, *out;
    struct column *columns;
};

/* -- errors --------------------------------------------------------------------------------------------- */

/* "Duplicate entry 'x' for key 'name'" → name */
static void name_key(struct fault *f, const char *message)
{
    const char *at = NULL;
    for (const char *p = message; (p = strstr(p, "for key '")); p++)
        at = p + strlen("for key '");
    if (!f || !at)
        return;
    size_t n = strcspn(at, "'");
    if (n >= sizeof f->resource)
        n = sizeof f->resource - 1;
    memcpy(f->resource, at, n);
    f->resource[n] = '\0';
}

enum err db_report(struct db *db, struct fault *f, unsigned number, const char *message, const char *sql)
{
    enum err e = db_error_meaning(number);
    bool full = db_error_is_full(number);
    db->last_errno = number;
    if (db_error_breaks(number))
        db->broken = true;
    if (e != ERR_DB_DUPLICATE) {
        if (full)
            LOG(ERROR, "db.full", KV_I("errno", number), KV_S("message", message), KV_S("sql", sql));
        else
            LOG(WARN, "db.error", KV_I("errno", number),
                KV_S("message", db_error_has_no_data(number) ? message : ""), KV_S("sql", sql));
        if (db->in_tx && db->poison == OK)
            db->poison = e;
    }
    (void)!fail(f, e, full ? "the database has no room left" : NULL);
    if (f && e == ERR_DB_DUPLICATE)
        name_key(f, message);
    if (f && e == ERR_UNAVAILABLE)
        f->retry_ms = RETRY_HINT_MS;
    return e;
}

/* True when the statement may be sent. With CERTDESK_FAULTS this is where the k-th statement fails. */
static enum err may_change(struct ctx *c, const char *sql)
{
    if (!c->reading)
        return OK;
    LOG(ERROR, "db.read_only", KV_S("sql", sql));
    return fail(c->fault, ERR_INTERNAL, NULL);
}

enum err db_admit(struct ctx *c, const char *sql)
{
    struct db *db = c->db;
    if (db->poison != OK)
        return fail(c->fault, db->poison, NULL);
    if (!db_usable(db))
        return db_report(db, c->fault, E_GONE, "not connected", sql);
#ifdef CERTDESK_FAULTS
    if (c->fail_at > 0 && --c->fail_at == 0) {
        if (db->in_tx)
            db->poison = ERR_UNAVAILABLE;
        return fail(c->fault, ERR_UNAVAILABLE, NULL);
    }
#endif
    db->sent++;
    db->last_errno = 0;
    return OK;
}

/* -- connections ---------------------------------------------------------------------------------------- */

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static void library_init(void)
{
    mysql_library_init(0, NULL, NULL);
}

static const char session[] =
    "SET SESSION sql_mode='STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,"
    "NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION', time_zone='+00:00', collation_connection='utf8mb4_bin', "
    "tx_isolation='REPEATABLE-READ', innodb_snapshot_isolation=ON, innodb_lock_wait_timeout=2, "
    "max_statement_time=2.5, autocommit=1";

static enum err connect_now(struct db *db, struct fault *f)
{
    MYSQL *my = mysql_init(NULL);
    if (!my)
        abort(); /* no memory: as arena.h */
    unsigned connect_s = CONNECT_TIMEOUT_S, io_s = db->read_timeout_s;
    my_bool no = 0;
    unsigned off = 0;
    mysql_optionsv(my, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    mysql_optionsv(my, MYSQL_OPT_READ_TIMEOUT, &io_s);
    mysql_optionsv(my, MYSQL_OPT_WRITE_TIMEOUT, &io_s);
    mysql_optionsv(my, MYSQL_OPT_RECONNECT, &no);
    mysql_optionsv(my, MYSQL_OPT_LOCAL_INFILE, &off);
    mysql_optionsv(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    db->my = my;
    db->broken = false;
    db->in_tx = false;
    db->poison = OK;
    if (!mysql_real_connect(my, db->socket ? NULL : db->host, db->user, db->password, db->schema, db->port,
                            db->socket, CLIENT_FOUND_ROWS) ||
        mysql_real_query(my, session, sizeof session - 1) != 0) {
        enum err e = db_report(db, f, mysql_errno(my), mysql_error(my), "(connecting)");
        db->broken = true;
        if (mysql_errno(my) == E_NO_SCHEMA)
            return fail(f, e, "the database has no schema %s yet: run `certdeskd migrate`", db->schema);
        if (e == ERR_PRECONDITION)
            return fail(f, e, "the database refuses our user, password or schema");
        return e;
    }
    return OK;
}

static char *copy(const char *s)
{
    char *p = s ? strdup(s) : NULL;
    if (s && !p)
        abort();
    return p;
}

enum err db_open(const struct db_options *o, struct db **out, struct fault *f)
{
    pthread_once(&library_once, library_init);
    struct db *db = calloc(1, sizeof *db);
    if (!db)
        abort();
    db->socket = copy(o->socket);
    db->host = copy(o->host);
    db->user = copy(o->user);
    db->password = copy(o->password);
    db->schema = copy(o->schema);
    db->port = o->port;
    db->read_timeout_s = o->read_timeout_s ? o->read_timeout_s : READ_TIMEOUT_S;
    enum err e = connect_now(db, f);
    if (e != OK) {
        db_close(db);
        return e;
    }
    *out = db;
    return OK;
}

static void forget_statements(struct db *db)
{
    for (size_t i = 0; i < db->capacity; i++) {
        struct stmt *s = db->table[i];
        if (!s)
            continue;
        mysql_stmt_close(s->st);
        free(s->in);
        free(s->out);
        free(s->columns);
        free(s);
        db->table[i] = NULL;
    }
    db->used = 0;
}

static void disconnect(struct db *db)
{
    if (!db->my)
        return;
    forget_statements(db);
    mysql_close(db->my);
    db->my = NULL;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db_rollback(db);
    if (db->hooks)
        db->hooks->closed(db->hooked);
    disconnect(db);
    free(db->table);
    free(db->socket);
    free(db->host);
    free(db->user);
    if (db->password)
        wipe(db->password, strlen(db->password));
    free(db->password);
    free(db->schema);
    free(db);
}

enum err db_reconnect(struct db *db, struct fault *f)
{
    db_rollback(db);
    disconnect(db);
    return connect_now(db, f);
}

bool db_usable(const struct db *db)
{
    return db->my && !db->broken;
}

/* An idle server has nothing to say: whatever can be read is the end, or the words before it. */
bool db_still_there(struct db *db)
{
    if (!db_usable(db))
        return false;
    struct pollfd p = {.fd = mysql_get_socket(db->my), .events = POLLIN | POLLRDHUP};
    if (!db->in_tx && poll(&p, 1, 0) > 0)
        db->broken = true;
    return !db->broken;
}

const char *db_schema(const struct db *db)
{
    return db->schema ? db->schema : "";
}

unsigned db_last_errno(const struct db *db)
{
    return db->last_errno;
}

uint64_t db_statements(const struct db *db)
{
    return db->sent;
}

/* -- the statement cache -------------------------------------------------------------------------------- */

static size_t slot_of(const struct db *db, const char *sql)
{
    size_t i = (size_t)(((uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (db->capacity - 1);
    while (db->table[i] && db->table[i]->sql != sql)
        i = (i + 1) & (db->capacity - 1);
    return i;
}

static void make_room(struct db *db)
{
    if (db->used * 2 < db->capacity)
        return;
    struct stmt **old = db->table;
    size_t n = db->capacity;
    db->capacity = n ? n * 2 : 64;
    db->table = calloc(db->capacity, sizeof(struct stmt *));
    if (!db->table)
        abort();
    for (size_t i = 0; i < n; i++)
        if (old[i])
            db->table[slot_of(db, old[i]->sql)] = old[i];
    free(old);
}

static bool is_integer(enum enum_field_types t)
{
    return t == MYSQL_TYPE_TINY || t == MYSQL_TYPE_SHORT || t == MYSQL_TYPE_INT24 || t == MYSQL_TYPE_LONG ||
           t == MYSQL_TYPE_LONGLONG || t == MYSQL_TYPE_YEAR;
}

static bool is_rendered(enum enum_field_types t)
{
    return t == MYSQL_TYPE_FLOAT || t == MYSQL_TYPE_DOUBLE || t == MYSQL_TYPE_DATE || t == MYSQL_TYPE_TIME ||
           t == MYSQL_TYPE_DATETIME || t == MYSQL_TYPE_TIMESTAMP;
}

/* The result's binding is made once: integers into the column, everything else fetched from the packet
 * straight into the arena when its length is known. */
static void bind_columns(struct stmt *s)
{
    MYSQL_RES *meta = mysql_stmt_result_metadata(s->st);
    if (!meta)
        return;
    s->n_out = mysql_num_fields(meta);
    const MYSQL_FIELD *fields = mysql_fetch_fields(meta);
    s->out = calloc(s->n_out, sizeof *s->out);
    s->columns = calloc(s->n_out, sizeof *s->columns);
    if (!s->out || !s->columns)
        abort();
    for (unsigned i = 0; i < s->n_out; i++) {
        struct column *col = &s->columns[i];
        enum enum_field_types t = fields[i].type;
        col->integer = is_integer(t);
        col->rendered = is_rendered(t);
        col->as_integer =
            t == MYSQL_TYPE_FLOAT || t == MYSQL_TYPE_DOUBLE ||
            ((t == MYSQL_TYPE_NEWDECIMAL || t == MYSQL_TYPE_DECIMAL) && fields[i].decimals == 0);
        s->out[i] = (MYSQL_BIND){
            .buffer_type = col->integer ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_STRING,
            .buffer = col->integer ? &col->number : NULL,
            .buffer_length = col->integer ? sizeof col->number : 0,
            .length = &col->length,
            .is_null = &col->null,
            .error = &col->error,
        };
    }
    mysql_free_result(meta);
}

static enum err prepare(struct db *db, const char *sql, struct stmt **out, struct fault *f)
{
    MYSQL_STMT *st = mysql_stmt_init(db->my);
    if (!st)
        abort();
    if (mysql_stmt_prepare(st, sql, strlen(sql)) != 0) {
        enum err e = db_report(db, f, mysql_stmt_errno(st), mysql_stmt_error(st), sql);
        mysql_stmt_close(st);
        return e;
    }
    struct stmt *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->sql = sql;
    s->st = st;
    s->n_in = (unsigned)mysql_stmt_param_count(st);
    s->in = calloc(s->n_in ? s->n_in : 1, sizeof *s->in);
    if (!s->in)
        abort();
    bind_columns(s);
    *out = s;
    return OK;
}

static enum err statement(struct ctx *c, const char *sql, struct stmt **out)
{
    struct db *db = c->db;
    make_room(db);
    size_t i = slot_of(db, sql);
    if (!db->table[i]) {
        TRY(prepare(db, sql, &db->table[i], c->fault));
        db->used++;
    }
    *out = db->table[i];
    return OK;
}

/* -- running one ---------------------------------------------------------------------------------------- */

static const enum enum_field_types type_of[] = {
    [ARG_NULL] = MYSQL_TYPE_NULL,
    [ARG_INT] = MYSQL_TYPE_LONGLONG,
    [ARG_TEXT] = MYSQL_TYPE_STRING,
    [ARG_BYTES] = MYSQL_TYPE_BLOB,
};

struct arg db_text_arg(const char *s)
{
    return s ? (struct arg){.kind = ARG_TEXT, .p = s, .n = strlen(s)} : SQLNULL;
}

static enum err wrong_count(struct ctx *c, const char *sql)
{
    LOG(ERROR, "db.arguments", KV_S("sql", sql));
    if (c->db->in_tx)
        c->db->poison = ERR_INTERNAL;
    return fail(c->fault, ERR_INTERNAL, NULL);
}

static enum err stmt_failed(struct ctx *c, struct stmt *s)
{
    unsigned number = mysql_stmt_errno(s->st);
    /* while rows are being read the library leaves the error with the connection */
    enum err e = number ? db_report(c->db, c->fault, number, mysql_stmt_error(s->st), s->sql)
                        : db_report(c->db, c->fault, mysql_errno(c->db->my), mysql_error(c->db->my), s->sql);
    if (db_usable(c->db))
        mysql_stmt_free_result(s->st);
    return e;
}

static void bind_args(struct stmt *s, const struct arg *args, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct arg *a = &args[i];
        /* the library does not write through buffer; its type only lacks the const */
        const void *p = a->kind == ARG_INT ? (const void *)&a->number : a->p;
        s->in[i] = (MYSQL_BIND){.buffer_type = type_of[a->kind],
                                .buffer = (void *)(uintptr_t)p,
                                .buffer_length = (unsigned long)a->n};
    }
}

static enum err run(struct ctx *c, const char *sql, const struct arg *args, size_t n, struct stmt **out)
{
    TRY(db_admit(c, sql));
    struct stmt *s;
    TRY(statement(c, sql, &s));
    if (n != s->n_in)
        return wrong_count(c, sql);
    bind_args(s, args, n);
    if ((n && mysql_stmt_bind_param(s->st, s->in) != 0) || mysql_stmt_execute(s->st) != 0)
        return stmt_failed(c, s);
    *out = s;
    return OK;
}

static bool read_cell(struct ctx *c, struct stmt *s, unsigned i, struct cell *cell)
{
    struct column *col = &s->columns[i];
    cell->text = "";
    cell->null = col->null;
    if (col->null)
        return true;
    if (col->integer) {
        cell->number = col->number;
        return true;
    }
    size_t room = col->rendered ? CELL_TEXT : col->length + 1;
    char *p = arena_alloc(c->arena, room);
    unsigned long length = 0;
    my_bool null = 0, error = 0;
    MYSQL_BIND b = {.buffer_type = MYSQL_TYPE_STRING,
                    .buffer = p,
                    .buffer_length = room,
                    .length = &length,
                    .is_null = &null,
                    .error = &error};
    if (mysql_stmt_fetch_column(s->st, &b, i, 0) != 0)
        return false;
    cell->text = p;
    cell->n = length;
    if (col->as_integer)
        cell->number = strtoll(p, NULL, 10);
    return true;
}

/* Rows are read as they arrive: their texts are copied once, from the packet to the arena. */
static enum err read_rows(struct ctx *c, struct stmt *s, struct rows *out)
{
    size_t cap = 0, n = 0;
    struct cell *cells = NULL;
    if (mysql_stmt_bind_result(s->st, s->out) != 0)
        return stmt_failed(c, s);
    int rc;
    while ((rc = mysql_stmt_fetch(s->st)) == 0 || rc == MYSQL_DATA_TRUNCATED) {
        if (n == cap) {
            cap = cap ? cap * 4 : 1;
            struct cell *more = ARENA_ARRAY(c->arena, struct cell, cap * s->n_out);
            if (n)
                memcpy(more, cells, n * s->n_out * sizeof *cells);
            cells = more;
        }
        for (unsigned i = 0; i < s->n_out; i++)
            if (!read_cell(c, s, i, &cells[n * s->n_out + i]))
                return stmt_failed(c, s);
        n++;
    }
    if (rc != MYSQL_NO_DATA)
        return stmt_failed(c, s);
    *out = (struct rows){.n = n, .columns = s->n_out, .cells = cells};
    return OK;
}

enum err db_query_(struct ctx *c, struct rows *out, struct sql q, const struct arg *args, size_t n)
{
    *out = (struct rows){0};
    struct stmt *s;
    TRY(run(c, q.text, args, n, &s));
    if (s->n_out == 0)
        return wrong_count(c, q.text);
    return read_rows(c, s, out);
}

static void note_changes(struct ctx *c, struct stmt *s, uint64_t *changed)
{
    uint64_t k = mysql_stmt_affected_rows(s->st);
    if (k)
        c->wrote = true;
    if (changed)
        *changed = k;
}

enum err db_exec_(struct ctx *c, uint64_t *changed, struct sql q, const struct arg *args, size_t n)
{
    if (changed)
        *changed = 0;
    struct stmt *s;
    TRY(may_change(c, q.text));
    TRY(run(c, q.text, args, n, &s));
    if (s->n_out != 0) {
        mysql_stmt_free_result(s->st);
        return wrong_count(c, q.text);
    }
    note_changes(c, s, changed);
    return OK;
}

enum err db_exec_one_(struct ctx *c, struct sql q, const struct arg *args, size_t n)
{
    uint64_t changed;
    TRY(db_exec_(c, &changed, q, args, n));
    c->lost |= changed != 1;
    return changed == 1 ? OK : fail(c->fault, ERR_CONFLICT, NULL);
}

/* -- many rows in one statement ------------------------------------------------------------------------- */

/* One column of the array: values side by side, as the protocol wants them. All its arguments are of one
 * kind, or NULL. */
static bool bind_array(struct arena *a, MYSQL_BIND *b, const struct arg *first, size_t n_rows, size_t stride)
{
    enum arg_kind kind = ARG_NULL;
    char *indicator = arena_alloc(a, n_rows);
    for (size_t r = 0; r < n_rows; r++) {
        enum arg_kind k = first[r * stride].kind;
        indicator[r] = k == ARG_NULL ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE;
        if (k == ARG_NULL)
            continue;
        if (kind != ARG_NULL && kind != k)
            return false;
        kind = k;
    }
    *b = (MYSQL_BIND){.buffer_type = type_of[kind == ARG_NULL ? ARG_TEXT : kind]};
    b->u.indicator = indicator;
    if (kind == ARG_INT) {
        long long *v = ARENA_ARRAY(a, long long, n_rows);
        for (size_t r = 0; r < n_rows; r++)
            v[r] = first[r * stride].number;
        b->buffer = v;
        return true;
    }
    const void **p = ARENA_ARRAY(a, const void *, n_rows);
    unsigned long *length = ARENA_ARRAY(a, unsigned long, n_rows);
    for (size_t r = 0; r < n_rows; r++) {
        p[r] = first[r * stride].kind == ARG_NULL ? "" : first[r * stride].p;
        length[r] = (unsigned long)first[r * stride].n;
    }
    b->buffer = p;
    b->length = length;
    return true;
}

static enum err exec_array(struct ctx *c, struct stmt *s, size_t n_rows)
{
    unsigned rows = (unsigned)n_rows, single = 0;
    mysql_stmt_attr_set(s->st, STMT_ATTR_ARRAY_SIZE, &rows);
    int rc = mysql_stmt_bind_param(s->st, s->in) != 0 || mysql_stmt_execute(s->st) != 0;
    enum err e = rc ? stmt_failed(c, s) : OK;
    /* rows before the failing one may be in: only a rollback makes that whole again */
    if (e == ERR_DB_DUPLICATE && c->db->in_tx)
        c->db->poison = e;
    mysql_stmt_attr_set(s->st, STMT_ATTR_ARRAY_SIZE, &single);
    return e;
}

enum err db_exec_rows(struct ctx *c, struct sql q, const struct arg *args, size_t n_rows, size_t n_columns)
{
    if (n_rows == 0)
        return OK;
    TRY(may_change(c, q.text));
    TRY(db_admit(c, q.text));
    struct stmt *s;
    TRY(statement(c, q.text, &s));
    if (n_columns != s->n_in || s->n_out != 0)
        return wrong_count(c, q.text);
    for (size_t i = 0; i < n_columns; i++)
        if (!bind_array(c->arena, &s->in[i], args + i, n_rows, n_columns))
            return wrong_count(c, q.text);
    TRY(exec_array(c, s, n_rows));
    note_changes(c, s, NULL);
    return OK;
}
