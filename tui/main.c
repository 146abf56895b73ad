/* main.c - certdesk: the desk's console; with arguments the same from scripts. */
#include "command/command.h"
#include "command/issue.h"
#include "screen/desk.h"
#include "ui/decode.h"
#include "ui/text.h"
#include "tr/tr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Option with a value, or without (kind 'b'). */
struct option_row {
    const char *name;
    void *value;
    bool flag;
};

static int parse(int argc, char **argv, struct options *o, const char **words)
{
    const char *format = NULL;
    const struct option_row rows[] = {
        {"--server", &o->server, false},    {"-o", &format, false},
        {"--reader", &o->reader, false},    {"--medium", &o->medium, false},
        {"--user", &o->user, false},        {"--totp", &o->totp, false},
        {"--reason", &o->reason, false},    {"--token-stdin", &o->token_stdin, true},
        {"--progress", &o->progress, true},
    };
    for (int i = 1; i < argc; i++) {
        const struct option_row *r = NULL;
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
            if (strcmp(argv[i], rows[k].name) == 0)
                r = &rows[k];
        if (!r && argv[i][0] == '-')
            return 2;
        if (!r)
            words[o->n_words++] = argv[i];
        else if (r->flag)
            *(bool *)r->value = true;
        else if (i + 1 < argc)
            *(const char **)r->value = argv[++i];
        else
            return 2;
    }
    o->words = words;
    o->json = format && strcmp(format, "json") == 0;
    return format && !o->json && strcmp(format, "text") != 0 ? 2 : 0;
}

static int run(int argc, char **argv, const char **words)
{
    struct options o = {.server = getenv("CERTDESK_SERVER")};
    if (parse(argc, argv, &o, words) != 0) {
        fprintf(stderr, _("certdesk: the command line is wrong; see certdesk --help\n"));
        return 2;
    }
    if (!o.server || !*o.server)
        o.server = "127.0.0.1:8443";
    return o.n_words ? command_run(&o) : desk_run(o.server);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], DECODE_ARGUMENT) == 0)
        return decode_main();
    tr_init();
    if (!text_locale()) {
        fputs("certdesk: the system has no UTF-8 locale\n", stderr);
        return 1;
    }
    if (argc == 2 && strcmp(argv[1], "--watch-ukeys") == 0)
        return ukey_watch();
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        command_help();
        return 0;
    }
    const char **words = calloc((size_t)argc + 1, sizeof *words);
    if (!words)
        return 1;
    int status = run(argc, argv, words);
    free(words);
    return status;
}
