/* The statements, and the connection that runs them. */
#include "direct.h"

#include <errmsg.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* -- the statements of the server, word for word ------------------------------------------------------------
 */

enum {
    CLAIM,
    OFFER,
    POLICY,
    ORDER,
    AGREEMENTS,
    CONSENT,
    AUDIT,
    RESPONSE,
    GET,
    SESSION,
    STATEMENTS,
    AGREEMENTS_MAX = 8,
    ARGS_MAX = 20,
    COLUMNS_MAX = 25,
};

static const char *const texts[STATEMENTS] = {
    [CLAIM] =
        "INSERT INTO idempotency (caller, method, request_id, digest, created_ms) VALUES (?, ?, ?, ?, ?)",
    [OFFER] = "SELECT c.id, o.methods, o.agent_methods, o.paper_route, o.review, o.delivery, c.version FROM "
              "channel c "
              "LEFT JOIN channel_offer o ON o.channel_id = c.id AND o.order_kind = ? AND o.subject_kind = ? "
              "AND o.medium = ? WHERE c.id = ? OR c.code = ?",
    [POLICY] = "SELECT policy FROM channel WHERE id = ?",
    [ORDER] = "INSERT INTO orders (id, channel_id, account_id, kind, subject_kind, state, version, method, "
              "medium, paper_route, review, delivery, price_fen, verification_id, created_ms, updated_ms, "
              "submitted_ms, due_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', ?, ?, 0, 0)",
    [AGREEMENTS] =
        "SELECT id, version, title, digest, code FROM agreement WHERE channel_id = ? AND in_force = 1 "
        "ORDER BY code",
    [CONSENT] =
        "INSERT INTO consent (object_id, purpose, agreement_id, agreement_version, digest, account_id, "
        "given_ms) VALUES (?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE given_ms = VALUES(given_ms)",
    [AUDIT] = "INSERT INTO audit (writer, seq, at_ms, caller_kind, caller, session, request, method, action, "
              "object, version, detail, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [RESPONSE] = "UPDATE idempotency SET response = ? WHERE caller = ? AND method = ? AND request_id = ?",
    [GET] = "SELECT id, channel_id, account_id, kind, subject_kind, state, version, method, medium, "
            "paper_route, subject, agent, purchase, quote, price_fen, signed_digest, verification_id, "
            "created_ms, updated_ms, submitted_ms, due_ms, review, delivery, (SELECT h.version FROM channel "
            "h WHERE h.id = channel_id) FROM orders WHERE id = ? "
            "AND (? = '' OR account_id = ?) AND (? = '' OR channel_id = ?)",
    [SESSION] = "SELECT token_digest, id, caller_kind, owner_id, channel_id, roles FROM session WHERE "
                "token_digest IN (?) AND ended_ms = 0 AND expires_ms > ? AND (how <> 2 OR NOT EXISTS (SELECT "
                "1 FROM account a WHERE a.id = session.owner_id AND a.initial_password <> 0))",
};

/* Before the race. */
static const char one_channel[] = "SELECT id FROM channel ORDER BY id LIMIT 1";
static const char some_orders[] = "SELECT id, account_id FROM orders WHERE channel_id = ? LIMIT 4096";
static const char log_in[] =
    "INSERT INTO session (token_digest, id, caller_kind, owner_id, channel_id, roles, created_ms, "
    "expires_ms) VALUES (?, ?, 1, ?, ?, 0, ?, ?)";

static const char account[] = "acc_00000000000000000000000000";
static const char method[] = "/certdesk.v1.OrderService/CreateOrder";

void direct_die(const char *what, const char *why)
{
    fprintf(stderr, "bench-direct: %s: %s\n", what, why);
    exit(1);
}

static long long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* -- one connection ----------------------------------------------------------------------------------------
 */

struct column {
    char text[4096];
    unsigned long n;
    my_bool null, cut;
};

struct direct {
    struct direct_target *o;
    MYSQL *my;
    MYSQL_STMT *stmt[STATEMENTS];
    MYSQL_BIND args[ARGS_MAX], columns[COLUMNS_MAX];
    long long numbers[ARGS_MAX];
    int n;
    struct column read[COLUMNS_MAX];
    char writer[ID_SIZE], session[ID_SIZE], order[ID_SIZE], agreements[AGREEMENTS_MAX][ID_SIZE];
    unsigned char token[32]; /* its digest */
    unsigned dice;
    long long seq;
};

static void text(struct direct *w, const char *s, size_t n)
{
    w->args[w->n++] =
        (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING, .buffer = (void *)(uintptr_t)s, .buffer_length = n};
}

static void str(struct direct *w, const char *s)
{
    text(w, s, strlen(s));
}

static void bytes(struct direct *w, const void *p, size_t n)
{
    w->args[w->n++] =
        (MYSQL_BIND){.buffer_type = MYSQL_TYPE_BLOB, .buffer = (void *)(uintptr_t)p, .buffer_length = n};
}

static void number(struct direct *w, long long v)
{
    w->numbers[w->n] = v;
    w->args[w->n] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &w->numbers[w->n]};
    w->n++;
}

static void null(struct direct *w)
{
    w->args[w->n++] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_NULL};
}

static void run(struct direct *w, int which)
{
    MYSQL_STMT *s = w->stmt[which];
    if ((int)mysql_stmt_param_count(s) != w->n || mysql_stmt_bind_param(s, w->args) || mysql_stmt_execute(s))
        direct_die(texts[which], mysql_stmt_error(s));
    w->n = 0;
}

static void plain(struct direct *w, const char *sql)
{
    if (mysql_real_query(w->my, sql, strlen(sql)))
        direct_die(sql, mysql_error(w->my));
}

/* Every row into w->read, one after the other; each(w) sees it there. */
static size_t rows(struct direct *w, int which, void (*each)(struct direct *w, size_t row))
{
    MYSQL_STMT *s = w->stmt[which];
    unsigned columns = mysql_stmt_field_count(s);
    for (unsigned i = 0; i < columns; i++)
        w->columns[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                                     .buffer = w->read[i].text,
                                     .buffer_length = sizeof w->read[i].text,
                                     .length = &w->read[i].n,
                                     .is_null = &w->read[i].null,
                                     .error = &w->read[i].cut};
    if (mysql_stmt_bind_result(s, w->columns) || mysql_stmt_store_result(s))
        direct_die(texts[which], mysql_stmt_error(s));
    size_t n = 0;
    for (int rc; (rc = mysql_stmt_fetch(s)) == 0 || rc == MYSQL_DATA_TRUNCATED; n++)
        if (each)
            each(w, n);
    mysql_stmt_free_result(s);
    return n;
}

/* Many threads come at once, and the database's queue of those who wait may be full for a moment. */
static void reach_database(struct direct *w)
{
    for (int tries = 0;; tries++) {
        w->my = mysql_init(NULL);
        mysql_optionsv(w->my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
        if (mysql_real_connect(w->my, NULL, w->o->user, w->o->password, w->o->schema, 0, w->o->socket,
                               CLIENT_FOUND_ROWS))
            return;
        if (tries == 500 || mysql_errno(w->my) != CR_CONNECTION_ERROR)
            direct_die("connect", mysql_error(w->my));
        mysql_close(w->my);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

static void open_connection(struct direct *w)
{
    reach_database(w);
    plain(w,
          "SET SESSION sql_mode='STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,"
          "NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION', time_zone='+00:00', "
          "collation_connection='utf8mb4_bin', tx_isolation='REPEATABLE-READ', "
          "innodb_snapshot_isolation=ON, innodb_lock_wait_timeout=2, max_statement_time=2.5, autocommit=1");
    for (int i = 0; i < STATEMENTS; i++) {
        w->stmt[i] = mysql_stmt_init(w->my);
        if (mysql_stmt_prepare(w->stmt[i], texts[i], strlen(texts[i])))
            direct_die(texts[i], mysql_stmt_error(w->stmt[i]));
    }
    id_new("w", w->writer);
}

static struct direct *make(struct direct_target *o)
{
    struct direct *w = calloc(1, sizeof *w);
    if (!w)
        direct_die("memory", "there is none");
    w->o = o;
    random_bytes(&w->dice, sizeof w->dice);
    open_connection(w);
    return w;
}

void direct_close(struct direct *w)
{
    for (int i = 0; i < STATEMENTS; i++)
        mysql_stmt_close(w->stmt[i]);
    mysql_close(w->my);
    free(w);
}

/* -- what the race needs -----------------------------------------------------------------------------------
 */

static void copy_id(char to[static ID_SIZE], const struct column *c)
{
    snprintf(to, ID_SIZE, "%.*s", (int)c->n, c->text);
}

static void take_channel(struct direct *w, size_t row)
{
    (void)row;
    copy_id(w->o->channel, &w->read[0]);
}

static void take_order(struct direct *w, size_t row)
{
    copy_id(w->o->orders[row].id, &w->read[0]);
    copy_id(w->o->orders[row].account, &w->read[1]);
    w->o->n_orders = row + 1;
}

/* A statement of its own in the place of another. */
static void prepare_as(struct direct *w, int which, const char *sql)
{
    if (mysql_stmt_prepare(w->stmt[which], sql, strlen(sql)))
        direct_die(sql, mysql_stmt_error(w->stmt[which]));
}

void direct_learn(struct direct_target *o)
{
    struct direct *w = make(o);
    prepare_as(w, OFFER, one_channel);
    run(w, OFFER);
    if (rows(w, OFFER, take_channel) != 1)
        direct_die(o->schema, "holds no channel");
    prepare_as(w, GET, some_orders);
    str(w, o->channel);
    run(w, GET);
    rows(w, GET, take_order);
    direct_close(w);
}

static void begin_session(struct direct *w)
{
    id_new("ses", w->session);
    random_bytes(w->token, sizeof w->token);
    prepare_as(w, SESSION, log_in);
    bytes(w, w->token, sizeof w->token);
    str(w, w->session);
    str(w, account);
    str(w, w->o->channel);
    number(w, now_ms());
    number(w, now_ms() + 3600000);
    run(w, SESSION);
    prepare_as(w, SESSION, texts[SESSION]);
}

struct direct *direct_open(struct direct_target *o)
{
    struct direct *w = make(o);
    begin_session(w);
    return w;
}

/* -- the two calls -----------------------------------------------------------------------------------------
 */

static void find_session(struct direct *w)
{
    bytes(w, w->token, sizeof w->token);
    number(w, now_ms());
    run(w, SESSION);
    if (rows(w, SESSION, NULL) != 1)
        direct_die(w->session, "is gone");
}

static void take_agreement(struct direct *w, size_t row)
{
    if (row < AGREEMENTS_MAX)
        copy_id(w->agreements[row], &w->read[0]);
}

static void insert_order(struct direct *w)
{
    id_new("ord", w->order);
    str(w, w->order);
    str(w, w->o->channel);
    str(w, account);
    /* kind, subject, state, version, method, medium, paper, review, delivery */
    static const int numbers[] = {1, 1, 1, 1, 2, 1, 0, 1, 1};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        number(w, numbers[i]);
    number(w, now_ms());
    number(w, now_ms());
    run(w, ORDER);
}

/* Every row has the same text or bytes in a column of an array. */
struct same {
    const void *p[AGREEMENTS_MAX];
    unsigned long n[AGREEMENTS_MAX];
};

static void same(struct direct *w, struct same *column, const void *p, size_t n)
{
    for (size_t i = 0; i < AGREEMENTS_MAX; i++) {
        column->p[i] = p;
        column->n[i] = n;
    }
    w->args[w->n++] =
        (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING, .buffer = (void *)column->p, .length = column->n};
}

static void same_number(struct direct *w, long long column[static AGREEMENTS_MAX], long long v)
{
    for (size_t i = 0; i < AGREEMENTS_MAX; i++)
        column[i] = v;
    w->args[w->n++] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = column};
}

/* All rows in one statement. */
static void insert_consents(struct direct *w)
{
    static const unsigned char digest[32];
    struct same object, purpose, agreement, text_digest, giver;
    long long version[AGREEMENTS_MAX], given[AGREEMENTS_MAX];
    str(w, w->o->channel);
    run(w, AGREEMENTS);
    unsigned n = (unsigned)rows(w, AGREEMENTS, take_agreement), one = 0;
    if (n == 0 || n > AGREEMENTS_MAX)
        direct_die(w->o->channel, "has no agreements, or too many");
    same(w, &object, w->order, strlen(w->order));
    same(w, &purpose, "method", 6);
    same(w, &agreement, "", 0);
    for (size_t i = 0; i < n; i++) {
        agreement.p[i] = w->agreements[i];
        agreement.n[i] = strlen(w->agreements[i]);
    }
    same_number(w, version, 1);
    same(w, &text_digest, digest, sizeof digest);
    same(w, &giver, account, strlen(account));
    same_number(w, given, now_ms());
    mysql_stmt_attr_set(w->stmt[CONSENT], STMT_ATTR_ARRAY_SIZE, &n);
    run(w, CONSENT);
    mysql_stmt_attr_set(w->stmt[CONSENT], STMT_ATTR_ARRAY_SIZE, &one);
}

static void insert_audit(struct direct *w, const char *request)
{
    static const unsigned char hash[32];
    str(w, w->writer);
    number(w, ++w->seq);
    number(w, now_ms());
    number(w, 1);
    str(w, account);
    str(w, w->session);
    str(w, request);
    str(w, method);
    str(w, "order.created");
    str(w, w->order);
    number(w, 1);
    null(w);
    bytes(w, hash, sizeof hash);
    bytes(w, hash, sizeof hash);
    run(w, AUDIT);
}

void direct_create(struct direct *w)
{
    static const unsigned char digest[32], response[300]; /* about what a sealed Order takes */
    char request[ID_SIZE];
    id_new("req", request);
    find_session(w);
    plain(w, "BEGIN");
    str(w, account);
    str(w, method);
    str(w, request);
    bytes(w, digest, sizeof digest);
    number(w, now_ms());
    run(w, CLAIM);
    number(w, 1);
    number(w, 1);
    number(w, 1);
    str(w, w->o->channel);
    str(w, w->o->channel);
    run(w, OFFER);
    rows(w, OFFER, NULL);
    str(w, w->o->channel);
    run(w, POLICY);
    rows(w, POLICY, NULL);
    insert_order(w);
    insert_consents(w);
    insert_audit(w, request);
    bytes(w, response, sizeof response);
    str(w, account);
    str(w, method);
    str(w, request);
    run(w, RESPONSE);
    plain(w, "COMMIT");
}

void direct_get(struct direct *w)
{
    size_t i = (size_t)rand_r(&w->dice) % w->o->n_orders;
    find_session(w);
    str(w, w->o->orders[i].id);
    str(w, w->o->orders[i].account);
    str(w, w->o->orders[i].account);
    str(w, w->o->channel);
    str(w, w->o->channel);
    run(w, GET);
    if (rows(w, GET, NULL) != 1)
        direct_die(w->o->orders[i].id, "is gone");
}
