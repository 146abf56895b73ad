/* certdeskd - the server and its command line. */
#include "base/log.h"
#include "commands.h"
#include "config.h"
#include "core/audit.h"
#include "core/migrate.h"
#include "core/tx.h"
#include "notice/notice.h"
#include "payment/reconcile.h"
#include "serve.h"
#include "staff/staff.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
    CLI_PATIENCE_MS = 30000
};

/* One command with a database and a ctx of the system. */
typedef enum err with_ctx(struct ctx *c, struct args *a);

static enum err cmd_serve(struct started *s, struct args *a, struct fault *f)
{
    (void)a;
    return serve(s, f);
}

static enum err cmd_migrate(struct started *s, struct args *a, struct fault *f)
{
    (void)a;
    int applied;
    TRY(migrate_run(&s->app.db, &applied, f));
    TRY(db_check_settings(&s->app.db, f));
    printf("%d migrations applied; the schema is up to date\n", applied);
    return OK;
}

static enum err run_with_ctx(struct started *s, with_ctx *fn, struct args *args, struct fault *f)
{
    struct db *db;
    struct arena a;
    struct ctx c;
    TRY(db_open(&s->app.db, &db, f));
    arena_init(&a, 0);
    start_ctx(s, db, &a, f, "certdeskd", &c);
    enum err e = fn(&c, args);
    arena_free(&a);
    db_close(db);
    return e;
}

/* -- staff add LOGIN NAME ROLES; the password comes on standard input ---- */

struct new_staff {
    struct args *a;
    const char *password;
    unsigned roles;
    char base32[128];
};

static enum err staff_body(struct ctx *c, void *arg)
{
    struct new_staff *s = arg;
    const char *secret;
    TRY(staff_put(c, s->a->v[1], s->a->v[2], s->password, s->roles, &secret));
    snprintf(s->base32, sizeof s->base32, "%s", secret);
    return OK;
}

/* A line of standard input; on a terminal asked for, and not shown. */
static bool read_password(const char *login, char *out, size_t size)
{
    struct termios shown, hidden;
    bool asked = tcgetattr(STDIN_FILENO, &shown) == 0;
    if (asked) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
        fprintf(stderr, "Password for %s: ", login);
    }
    bool got = fgets(out, (int)size, stdin) != NULL;
    if (asked) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fputc('\n', stderr);
    }
    return got;
}

static enum err do_staff(struct ctx *c, struct args *a)
{
    char password[256] = "";
    if (a->n != 4 || strcmp(a->v[0], "add") != 0)
        return fail(c->fault, ERR_INVALID,
                    "usage: certdeskd staff add LOGIN NAME ROLES   (password on standard input)");
    struct new_staff s = {.a = a, .password = password};
    TRY(staff_roles(a->v[3], &s.roles, c->fault));
    if (!read_password(a->v[1], password, sizeof password))
        return fail(c->fault, ERR_INVALID, "the password comes on standard input");
    password[strcspn(password, "\r\n")] = '\0';
    if (strlen(password) < 8)
        return fail(c->fault, ERR_INVALID, "a password has at least 8 characters");
    enum err e = tx_run(c, staff_body, &s);
    wipe(password, sizeof password);
    if (e == OK)
        printf("otpauth://totp/certdesk:%s?secret=%s&issuer=certdesk\n", a->v[1], s.base32);
    return e;
}

/* -- audit verify [PUBLIC-KEY] ---- */

static enum err do_audit(struct ctx *c, struct args *a)
{
    if (a->n < 1 || strcmp(a->v[0], "verify") != 0)
        return fail(c->fault, ERR_INVALID, "usage: certdeskd audit verify [seal.pub.pem]");
    char *path = a->n > 1 ? a->v[1] : arena_printf(c->arena, "%s/keys/seal.pub.pem", c->app->state_dir);
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(c->fault, ERR_INVALID, "%s cannot be read", path);
    char pem[4096] = "";
    size_t n = fread(pem, 1, sizeof pem - 1, file);
    pem[n] = '\0';
    fclose(file);
    struct audit_report r = {0};
    enum err e = audit_verify(c, pem, &r);
    printf("%llu rows, %llu writers, %llu seals: %s\n", (unsigned long long)r.rows,
           (unsigned long long)r.writers, (unsigned long long)r.seals, r.intact ? "intact" : r.first_bad);
    return e;
}

/* -- reconcile PROVIDER DATE [-o json] ---- */

static enum err do_reconcile(struct ctx *c, struct args *a)
{
    struct reconciliation r;
    bool json = a->n == 4 && strcmp(a->v[2], "-o") == 0 && strcmp(a->v[3], "json") == 0;
    if (a->n != 2 && !json)
        return fail(c->fault, ERR_INVALID, "usage: certdeskd reconcile wechat|alipay DATE [-o json]");
    TRY(reconcile_now(c, a->v[0], a->v[1], &r));
    printf("%s%s", json ? reconcile_json(c, &r) : reconcile_text(c, &r), json ? "\n" : "");
    if (r.n_differences)
        return fail(c->fault, ERR_PRECONDITION, "%lld differences", (long long)r.n_differences);
    return OK;
}

static enum err cmd_reconcile(struct started *s, struct args *a, struct fault *f)
{
    TRY(start_providers(s, f));
    return run_with_ctx(s, do_reconcile, a, f);
}

static enum err cmd_channel(struct started *s, struct args *a, struct fault *f)
{
    return run_with_ctx(s, command_channel, a, f);
}

static enum err cmd_staff(struct started *s, struct args *a, struct fault *f)
{
    return run_with_ctx(s, do_staff, a, f);
}

static enum err cmd_audit(struct started *s, struct args *a, struct fault *f)
{
    return run_with_ctx(s, do_audit, a, f);
}

static enum err cmd_remittance(struct started *s, struct args *a, struct fault *f)
{
    return run_with_ctx(s, command_remittance, a, f);
}

static enum err cmd_identity(struct started *s, struct args *a, struct fault *f)
{
    return run_with_ctx(s, command_identity, a, f);
}

static int complain(const struct fault *f)
{
    fprintf(stderr, "certdeskd: %s\n", fault_text(f));
    for (size_t i = 0; i < f->n_violations; i++)
        fprintf(stderr, "  %s: %s\n", f->violations[i].field, f->violations[i].text);
    return 1;
}

static int print_config(const char *file, struct fault *f)
{
    struct config *c;
    if (config_open(file, &c, f) != OK)
        return complain(f);
    config_print(c);
    config_close(c);
    return 0;
}

/* The SMS templates as JSON: what has to be registered with the provider. */
static int print_notices(const char *file, struct fault *f)
{
    (void)file;
    (void)f;
    const char *name, *text;
    size_t n;
    printf("{");
    for (size_t i = 0; (name = notice_template(i, &text, &n)); i++)
        printf("%s\n  \"%s\": \"%s\"", i ? "," : "", name, text);
    printf("\n}\n");
    return 0;
}

static const struct command {
    const char *name, *what;
    enum err (*run)(struct started *s, struct args *a, struct fault *f);
    bool waits;                                             /* for ever for the database */
    int (*alone)(const char *config_file, struct fault *f); /* needs neither keys nor database */
} commands[] = {
    {"serve", "serve until SIGTERM", cmd_serve, true, NULL},
    {"migrate", "bring the schema up to date", cmd_migrate, false, NULL},
    {"channel", "channel import [--apply] FILE | list | show CODE | history CODE: what partners offer",
     cmd_channel, false, NULL},
    {"staff", "staff add LOGIN NAME ROLES: a person of the desk; prints the TOTP secret once", cmd_staff,
     false, NULL},
    {"audit", "audit verify [KEY]: check the audit trail against its seals", cmd_audit, false, NULL},
    {"remittance", "remittance list | export | batch | import | again: deposits by the desk's bank, as files",
     cmd_remittance, false, NULL},
    {"identity", "identity costs [YYYY-MM-DD]: what suppliers were asked on a day, and what they charge",
     cmd_identity, false, NULL},
    {"reconcile", "reconcile PROVIDER DATE [-o json]: our books of a day against the provider's bill",
     cmd_reconcile, false, NULL},
    {"config", "print every setting with its value and meaning", NULL, false, print_config},
    {"notices", "print the SMS templates to be registered with the provider, as JSON", NULL, false,
     print_notices},
};

static void usage(FILE *to)
{
    fprintf(to, "usage: certdeskd [--config FILE] [--state DIR] COMMAND\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].what);
}

static void set_log_level(const struct config *c)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    const char *level = config_text(c, CONFIG_LOG_LEVEL);
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], level) == 0)
            log_threshold((enum log_level)i);
}

/* Before threads: they inherit the mask, and serve() waits for the signals. */
static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int run(const struct command *cmd, const char *file, struct args *a)
{
    struct started s;
    struct fault f;
    fault_clear(&f);
    if (cmd->alone)
        return cmd->alone(file, &f);
    if (cmd->waits)
        block_signals();
    enum err e = start_app(file, cmd->waits ? 0 : CLI_PATIENCE_MS, &s, &f);
    if (e == OK) {
        set_log_level(s.app.config);
        e = cmd->run(&s, a, &f);
    }
    start_close(&s);
    return e == OK || e == ERR_CANCELLED ? 0 : complain(&f); /* cancelled: by SIGTERM, as asked */
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"state", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *file = getenv("CERTDESK_CONFIG");
    for (int o; (o = getopt_long(argc, argv, "+c:s:h", options, NULL)) != -1;) {
        if (o == 'c')
            file = optarg;
        else if (o == 's')
            setenv("CERTDESK_SERVER_STATE_DIR", optarg, 1);
        else {
            usage(o == 'h' ? stdout : stderr);
            return o == 'h' ? 0 : 2;
        }
    }
    const char *name = optind < argc ? argv[optind] : "";
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return run(&commands[i], file, &(struct args){argc - optind - 1, argv + optind + 1});
    usage(stderr);
    return 2;
}
