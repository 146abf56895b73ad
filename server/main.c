/* certdeskd - the server and its command line. */
#include "base/log.h"
#include "commands.h"
#include "config.h"
#include "core/migrate.h"
#include "notice/notice.h"
#include "serve.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static enum err cmd_init(struct started *s, struct args *a, struct fault *f)
{
    (void)a;
    int applied = 0;
    if (s->own_database)
        TRY(migrate_run(&s->app.db, &applied, f));
    printf("%s is ready\n", s->app.state_dir);
    return OK;
}

static enum end complain(const struct fault *f, enum end end)
{
    fprintf(stderr, "certdeskd: %s\n", fault_text(f));
    for (size_t i = 0; i < f->n_violations; i++)
        fprintf(stderr, "  %s: %s\n", f->violations[i].field, f->violations[i].text);
    return end;
}

static enum end print_config(const char *file, struct fault *f)
{
    struct config *c;
    if (config_open(file, &c, f) != OK)
        return complain(f, END_FAILED);
    config_print(c);
    config_close(c);
    return END_DONE;
}

/* The SMS templates as JSON: what has to be registered with the provider. */
static enum end print_notices(const char *file, struct fault *f)
{
    (void)file;
    (void)f;
    const char *name, *text;
    size_t n;
    printf("{");
    for (size_t i = 0; (name = notice_template(i, &text, &n)); i++)
        printf("%s\n  \"%s\": \"%s\"", i ? "," : "", name, text);
    printf("\n}\n");
    return END_DONE;
}

static enum err no_words(struct args a, struct fault *f)
{
    (void)f;
    return a.n == 0 ? OK : ERR_INVALID;
}

static const struct command {
    const char *name, *usage, *what;
    command_words *words;
    command_work *work; /* or one of: */
    enum err (*run)(struct started *s, struct args *a, struct fault *f);
    enum end (*alone)(const char *config_file, struct fault *f); /* needs neither keys nor database */
    enum start_state state;
    bool waits;     /* for ever for the database */
    bool providers; /* asks one */
} commands[] = {
    {.name = "serve",
     .usage = "",
     .what = "serve until SIGTERM; makes the state folder when there is none",
     .words = no_words,
     .run = cmd_serve,
     .state = START_SERVES,
     .waits = true},
    {.name = "init",
     .usage = "",
     .what = "make the state folder, its keys and its database, and end",
     .words = no_words,
     .run = cmd_init,
     .state = START_MAKES},
    {.name = "migrate",
     .usage = "",
     .what = "bring the schema up to date",
     .words = no_words,
     .run = cmd_migrate,
     .state = START_KEYLESS},
    {.name = "channel",
     .usage = "import [--apply] FILE | list | show CODE [--version N] [--json] | history CODE",
     .what = "what partners offer",
     .words = channel_words,
     .work = channel_command},
    {.name = "staff",
     .usage = "add LOGIN NAME ROLES",
     .what = "a person of the desk: the password on standard input; prints the TOTP secret once",
     .words = staff_words,
     .work = staff_command},
    {.name = "audit",
     .usage = "verify [KEY]",
     .what = "check the audit trail against its seals; KEY: the auditor's copy of seal.pub.pem",
     .words = audit_words,
     .work = audit_command},
    {.name = "remittance",
     .usage = "list | export [--force] [FILE] | batch N [--force] [FILE] | import FILE | again NUMBER",
     .what = "deposits by the desk's bank, as files; --force writes over one that is there",
     .words = remittance_words,
     .work = remittance_command},
    {.name = "identity",
     .usage = "costs [YYYY-MM-DD]",
     .what = "what suppliers were asked on a day, and what they charge",
     .words = identity_words,
     .work = identity_command},
    {.name = "reconcile",
     .usage = "wechat|alipay YYYY-MM-DD [-o json]",
     .what = "our books of a day against the provider's bill",
     .words = reconcile_words,
     .work = reconcile_command,
     .providers = true},
    {.name = "config",
     .usage = "",
     .what = "print every setting with its value and meaning",
     .words = no_words,
     .alone = print_config},
    {.name = "notices",
     .usage = "",
     .what = "print the SMS templates to be registered with the provider, as JSON",
     .words = no_words,
     .alone = print_notices},
};

const char *args_option(struct args *a, const char *name, bool valued)
{
    for (int i = 0; i < a->n; i++) {
        if (strcmp(a->v[i], name) != 0 || i + valued >= a->n)
            continue;
        const char *value = a->v[i + valued];
        for (int k = i; k + valued + 1 < a->n; k++)
            a->v[k] = a->v[k + valued + 1];
        a->n -= valued + 1;
        return value;
    }
    return NULL;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void usage_of(FILE *to, const struct command *cmd)
{
    fprintf(to, "usage: certdeskd [--config FILE] [--state DIR] %s%s%s\n%s\n", cmd->name,
            *cmd->usage ? " " : "", cmd->usage, cmd->what);
}

/* The same table in README, and as much of it as concerns them in the help of certdesk and certdesk-ukey. */
static void usage(FILE *to)
{
    fprintf(to, "usage: certdeskd [--config FILE] [--state DIR] COMMAND    (help COMMAND: its words)\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-10s %s%s%s\n", commands[i].name, commands[i].usage,
                *commands[i].usage ? "\n             " : "", commands[i].what);
    fputs(
        "\nends with\n"
        "  0  done; reconcile, audit verify, channel import: nothing differs\n"
        "  1  failed; standard error says why\n"
        "  2  the words, or a file that was given, are wrong, or name what is not there, or the file to be\n"
        "     written is there already; nothing was done\n"
        "  3  reconcile: the books differ from the bill; audit verify: the trail was altered;\n"
        "     channel import without --apply: the file would change something; remittance import: lines\n"
        "     were refused, the others are in\n"
        "  4  not yet: reconcile: the provider has no bill of that day; remittance export: no deposit\n"
        "     waits; any command: the database or the provider does not answer\n",
        to);
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
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static enum err run_with_ctx(struct started *s, const struct command *cmd, struct args *args, struct fault *f)
{
    struct db *db;
    struct arena a;
    struct ctx c;
    TRY(db_open(&s->app.db, &db, f));
    arena_init(&a, 0);
    start_ctx(s, db, &a, f, "certdeskd", &c);
    enum err e = cmd->work(&c, args);
    arena_free(&a);
    db_close(db);
    return e;
}

static enum end run_started(const struct command *cmd, const char *file, struct args *a)
{
    struct started s;
    struct fault f;
    fault_clear(&f);
    if (cmd->waits)
        block_signals();
    enum end end = END_FAILED;
    enum err e = start_app(file, cmd->state, &s, &f);
    if (e == OK && cmd->providers)
        e = start_providers(&s, &f);
    if (e == OK) {
        set_log_level(s.app.config);
        e = cmd->work ? run_with_ctx(&s, cmd, a, &f) : cmd->run(&s, a, &f);
        end = e == OK ? a->end : cmd->work ? end_of(e) : END_FAILED; /* what cannot be served is a failure */
    } else if (e == ERR_UNAVAILABLE) {
        end = END_NOT_YET;
    }
    start_close(&s);
    if (e == ERR_CANCELLED) /* by SIGTERM, as asked */
        return END_DONE;
    return e == OK ? end : complain(&f, end);
}

static enum end run(const struct command *cmd, const char *file, struct args *a)
{
    struct fault f;
    fault_clear(&f);
    if (a->n && (strcmp(a->v[0], "--help") == 0 || strcmp(a->v[0], "-h") == 0)) {
        usage_of(stdout, cmd);
        return END_DONE;
    }
    char **copy = calloc((size_t)a->n + 1, sizeof *copy); /* options are taken out of it */
    if (!copy)
        return END_FAILED;
    memcpy(copy, a->v, (size_t)a->n * sizeof *copy);
    enum err e = cmd->words((struct args){.n = a->n, .v = copy}, &f);
    free(copy);
    if (e != OK) {
        if (*f.text)
            complain(&f, END_MISUSED);
        usage_of(stderr, cmd);
        return END_MISUSED;
    }
    if (file && access(file, F_OK) != 0) {
        fprintf(stderr, "certdeskd: there is no file of settings %s (--config or CERTDESK_CONFIG): %s\n",
                file, strerror(errno));
        return END_MISUSED;
    }
    return cmd->alone ? cmd->alone(file, &f) : run_started(cmd, file, a);
}

static enum end help(const char *name)
{
    const struct command *cmd = name ? find_command(name) : NULL;
    if (name && !cmd)
        fprintf(stderr, "certdeskd: there is no command %s\n", name);
    if (cmd)
        usage_of(stdout, cmd);
    else
        usage(name ? stderr : stdout);
    return name && !cmd ? END_MISUSED : END_DONE;
}

static enum end obey(int argc, char **argv)
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
        else if (o == 'h')
            return help(NULL);
        else
            return usage(stderr), END_MISUSED;
    }
    const char *name = optind < argc ? argv[optind] : "";
    struct args a = {argc - optind - 1, argv + optind + 1, END_DONE};
    const struct command *cmd = find_command(name);
    if (cmd)
        return run(cmd, file, &a);
    if (strcmp(name, "help") == 0)
        return help(a.n ? a.v[0] : NULL);
    if (*name)
        fprintf(stderr, "certdeskd: there is no command %s\n", name);
    usage(stderr);
    return END_MISUSED;
}

int main(int argc, char **argv)
{
    return (int)obey(argc, argv);
}
