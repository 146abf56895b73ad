#include "command/command.h"

#include "base/end.h"
#include "base/str.h"
#include "screen/desk.h"
#include "screen/msg.h"
#include "ui/doc.h"
#include "ui/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- calls ---- */

int command_fault(const struct fault *f)
{
    struct arena a;
    arena_init(&a, 0);
    /* a terminal must not be steered by a server's words here either */
    char **line;
    size_t n = text_wrap(&a, fault_words(f, &a), 10000, &line);
    fprintf(stderr, "certdesk: %s\n", err_name(f->code));
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "%s\n", line[i]);
    arena_free(&a);
    return (int)end_of(f->code);
}

bool command_call(struct run_context *c, struct rpc_method m, ProtobufCMessage *request,
                  const ProtobufCMessage **response)
{
    struct fault f;
    char id[ID_SIZE];
    fault_clear(&f);
    id_new("req", id);
    msg_set_text(request, "request_id", id);
    if (rpc_unary(c->channel, m, request, 20000, &c->arena, response, &f) == OK)
        return true;
    c->failed = f.code;
    command_fault(&f);
    return false;
}

void command_print_json(json_t *j)
{
    json_dumpf(j, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(j);
}

int command_print(struct run_context *c, const ProtobufCMessage *m)
{
    if (!c->o->json) {
        puts("OK");
        return 0;
    }
    command_print_json(msg_json(m));
    return 0;
}

/* ---- lists ---- */

static void pad(FILE *out, const char *s, int columns, bool last)
{
    fputs(s, out);
    for (int w = text_width(s); !last && w < columns + 2; w++)
        fputc(' ', out);
}

static void print_table(struct run_context *c, const struct screen *s, const void *const *rows, size_t n)
{
    const struct page page = {.screen = s};
    size_t k = s->n_columns;
    char **cells = ARENA_ARRAY(&c->arena, char *, (n + 1) * k);
    int *width = ARENA_ARRAY(&c->arena, int, k);
    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j < k; j++) {
            enum style style;
            const char *text =
                i ? s->cell(&page, rows[i - 1], j, &style, &c->arena) : tr(s->columns[j].title);
            cells[i * k + j] = text_clean(&c->arena, text);
            int w = text_width(cells[i * k + j]);
            width[j] = w > width[j] ? w : width[j];
        }
    }
    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j < k; j++)
            pad(stdout, cells[i * k + j], width[j], j + 1 == k);
        putchar('\n');
    }
}

static const ProtobufCMessageDescriptor *input_of(struct rpc_method m)
{
    const ProtobufCMethodDescriptor *d = protobuf_c_service_descriptor_get_method_by_name(m.service, m.name);
    return d->input;
}

static void print_json(const void *const *rows, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, msg_json(rows[i]));
    command_print_json(list);
}

static int list(struct run_context *c, const struct screen *s, const char *query, const char *flag)
{
    const ProtobufCMessageDescriptor *d = input_of(s->list);
    struct buf rows = BUF(&c->arena);
    const char *token = "";
    do {
        const ProtobufCMessage *response;
        ProtobufCMessage *request = arena_alloc(&c->arena, d->sizeof_message);
        protobuf_c_message_init(d, request);
        msg_set_int(request, "page_size", 200);
        msg_set_text(request, "page_token", token);
        msg_set_text(request, "query", query);
        msg_set_bool(request, flag, true);
        if (!command_call(c, s->list, request, &response))
            return 1;
        ProtobufCMessage **part;
        size_t n = msg_rows(response, &part);
        if (n)
            buf_add(&rows, part, n * sizeof *part);
        token = msg_text(response, "next_page_token");
    } while (*token);
    const void *const *all = rows.n ? (const void *const *)(const void *)rows.p : NULL;
    if (c->o->json)
        print_json(all, rows.n / sizeof(void *));
    else
        print_table(c, s, all, rows.n / sizeof(void *));
    return 0;
}

int command_list(struct run_context *c, const struct screen *s, const char *query)
{
    return list(c, s, query, "");
}

int command_list_flag(struct run_context *c, const struct screen *s, const char *flag)
{
    return list(c, s, "", flag);
}

void command_doc(struct run_context *c, const struct doc *d)
{
    for (size_t i = 0; i < d->n; i++) {
        const struct doc_line *l = &d->lines[i];
        char **part;
        size_t n = text_wrap(&c->arena, l->text, 10000, &part);
        for (size_t k = 0; k < n; k++) {
            const char *label = k == 0 && l->label ? l->label : "";
            int w = text_width(label);
            printf("%s%s%*s%s\n", l->style == STYLE_HEAD ? "" : "  ", label,
                   l->label ? (w < 20 ? 20 - w : 1) : 0, "", part[k]);
        }
    }
}

/* ---- finding the command ---- */

/* How many of the words are this command's; 0: another one. */
static int matches(const struct command *cmd, const struct options *o)
{
    char words[64], *at = NULL;
    int n = 0;
    snprintf(words, sizeof words, "%s", cmd->words);
    for (char *w = strtok_r(words, " ", &at); w; w = strtok_r(NULL, " ", &at), n++)
        if (n >= o->n_words || strcmp(o->words[n], w) != 0)
            return 0;
    return n;
}

/* The one with the most words that fits: "issue list" before "issue ORDER". */
static const struct command *find(const struct options *o, int *words)
{
    const struct command *best = NULL;
    *words = 0;
    for (size_t i = 0; i < n_commands; i++) {
        int n = matches(&commands[i], o);
        if (n > *words) {
            *words = n;
            best = &commands[i];
        }
    }
    return best;
}

static bool read_token(struct session *s)
{
    size_t n = fread(s->token, 1, sizeof s->token - 1, stdin);
    s->token[n] = 0;
    s->token[strcspn(s->token, "\r\n")] = 0;
    return *s->token;
}

static bool open_channel(struct run_context *c)
{
    struct rpc_channel_options ro = {.target = c->o->server};
    struct fault f;
    fault_clear(&f);
    if (rpc_channel_open(&ro, &c->channel, &f) != OK) {
        c->failed = f.code;
        command_fault(&f);
        return false;
    }
    if (c->o->token_stdin)
        read_token(&c->session);
    else
        session_read(&c->session, c->o->server);
    session_use(&c->session, c->channel);
    snprintf(c->session.server, sizeof c->session.server, "%s", c->o->server);
    return true;
}

int command_run(const struct options *o)
{
    int words;
    const struct command *cmd = find(o, &words);
    struct run_context c = {.o = o, .args = o->words + words, .n_args = o->n_words - words};
    if (!cmd) {
        fprintf(stderr, _("certdesk: no such command; see certdesk --help\n"));
        return 2;
    }
    if (c.n_args < cmd->least || c.n_args > cmd->most) {
        fprintf(stderr, _("usage: certdesk %s %s\n"), cmd->words, cmd->args);
        return 2;
    }
    arena_init(&c.arena, 0);
    int status = open_channel(&c) ? cmd->run(&c) : 1;
    if (c.channel)
        rpc_channel_close(c.channel);
    wipe(&c.session, sizeof c.session);
    arena_free(&c.arena);
    if (status == END_FAILED && c.failed)
        status = (int)end_of(c.failed); /* says more */
    return fflush(stdout) == 0 ? status : END_FAILED;
}

void command_help(void)
{
    struct arena a;
    arena_init(&a, 0);
    printf(_("certdesk - the certificate desk's console\n\n"
             "  certdesk [OPTIONS]            the full screen\n"
             "  certdesk [OPTIONS] COMMAND    one thing, from a script\n\n"));
    for (size_t i = 0; i < n_commands; i++) {
        char *head = arena_printf(&a, "%s %s", commands[i].words, commands[i].args);
        printf("  %-43s  %s\n", head, tr(commands[i].about));
    }
    printf(_("\nOptions\n"
             "  --server ADDRESS   unix:/path/to/socket or host:port; else CERTDESK_SERVER\n"
             "  -o json            JSON instead of text\n"
             "  --user NAME --totp CODE   for login; the password is read from standard input\n"
             "  --reader NAME      which reader; else the first one that holds a card\n"
             "  --medium NUMBER    only this UKEY\n"
             "  --reason TEXT      where a reason is asked for\n"
             "  --token-stdin      the session's token comes on standard input, not from the file\n"
             "  --progress         issue: lines for a program\n"
             "The language follows CERTDESK_LANG or LANG (zh_CN, en). The session is kept in\n"
             "$XDG_STATE_HOME/certdesk/session.\n"));
    printf(_(
        "\nEnds with\n"
        "  0  done; reconciliations show: nothing differs\n"
        "  1  failed, or refused; standard error says why\n"
        "  2  the words, or a file that was given, are wrong, or name what is not there, or the file to be\n"
        "     written is there already; nothing was done\n"
        "  3  reconciliations show: the books differ from the bill; remittance import: lines were refused,\n"
        "     the others are in\n"
        "  4  not yet: the server, a supplier or the smart card service does not answer, no UKEY was\n"
        "     plugged in, no deposit waits, or there is no bill of that day\n"));
    arena_free(&a);
}
