#include "serve.h"

#include "account/account_prune.h"
#include "account/account_rpc.h"
#include "base/clock.h"
#include "base/log.h"
#include "callback.h"
#include "catalog/catalog_rpc.h"
#include "certificate/certificate_rpc.h"
#include "config.h"
#include "core/audit.h"
#include "core/migrate.h"
#include "core/probe.h"
#include "core/prune.h"
#include "dispatch.h"
#include "identity/identity.h"
#include "identity/identity_prune.h"
#include "identity/identity_rpc.h"
#include "invoice/invoice.h"
#include "invoice/invoice_rpc.h"
#include "issue/issue_rpc.h"
#include "material/material_rpc.h"
#include "material/partial.h"
#include "notice/notice.h"
#include "order/order_rpc.h"
#include "payment/payment.h"
#include "payment/payment_prune.h"
#include "payment/payment_rpc.h"
#include "payment/reconcile.h"
#include "review/review_rpc.h"
#include "shipment/shipment.h"
#include "shipment/shipment_rpc.h"
#include "staff/staff_rpc.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum {
    GRACE_MS = 20000,
    SEAL_EVERY_S = 60,
    ADDRESSES_MAX = 8,
    KINDS_MAX = 64,
    FILES = 65536
};

/* All that runs; opened in order, closed in reverse. */
struct running {
    struct started *started;
    struct dispatch *dispatch;
    pthread_mutex_t opening; /* server and dispatch are set while the probe's thread reads them */
    struct rpc_server *server;
    struct probe *probe;
    struct outbox *outbox;
    struct callback_server *callback;
    const char *addresses[ADDRESSES_MAX];
    size_t n_addresses;
    struct arena arena;
};

static const struct job_kind *kinds[KINDS_MAX]; /* filled once by all_kinds() */

static size_t add_kinds(size_t n, const struct job_kind *const *list, size_t more)
{
    memcpy(kinds + n, list, more * sizeof *list);
    return n + more;
}

static size_t all_kinds(void)
{
    size_t n = add_kinds(0, notice_jobs, notice_jobs_n);
    n = add_kinds(n, identity_jobs, identity_jobs_n);
    n = add_kinds(n, payment_jobs, payment_jobs_n);
    n = add_kinds(n, invoice_jobs, invoice_jobs_n);
    return add_kinds(n, shipment_jobs, shipment_jobs_n);
}

static void on_database(bool up, void *arg)
{
    struct running *r = arg;
    LOG(WARN, up ? "database.up" : "database.down", KV_I("mono_ms", clock_mono_ms()));
    pthread_mutex_lock(&r->opening);
    if (!up && r->dispatch)
        dispatch_shed(r->dispatch);
    if (r->server)
        rpc_health_set(r->server, "", up);
    pthread_mutex_unlock(&r->opening);
}

static bool database_up(const void *arg)
{
    return probe_up(arg);
}

static void on_job_committed(void *arg)
{
    struct running *r = arg;
    dispatch_changed(r->dispatch);
}

static enum err open_dispatch(struct running *r, struct fault *f)
{
    const struct rpc_table tables[] = {account_rpc,  catalog_rpc, order_rpc,  identity_rpc,  material_rpc,
                                       payment_rpc,  invoice_rpc, review_rpc, issue_rpc,     certificate_rpc,
                                       shipment_rpc, staff_rpc,   job_rpc,    remittance_rpc};
    char *dir = arena_printf(&r->arena, "%s/uploads", r->started->app.state_dir);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return fail(f, ERR_INVALID, "folder %s cannot be made", dir);
    const struct config *c = r->started->app.config;
    struct dispatch_options o = {.app = &r->started->app,
                                 .tables = tables,
                                 .n_tables = sizeof tables / sizeof *tables,
                                 .workers = (int)config_number(c, CONFIG_WORKERS),
                                 .queue = (size_t)config_number(c, CONFIG_QUEUE),
                                 .upload_dir = dir,
                                 .aside = (int)config_number(c, CONFIG_DECODERS),
                                 .database_up = database_up,
                                 .database_arg = r->probe};
    struct dispatch *d;
    TRY(dispatch_open(&o, &d, f));
    pthread_mutex_lock(&r->opening);
    r->dispatch = d;
    pthread_mutex_unlock(&r->opening);
    return OK;
}

static void split_addresses(struct running *r)
{
    char *rest = arena_strdup(&r->arena, config_text(r->started->app.config, CONFIG_LISTEN)), *one;
    while ((one = strsep(&rest, " ")) && r->n_addresses < ADDRESSES_MAX)
        if (*one)
            r->addresses[r->n_addresses++] = one;
}

static enum err read_pem(struct running *r, enum config_id id, const char **out, struct fault *f)
{
    enum {
        PEM_MAX = 256 * 1024
    };
    const char *path = config_text(r->started->app.config, id);
    *out = NULL;
    if (!*path)
        return OK;
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(f, ERR_INVALID, "%s cannot be read: %s", path, strerror(errno));
    char *text = arena_alloc(&r->arena, PEM_MAX);
    size_t n = fread(text, 1, PEM_MAX - 1, file);
    fclose(file);
    text[n] = '\0';
    *out = text;
    return OK;
}

static enum err open_server(struct running *r, struct fault *f)
{
    const struct config *c = r->started->app.config;
    struct rpc_server_options o = {.allow_any_address = config_flag(c, CONFIG_LISTEN_ANYWHERE),
                                   .app = r->dispatch};
    size_t n;
    split_addresses(r);
    o.addresses = r->addresses;
    o.n_addresses = r->n_addresses;
    TRY(read_pem(r, CONFIG_TLS_CERT, &o.tls_cert_pem, f));
    TRY(read_pem(r, CONFIG_TLS_KEY, &o.tls_key_pem, f));
    TRY(read_pem(r, CONFIG_TLS_CLIENT_CA, &o.client_ca_pem, f));
    const struct rpc_route *routes = dispatch_routes(r->dispatch, &n);
    struct rpc_server *s;
    TRY(rpc_server_open(&o, routes, n, &s, f));
    pthread_mutex_lock(&r->opening); /* what the probe finds from now on, it says itself */
    dispatch_attach(r->dispatch, s);
    r->server = s;
    rpc_health_set(s, "", probe_up(r->probe));
    pthread_mutex_unlock(&r->opening);
    return rpc_server_start(s, f);
}

static enum err open_outbox(struct running *r, struct fault *f)
{
    struct app *app = &r->started->app;
    struct outbox_options o = {.app = app,
                               .db = &app->db,
                               .keys = app->keys,
                               .kinds = kinds,
                               .n_kinds = all_kinds(),
                               .threads = (int)config_number(app->config, CONFIG_JOB_THREADS),
                               .committed = on_job_committed,
                               .arg = r};
    TRY(outbox_start(&o, &r->outbox, f));
    app->outbox = r->outbox;
    return OK;
}

/* What the server itself does now and then, on a connection that is opened for it. */
static void do_chore(struct running *r, const char *name, enum err (*chore)(struct ctx *c))
{
    struct db *db;
    struct arena a;
    struct fault f;
    struct ctx c;
    fault_clear(&f);
    arena_init(&a, 0);
    if (db_open(&r->started->app.db, &db, &f) == OK) {
        start_ctx(r->started, db, &a, &f, name, &c);
        enum err e = chore(&c);
        if (e != OK)
            LOG(ERROR, "chore.failed", KV_S("chore", name), KV_S("why", err_name(e)));
        db_close(db);
    } else {
        LOG(WARN, "chore.late", KV_S("chore", name), KV_S("why", err_name(f.code)));
    }
    arena_free(&a);
}

static enum err prune(struct ctx *c)
{
    const struct prune_rules all[] = {core_prune, account_prune, identity_prune, payment_prune};
    uint64_t deleted;
    return prune_run(c, all, sizeof all / sizeof *all, &deleted);
}

static void seal(struct running *r)
{
    do_chore(r, "audit.seal", audit_seal);
}

/* Seals, sweeps and prunes every minute until told to stop. */
static void wait_for_signal(struct running *r)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    for (;;) {
        do_chore(r, "prune", prune);
        do_chore(r, "material.sweep", partial_sweep);
        int s = sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = SEAL_EVERY_S});
        if (s == SIGTERM || s == SIGINT || s == SIGHUP)
            return;
        seal(r);
    }
}

static void say_ready(const struct running *r)
{
    printf("{\"ready\":true,\"ports\":[");
    for (size_t i = 0; i < r->n_addresses; i++)
        printf("%s%d", i ? "," : "", rpc_server_port(r->server, i));
    printf("],\"callback_port\":%d}\n", callback_port(r->callback));
    fflush(stdout);
    LOG(INFO, "ready", KV_I("callback_port", callback_port(r->callback)));
}

/* The bills of the days to come are fetched; those of days that nobody served are caught up with. */
static enum err plan_bills(struct running *r, struct fault *f)
{
    struct db *db;
    struct arena a;
    struct ctx c;
    TRY(db_open(&r->started->app.db, &db, f));
    arena_init(&a, 0);
    start_ctx(r->started, db, &a, f, "reconcile", &c);
    enum err e = reconcile_begin(&c);
    arena_free(&a);
    db_close(db);
    return e;
}

static enum err open_all(struct running *r, struct fault *f)
{
    struct started *s = r->started;
    int applied = 0;
    /* A database of one's own is kept up to date; another's owner runs `certdeskd migrate`. */
    if (s->own_database)
        TRY(migrate_run(&s->app.db, &applied, f));
    TRY(migrate_check(&s->app.db, f));
    TRY(db_check_settings(&s->app.db, f));
    TRY(start_issuing(s, f));
    TRY(plan_bills(r, f));
    TRY(probe_start(&s->app.db, on_database, r, &r->probe, f));
    TRY(open_dispatch(r, f));
    TRY(open_outbox(r, f));
    static struct callback_table callbacks[4];
    callbacks[0] = payment_callbacks;
    callbacks[1] = shipment_callbacks;
    callbacks[2] = identity_callbacks;
    callbacks[3] = invoice_callbacks;
    TRY(callback_open(s, config_text(s->app.config, CONFIG_CALLBACK_LISTEN), callbacks,
                      sizeof callbacks / sizeof *callbacks, database_up, r->probe, &r->callback, f));
    return open_server(r, f);
}

static void close_all(struct running *r)
{
    if (r->server)
        rpc_server_drain(r->server, GRACE_MS);
    callback_close(r->callback);
    if (r->outbox)
        outbox_stop(r->outbox);
    if (r->probe)
        probe_stop(r->probe); /* it sheds the dispatch's queue and sets the server's health */
    dispatch_stop(r->dispatch);
    if (r->server)
        rpc_server_close(r->server);
    dispatch_close(r->dispatch);
    seal(r);
    arena_free(&r->arena);
}

enum err serve(struct started *s, struct fault *f)
{
    struct running r = {.started = s, .opening = PTHREAD_MUTEX_INITIALIZER};
    struct rlimit files = {FILES, FILES};
    (void)setrlimit(RLIMIT_NOFILE,
                    &files); /* an accept that fails for want of descriptors never recovers in this core */
    struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core); /* memory holds PINs and ID numbers */
#ifndef CERTDESK_SANITIZE                   /* whose leak check traces this process */
    (void)prctl(PR_SET_DUMPABLE, 0);        /* the limit says nothing to a handler behind a pipe */
#endif
    arena_init(&r.arena, 0);
    enum err e = open_all(&r, f);
    if (e == OK) {
        say_ready(&r);
        wait_for_signal(&r);
        LOG(INFO, "stopping", KV_I("grace_ms", GRACE_MS));
    }
    close_all(&r);
    return e;
}
