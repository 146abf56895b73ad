#include "start.h"

#include "base/clock.h"
#include "base/log.h"
#include "config.h"
#include "core/keyring.h"
#include "invoice/token_store.h"
#include "pki/ca.h"
#include "providers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    CA_ROOT_DAYS = 7300,
    CA_ISSUING_DAYS = 3650,
    RETRY_MS = 200,
    SAY_EVERY_MS = 5000,
    PATH_SIZE = 4096
};

static enum err folder(const char *path, struct fault *f)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return OK;
    return fail(f, ERR_INVALID, "folder %s cannot be made: %s", path, strerror(errno));
}

/* True when something answers on the options; quiet. */
static bool answers(const struct db_options *o)
{
    struct db *db;
    struct fault f;
    struct db_options bare = *o;
    bare.schema = NULL;
    fault_clear(&f);
    if (db_open(&bare, &db, &f) != OK)
        return false;
    db_close(db);
    return true;
}

/* Pauses. True when SIGTERM, SIGINT or SIGHUP came meanwhile; those who have not blocked them have ended by
 * then. */
static bool told_to_stop(long ms)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return sigtimedwait(&set, NULL, &(struct timespec){.tv_nsec = ms * 1000000}) > 0;
}

/* patience_ms 0: for ever. */
static enum err wait_for_database(const struct db_options *o, int64_t patience_ms, struct fault *f)
{
    int64_t began = clock_mono_ms(), said = began;
    while (!answers(o)) {
        int64_t now = clock_mono_ms();
        if (patience_ms && now - began > patience_ms)
            return fail(f, ERR_UNAVAILABLE, "the database does not answer");
        if (now - said > SAY_EVERY_MS) {
            LOG(WARN, "database.waiting", KV_I("seconds", (now - began) / 1000));
            said = now;
        }
        if (told_to_stop(RETRY_MS))
            return fail(f, ERR_CANCELLED, "stopped before the database answered");
    }
    return OK;
}

/* -- whose folder it is ------------------------------------------------------------------------------------
 *
 * serve.lock is the server's as long as it runs: two servers on one folder would take each other's database
 * away when they stop. command.lock is held by whoever brings the folder's database up: a server until it
 * answers, a command that found no server until its end, so that nobody works on a database which goes with
 * somebody else's command. The kernel lets go of both when the process ends, however it ends.
 */

static enum err lock_file(const struct started *s, const char *name, int *fd, struct fault *f)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", s->app.state_dir, name);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return *fd >= 0 ? OK : fail(f, ERR_INVALID, "%s cannot be written: %s", path, strerror(errno));
}

static void unlock(int *fd)
{
    if (*fd > 0)
        close(*fd);
    *fd = 0;
}

static enum err own_folder(struct started *s, struct fault *f)
{
    TRY(lock_file(s, "serve.lock", &s->serving, f));
    if (flock(s->serving, LOCK_EX | LOCK_NB) == 0)
        return OK;
    return fail(f, ERR_INVALID, "another certdeskd serves from %s", s->app.state_dir);
}

static enum err take_turn(struct started *s, int64_t patience_ms, struct fault *f)
{
    int64_t began = clock_mono_ms();
    TRY(lock_file(s, "command.lock", &s->commanding, f));
    while (flock(s->commanding, LOCK_EX | LOCK_NB) != 0) {
        if (patience_ms && clock_mono_ms() - began > patience_ms)
            return fail(f, ERR_UNAVAILABLE, "another command works on the database of %s", s->app.state_dir);
        if (told_to_stop(RETRY_MS))
            return fail(f, ERR_CANCELLED, "stopped before the database answered");
    }
    return OK;
}

static enum err keep_database(struct started *s, int64_t patience_ms, struct fault *f)
{
    char dir[PATH_SIZE];
    struct db_options *o = &s->app.db;
    snprintf(dir, sizeof dir, "%s/db", s->app.state_dir);
    int n = snprintf(s->embedded.socket, sizeof s->embedded.socket, "%s/db.sock", dir);
    if (n < 0 || (size_t)n >= sizeof s->embedded.socket)
        return fail(f, ERR_INVALID, "server.state_dir is too long for a Unix socket");
    o->socket = s->embedded.socket;
    s->own_database = true;
    TRY(take_turn(s, patience_ms, f));
    if (s->serving || !answers(o)) { /* else that of the server of this folder */
        TRY(embedded_start(dir, &s->embedded, f));
        o->socket = s->embedded.socket;
        TRY(wait_for_database(o, patience_ms, f));
    }
    if (s->serving || !s->embedded.keeper)
        unlock(&s->commanding);
    return OK;
}

static bool has_own_database(const struct config *c)
{
    return !*config_text(c, CONFIG_DB_SOCKET) && !*config_text(c, CONFIG_DB_HOST);
}

static enum err find_database(struct started *s, int64_t patience_ms, struct fault *f)
{
    const struct config *c = s->app.config;
    struct db_options *o = &s->app.db;
    *o = (struct db_options){.user = config_text(c, CONFIG_DB_USER),
                             .password = s->db_password,
                             .schema = config_text(c, CONFIG_DB_SCHEMA),
                             .port = (unsigned)config_number(c, CONFIG_DB_PORT)};
    if (has_own_database(c))
        return keep_database(s, patience_ms, f);
    const char *socket = config_text(c, CONFIG_DB_SOCKET);
    o->socket = *socket ? socket : NULL;
    o->host = *socket ? NULL : config_text(c, CONFIG_DB_HOST);
    return wait_for_database(o, patience_ms, f);
}

static char *read_secret(const char *path)
{
    FILE *file = *path ? fopen(path, "re") : NULL;
    if (!file)
        return NULL;
    char *text = calloc(1, 4096);
    size_t n = text ? fread(text, 1, 4095, file) : 0;
    fclose(file);
    while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        text[--n] = '\0';
    return text;
}

static bool there(const struct started *s, const char *name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", s->app.state_dir, name);
    return access(path, F_OK) == 0;
}

/* A folder that only a server may make is made; any other that lacks something is told and left alone. */
static enum err state_folder(struct started *s, enum start_state state, struct fault *f)
{
    bool own = has_own_database(s->app.config);
    if (state == START_SERVES || state == START_MAKES) {
        TRY(folder(s->app.state_dir, f));
        return state == START_SERVES ? own_folder(s, f) : OK;
    }
    if ((state == START_KEYLESS || there(s, "keys")) && (!own || there(s, "db/data")))
        return OK;
    return fail(f, ERR_PRECONDITION, "there is no state in %s; `certdeskd --state %s serve` or init makes it",
                s->app.state_dir, s->app.state_dir);
}

enum err start_app(const char *config_file, enum start_state state, struct started *s, struct fault *f)
{
    struct config *config;
    char keys[PATH_SIZE];
    *s = (struct started){0};
    TRY(config_open(config_file, &config, f));
    s->app.config = config;
    s->app.state_dir = config_text(config, CONFIG_STATE_DIR);
    if (!*s->app.state_dir)
        return fail(f, ERR_INVALID,
                    "say where to keep things: server.state_dir in the settings, or --state DIR");
    s->db_password = read_secret(config_text(config, CONFIG_DB_PASSWORD));
    TRY(state_folder(s, state, f));
    snprintf(keys, sizeof keys, "%s/keys", s->app.state_dir);
    if (state != START_KEYLESS)
        TRY(keyring_open(keys, state != START_NEEDS, &s->app.keys, f));
    return find_database(s, state == START_SERVES ? 0 : config_number(config, CONFIG_DB_PATIENCE) * 1000, f);
}

static enum err open_ca(struct started *s, const char *dir, enum pki_alg alg, const char *passphrase,
                        struct pki_ca **out, struct fault *f)
{
    enum err e = pki_ca_open(dir, alg, passphrase, out, f);
    if (e != ERR_NOT_FOUND)
        return e;
    fault_clear(f);
    struct pki_ca_plan plan = {
        .alg = alg,
        .organization = "certdesk",
        .root_name = alg == PKI_SM2 ? "certdesk SM2 Root CA" : "certdesk P-256 Root CA",
        .issuing_name = alg == PKI_SM2 ? "certdesk SM2 Issuing CA" : "certdesk P-256 Issuing CA",
        .not_before_ms = clock_now_ms(),
        .root_days = CA_ROOT_DAYS,
        .issuing_days = CA_ISSUING_DAYS,
        .passphrase = passphrase};
    TRY(pki_ca_create(dir, &plan, f));
    LOG(INFO, "ca.made", KV_S("algorithm", alg == PKI_SM2 ? "SM2" : "P-256"));
    (void)s;
    return pki_ca_open(dir, alg, passphrase, out, f);
}

static enum err open_cas(struct started *s, struct fault *f)
{
    char dir[PATH_SIZE], passphrase[65];
    unsigned char derived[32];
    const char *set = config_text(s->app.config, CONFIG_CA_DIR);
    snprintf(dir, sizeof dir, "%s", *set ? set : s->app.state_dir);
    if (!*set)
        strncat(dir, "/ca", sizeof dir - strlen(dir) - 1);
    TRY(folder(dir, f));
    crypt_derive(s->app.keys, "ca.passphrase", derived);
    hex_encode(derived, sizeof derived, passphrase);
    char *own = read_secret(config_text(s->app.config, CONFIG_CA_PASSPHRASE));
    enum err e = open_ca(s, dir, PKI_SM2, own ? own : passphrase, &s->app.ca_sm2, f);
    if (e == OK)
        e = open_ca(s, dir, PKI_P256, own ? own : passphrase, &s->app.ca_p256, f);
    if (own)
        wipe(own, strlen(own));
    free(own);
    wipe(passphrase, sizeof passphrase);
    wipe(derived, sizeof derived);
    return e;
}

enum err start_providers(struct started *s, struct fault *f)
{
    struct providers *p = calloc(1, sizeof *p);
    if (!p)
        return fail(f, ERR_INTERNAL, "out of memory");
    s->app.providers = p;
    TRY(http_open(&(struct http_options){0}, &p->http, f));
    p->tokens = token_store(&s->app);
    return providers_open(p, s->app.config, f);
}

enum err start_issuing(struct started *s, struct fault *f)
{
    TRY(open_cas(s, f));
    return start_providers(s, f);
}

void start_close(struct started *s)
{
    providers_close(s->app.providers);
    pki_ca_close(s->app.ca_sm2);
    pki_ca_close(s->app.ca_p256);
    if (s->embedded.keeper)
        embedded_stop(&s->embedded);
    unlock(&s->commanding);
    unlock(&s->serving);
    if (s->app.keys)
        keyring_close(s->app.keys);
    if (s->db_password)
        wipe((char *)(uintptr_t)s->db_password, strlen(s->db_password));
    free((void *)(uintptr_t)s->db_password);
    config_close((struct config *)(uintptr_t)s->app.config);
}

void start_ctx(struct started *s, struct db *db, struct arena *a, struct fault *f, const char *method,
               struct ctx *out)
{
    fault_clear(f);
    *out = (struct ctx){.app = &s->app,
                        .db = db,
                        .keys = s->app.keys,
                        .arena = a,
                        .fault = f,
                        .caller = {.kind = CALLER_SYSTEM, .id = "system"},
                        .now_ms = clock_now_ms(),
                        .method = method};
    id_new("req", out->request);
}
